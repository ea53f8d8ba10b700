"""What `hullwise locate` writes for programs and says of single rows, on tables of both kinds."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from cli_input import run, write_csv
from json_schema import problems

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "summary.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    rng = np.random.default_rng(0)

    def rows(n):
        return pd.DataFrame(
            {
                "id": [f"c{i}" for i in range(n)],
                "job": rng.choice(["nurse", "clerk", "smith"], n),
                "age": rng.normal(40, 9, n).round(1),
                "dose": np.where(rng.random(n) < 0.2, np.nan, rng.random(n).round(3)),
            }
        )

    new = rows(30)
    new.loc[3, "job"], new.loc[4, "age"], new.loc[5, "dose"] = "baker", 140.0, np.nan
    for name, frame in (("train", rows(200)), ("new", new)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    run("fit", folder / "train.csv", "--id", "id", "-o", folder / "seen.hull", "-q")
    return folder


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(80, 3)), rng.normal(size=(12, 3))
    X[:, 2] = X[:, 0] * X[:, 1] + X[:, 0]
    Q[2] = 30.0
    write_csv(folder / "train.csv", list("abc"), X.tolist())
    write_csv(folder / "new.csv", list("abc"), Q.tolist())
    return folder


def summary_of(*args):
    path = args[0] / "s.json"
    run("locate", *args[1:], "-q", "--summary", path, "--force")
    text = path.read_text(encoding="utf-8")
    run("locate", *args[1:], "-q", "--summary", path, "--force")
    assert path.read_text(encoding="utf-8") == text
    return json.loads(text)


# ---- the summary as JSON ----------------------------------------------------------------------


def test_the_summary_of_a_domain_is_as_its_schema_says(mixed):
    files = mixed / "seen.hull", mixed / "new.csv"
    figures = summary_of(mixed, *files)
    assert problems(figures, SCHEMA) == []
    location = hw.load(files[0]).locate(files[1])
    summary = location.summary()
    assert figures["bands"] == summary.bands
    assert figures["out"]["by_name"] == 1
    assert figures["chance"]["all"] == location.chance()
    assert figures["unseen_levels"] == [{"column": "job", "level": "baker", "rows": 1}]
    assert figures["gaps"][0]["without"] == ["dose"]
    assert [row["row"] for row in figures["farthest"]] == [
        location.labels[row] for row in summary.farthest[:20]
    ]
    assert figures["training"]["sha256"] == hw.load(files[0]).fitted_.digest
    assert figures["fail_on"] is None


def test_the_summary_of_numbers_is_as_its_schema_says(numbers):
    figures = summary_of(numbers, numbers / "train.csv", numbers / "new.csv")
    assert problems(figures, SCHEMA) == []
    assert figures["method"] == "numbers"
    assert figures["farthest"][0]["row"] == 2
    args = ["--target", "c", "--metric", "agop"]
    figures = summary_of(numbers, numbers / "train.csv", numbers / "new.csv", *args)
    assert problems(figures, SCHEMA) == []
    assert "in_what_matters" in figures


def test_groups_and_conditions_are_in_the_summary(mixed):
    frame = pd.read_csv(mixed / "train.csv")
    frame["team"] = [f"t{i % 25}" for i in range(len(frame))]
    frame.to_csv(mixed / "teams.csv", index=False)
    new = pd.read_csv(mixed / "new.csv")
    new["team"] = ["n1"] * 15 + ["n2"] * 15
    new.to_csv(mixed / "new_teams.csv", index=False)
    args = [mixed / "teams.csv", mixed / "new_teams.csv", "--id", "id", "--group", "team"]
    text = " ".join(run("locate", *args).stdout.split())
    assert "2 new teams, compared with 25 left out whole" in text
    path = mixed / "groups.json"
    run("locate", *args, "-q", "--summary", path, "--fail-on", "far", code=1)
    figures = json.loads(path.read_text())
    assert problems(figures, SCHEMA) == []
    assert len(figures["groups"]) == 2
    assert figures["fail_on"]["is_met"]
    assert figures["options"] == {
        "fail_on": "far",
        "group": "team",
        "id_column": "id",
        "quiet": True,
    }


# ---- test cases for CI ------------------------------------------------------------------------


def cases(path):
    suite = ElementTree.parse(path).getroot().find("testsuite")
    kinds = {
        case.get("name"): next((part.tag for part in case), "passed")
        for case in suite.findall("testcase")
    }
    for name in ("tests", "failures", "skipped"):
        tag = {"failures": "failure", "skipped": "skipped"}.get(name)
        count = len(kinds) if tag is None else sum(kind == tag for kind in kinds.values())
        assert int(suite.get(name)) == count
    return suite, kinds


def test_rows_that_fail_are_failed_cases(mixed):
    path = mixed / "cases.xml"
    args = [mixed / "seen.hull", mixed / "new.csv", "-q", "--junit", path, "--force"]
    run("locate", *args, "--fail-on", "far", code=1)
    suite, kinds = cases(path)
    condition = "at most 0 % of 30 rows are far"
    assert kinds == {condition: "failure", "row c3": "failure", "row c4": "failure"}
    failure = suite.find("testcase[@name='row c4']/failure")
    assert failure.get("message").startswith("far: age 140 → ")
    text = suite.find("testcase[@name='row c3']/failure").text
    assert "'baker' was never seen" in text
    run("locate", *args, "--fail-on", "far", "--allow", 50)
    assert cases(path)[1] == {
        "at most 50 % of 30 rows are far": "passed",
        "row c3": "skipped",
        "row c4": "skipped",
    }


def test_cases_are_capped(mixed, monkeypatch):
    from hullwise.cli import _junit

    monkeypatch.setattr(_junit, "CASES_LISTED", 4)
    path = mixed / "capped.xml"
    args = [mixed / "seen.hull", mixed / "new.csv", "-q", "--junit", path]
    run("locate", *args, "--fail-on", "core", code=1)
    suite, kinds = cases(path)
    assert len(kinds) == 5
    assert suite.find("system-out").text == ("26 more rows meet the condition and are not listed.")


def test_cases_of_numbers_and_rows_that_could_not_be_located(numbers, tmp_path):
    path, new = tmp_path / "cases.xml", tmp_path / "gaps.csv"
    new.write_text((numbers / "new.csv").read_text() + "1,,2\n")
    args = [numbers / "train.csv", new, "-q", "--junit", path, "--bad-rows", "keep"]
    run("locate", *args, "--fail-on", "far", code=1)
    _, kinds = cases(path)
    far = hw.locate(numbers / "train.csv", numbers / "new.csv").at_least("far")
    expected = [f"row {i}" for i in np.flatnonzero(far)] + ["row 12"]
    assert [name for name, kind in kinds.items() if kind == "failure"][1:] == expected
    assert "--junit needs --fail-on" in run("locate", *args, code=2).stderr


# ---- one row explained ------------------------------------------------------------------------


def test_everything_about_a_row(mixed):
    args = [mixed / "seen.hull", mixed / "new.csv"]
    text = " ".join(run("locate", *args, "--explain", "c4").stdout.split())
    assert "Row c4 far" in text
    assert "age 140" in text
    assert "A direction separates it from every training row" in text
    assert "age alone, by -" in text
    assert "Where the new rows stand" not in text
    fixed = " ".join(run("locate", *args, "--explain", "c4", "--fixed", "age").stdout.split())
    assert "no change of the other columns is enough (proved)" in fixed
    unseen = " ".join(run("locate", *args, "--explain", "c3").stdout.split())
    assert "job baker never seen" in unseen
    assert "No training row has its job." in unseen
    empty = " ".join(run("locate", *args, "--explain", "5").stdout.split())
    assert "dose (empty) not used" in empty


def test_everything_about_a_row_of_numbers(numbers):
    args = ["locate", numbers / "train.csv", numbers / "new.csv"]
    text = " ".join(run(*args, "--explain", 2).stdout.split())
    assert "Row 2 far" in text
    assert "a 30 " in text
    assert "A direction separates it" in text
    inside = hw.locate(numbers / "train.csv", numbers / "new.csv").verdict.tolist().index(1)
    text = " ".join(run(*args, "--explain", inside).stdout.split())
    assert "It is an average of training rows: " in text
    assert "0: inside the hull" in text
    error = run(*args, "--explain", "x9", code=2).stderr
    assert "there is no new row 'x9'; rows are 0 to 11" in " ".join(error.split())


# ---- proofs -----------------------------------------------------------------------------------


def test_proofs_are_verified_long_after(mixed, tmp_path):
    proofs = tmp_path / "where.npz"
    run("locate", mixed / "seen.hull", mixed / "new.csv", "--proofs", proofs, "-q", "--verify")
    text = run("verify", mixed / "seen.hull", proofs, "--table", mixed / "train.csv").stdout
    assert "30 of 30 rows: every claim holds" in text
    run("verify", mixed / "seen.hull", proofs, "--exact", "--new", mixed / "new.csv", "-q")
    changed = pd.read_csv(mixed / "new.csv")
    changed.loc[7, "age"] += 1
    changed.to_csv(tmp_path / "changed.csv", index=False)
    done = run("verify", mixed / "seen.hull", proofs, "--new", tmp_path / "changed.csv", code=1)
    assert "proofs that do not hold: 1 (rows c7)" in done.stderr
    other = pd.read_csv(mixed / "train.csv")
    other.loc[0, "age"] += 1
    other.to_csv(tmp_path / "other.csv", index=False)
    args = ["verify", mixed / "seen.hull", proofs, "--table", tmp_path / "other.csv"]
    assert "is another table" in run(*args, code=3).stderr


# ---- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--summary", "s.txt"], "ends in .json"),
        (["--junit", "s.txt", "--fail-on", "far"], "ends in .xml"),
        (["--proofs", "s.zip"], "ends in .npz"),
        (["--summary", "a.json", "--report", "a.json"], "ends in .html"),
        (["--fixed", "age"], "--fixed belongs to --explain"),
        (["--proofs", "p.npz", "--membership-only"], "--membership-only needs a table of numbers"),
    ],
)
def test_files_of_other_kinds_are_refused(args, problem, mixed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    files = [mixed / "train.csv", mixed / "new.csv"]
    assert problem in run("locate", *files, *args, code=2).stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(mixed, tmp_path):
    files = {"--summary": "s.json", "--proofs": "p.npz", "--junit": "j.xml"}
    for option, name in files.items():
        path = tmp_path / name
        path.write_text("mine")
        args = [mixed / "seen.hull", mixed / "new.csv", option, path, "--fail-on", "far"]
        error = run("locate", *args, code=3).stderr
        assert "--force" in error
        assert "located in" not in error
        assert path.read_text() == "mine"
