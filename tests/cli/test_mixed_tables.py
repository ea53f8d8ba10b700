"""Tables that are not all numbers on the command line, from the raw files of a user."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from cli_input import read_rows, run, write_csv


def table(n, seed=0, **changes):
    rng = np.random.default_rng(seed)
    rows = {
        "id": [f"c{i}" for i in range(n)],
        "job": rng.choice(["nurse", "clerk", "smith"], n).tolist(),
        "age": rng.normal(40, 9, n).round(1).tolist(),
        "smoker": rng.integers(0, 2, n).tolist(),
        "start": [f"2024-03-{1 + i % 28:02}" for i in range(n)],
        "dose": [None if u < 0.25 else round(u, 3) for u in rng.random(n).tolist()],
        "price": rng.normal(size=n).round(3).tolist(),
    }
    return pd.DataFrame(rows | changes)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    new = table(30, 1)
    new.loc[3, "job"], new.loc[4, "age"], new.loc[5, "dose"] = "baker", 140.0, None
    for name, frame in (("train", table(200)), ("new", new)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def located(*args):
    return read_rows(run("locate", *args, "-q", "-o", "-").stdout)


def test_fit_says_what_every_column_was_taken_for(mixed, tmp_path):
    out = tmp_path / "seen.hull"
    done = run("fit", mixed / "train.csv", "--target", "price", "--id", "id", "-o", out)
    text = " ".join(done.stdout.split())
    for line in (
        "job category 3 levels: clerk, nurse, smith",
        "smoker category 2 levels: 0, 1",
        "start left out no feature: dates from 2024-03-01 to 2024-03-28",
        "price target",
        "to use parts of them, pass --date start=month",
    ):
        assert line in text
    assert f"kept in {out}" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert hw.load(out).locate(mixed / "new.csv").band.tolist()[3:5] == ["far", "far"]
    gaps = json.loads(run("inspect", out, "--json").stdout)["gaps"]
    assert [len(pattern["without"]) for pattern in gaps] == [0, 1]
    assert [pattern["n_reference"] for pattern in gaps] == [pattern["rows"] for pattern in gaps]


def test_a_table_and_its_domain_give_the_same_rows(mixed, tmp_path):
    out = tmp_path / "seen.hull"
    fit = ["--target", "price", "--id", "id"]
    run("fit", mixed / "train.csv", *fit, "-o", out, "-q")
    rows = located(out, mixed / "new.csv")
    assert rows == located(mixed / "train.csv", mixed / "new.csv", *fit)
    assert [row["id"] for row in rows] == [f"c{i}" for i in range(30)]
    assert rows[3]["status"].startswith("far: job 'baker' was never seen in 200 training rows")
    assert rows[4]["pushed_out_by"].startswith("age +")
    assert "dose" in rows[5]["located_without"]


def test_the_summary_names_what_was_never_seen(mixed):
    args = ["locate", mixed / "train.csv", mixed / "new.csv", "--target", "price", "--id", "id"]
    text = " ".join(run(*args).stdout.split())
    assert "1 of 30 rows holds a level never seen: job 'baker' (1)" in text
    assert "located without dose, and compared with" in text
    assert "c4 far" in text
    assert "age 140 → " in text
    assert "'start' holds dates from" in text


def test_order_of_columns_and_columns_that_are_not_known_change_nothing(mixed, tmp_path):
    fit = ["--target", "price", "--id", "id"]
    frame = pd.read_csv(mixed / "new.csv").iloc[:, ::-1]
    frame["colour"] = "red"
    frame.to_csv(tmp_path / "turned.csv", index=False)
    frame.to_parquet(tmp_path / "turned.parquet")
    frame.to_json(tmp_path / "turned.jsonl", orient="records", lines=True)
    plain = located(mixed / "train.csv", mixed / "new.csv", *fit)
    for name in ("turned.csv", "turned.parquet", "turned.jsonl"):
        assert located(mixed / "train.csv", tmp_path / name, *fit) == plain
        done = run("locate", mixed / "train.csv", tmp_path / name, *fit)
        assert "not known are ignored: 'colour'" in " ".join(done.stdout.split())
        error = run("locate", mixed / "train.csv", tmp_path / name, *fit, "--strict", code=3).stderr
        assert "'colour'" in error


def test_one_bad_row_is_an_error_with_its_line_or_costs_no_other(mixed, tmp_path):
    lines = (mixed / "new.csv").read_text().splitlines()
    cells = lines[7].split(",")
    lines[7] = ",".join([*cells[:2], "4o", *cells[3:]])
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(lines) + "\n")
    fit = ["--target", "price", "--id", "id"]
    error = run("locate", mixed / "train.csv", bad, *fit, code=3).stderr
    assert f"{bad}: line 8, column 'age' holds '4o', which is no number" in error
    assert "--bad-rows keep" in error
    rows = located(mixed / "train.csv", bad, *fit, "--bad-rows", "keep")
    whole = located(mixed / "train.csv", mixed / "new.csv", *fit)
    assert rows[6]["status"] == "not located: column 'age' holds '4o', which is no number."
    assert rows[6]["band"] == "unknown"
    assert rows[:6] + rows[7:] == whole[:6] + whole[7:]
    keep = ["--bad-rows", "keep", "--fail-on", "far"]
    error = run("locate", mixed / "train.csv", bad, *fit, *keep, "-q", code=1).stderr
    assert "2 rows are far (rows c3, c4), 1 could not be located" in error


def test_text_that_is_mostly_numbers_stays_an_error_with_its_line(mixed, tmp_path):
    lines = (mixed / "train.csv").read_text().splitlines()
    cells = lines[7].split(",")
    lines[7] = ",".join([*cells[:2], "4o", *cells[3:]])
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(lines) + "\n")
    for command in (["fit", bad], ["locate", bad, mixed / "new.csv", "--category", "smoker"]):
        error = run(*command, "--target", "price", code=3).stderr
        assert f"{bad}: line 8, column 'age' holds '4o'" in error
        assert "--category 'age'" in error
        assert "--gaps" not in error
    run("fit", bad, "--gaps", "4o")
    bad.write_text("\n".join(lines).replace("4o", "?") + "\n")
    assert "--gaps '?'" in run("fit", bad, code=3).stderr


@pytest.mark.parametrize("cell", ["1,5", "1'000"])
def test_numbers_in_another_notation_are_no_levels(cell, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n" + "".join(f"{cell};{'xy'[i % 2]}\n" for i in range(30)))
    error = run("fit", path, "--sep", ";", code=3).stderr
    assert "line 2, column 'a' holds" in error
    assert "in another notation" in error


def test_lists_stay_lists_where_the_file_can_hold_them(mixed, tmp_path):
    fit = ["--target", "price", "--id", "id"]
    names = [tmp_path / f"w.{kind}" for kind in ("jsonl", "parquet")]
    for name in names:
        run("locate", mixed / "train.csv", mixed / "new.csv", *fit, "-q", "-o", name)
    lines = [json.loads(line) for line in names[0].read_text().splitlines()]
    assert lines == pq.read_table(names[1]).to_pylist()
    assert lines[4]["pushed_out_by"][0]["column"] == "age"
    assert lines[4]["id"] == "c4"
    assert isinstance(lines[4]["nearest_rows"], list)
    assert lines[5]["located_without"] == ["dose"]


def test_one_row_as_json_from_standard_input(mixed, tmp_path):
    out = tmp_path / "seen.hull"
    run("fit", mixed / "train.csv", "--target", "price", "--id", "id", "-o", out, "-q")
    row = {"id": "x1", "age": 41, "job": "nurse", "smoker": 1, "dose": None}
    rows = read_rows(run("locate", out, "-", "-q", "-o", "-", stdin=json.dumps(row)).stdout)
    one = hw.load(out).locate_one(row)
    assert rows[0]["id"] == "x1"
    assert rows[0]["band"] == one.band[0]
    assert float(rows[0]["upper"]) == one.upper[0]
    short = {"id": "x1", "age": 41, "job": "nurse"}  # a name that is not there is a gap
    rows = read_rows(run("locate", out, "-", "-q", "-o", "-", stdin=json.dumps(short)).stdout)
    assert rows[0]["located_without"] == "smoker, dose"
    assert float(rows[0]["upper"]) == hw.load(out).locate_one(short).upper[0]


def test_plain_numbers_give_the_same_both_ways(tmp_path):
    rng = np.random.default_rng(5)
    X, Q = rng.normal(size=(90, 4)), 1.5 * rng.normal(size=(20, 4))
    paths = [
        write_csv(tmp_path / name, list("abcd"), rows.tolist())
        for name, rows in (("t.csv", X), ("q.csv", Q))
    ]
    for metric in ("std", "range", "none"):
        numbers = located(*paths, "--metric", metric)
        domain = located(*paths, "--metric", metric, "--number", "a")
        for row, other in zip(numbers, domain, strict=True):
            for column in ("verdict", "band", "hull_percentile", "nearest_rows"):
                assert row[column] == other[column]
            assert float(row["upper"]) == pytest.approx(float(other["upper"]), rel=1e-9)


def test_new_rows_with_gaps_are_located_in_what_they_have(tmp_path):
    rng = np.random.default_rng(5)
    train = write_csv(tmp_path / "t.csv", list("abc"), rng.normal(size=(90, 3)).tolist())
    new = write_csv(tmp_path / "q.csv", list("abc"), [[0.1, "", 0.2], [0.1, "NA", 9], [0, 0, 0]])
    rows = located(train, new)
    assert [row["located_without"] for row in rows] == ["b", "b", ""]
    assert rows[1]["band"] == "far"
    error = run("locate", train, new, "--bad-rows", "refuse", code=3).stderr
    assert "never filled in for you" in error


def test_a_learnt_metric_without_a_target_names_the_option(mixed):
    error = run("fit", mixed / "train.csv", "--metric", "agop", code=3).stderr
    assert "is learnt from a target; name it with --target" in error


def test_codes_with_leading_zeros_are_no_numbers(tmp_path):
    rows = [[f"0{i % 5}", i * i % 37] for i in range(80)]
    train = write_csv(tmp_path / "t.csv", ["plant", "x"], rows)
    new = write_csv(tmp_path / "q.csv", ["plant", "x"], [["07", 5], ["01", 5]])
    assert [row["band"] for row in located(train, new)] == ["far", "core"]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--metric", "M.npy", "--category", "job"], "--metric M.npy needs a table of numbers"),
        (["--membership-only", "--missing", "rows"], "--membership-only needs a table of numbers"),
        (["--log", "age", "--number", "age"], "is also that of"),
        (["--log", "agee"], "did you mean 'age'?"),
        (["--periodic", "age"], "expected a column and what belongs to it"),
        (["--periodic", "age=x"], "expected a column and its period"),
    ],
)
def test_options_that_do_not_go_together(args, problem, mixed):
    files = [mixed / "train.csv", mixed / "new.csv", "--target", "price"]
    assert problem in run("locate", *files, *args, code=2).stderr


def test_options_of_fit_are_refused_beside_a_domain(mixed, tmp_path):
    out = tmp_path / "seen.hull"
    run("fit", mixed / "train.csv", "--target", "price", "--id", "id", "-o", out, "-q")
    args = ["locate", out, mixed / "new.csv"]
    assert "--metric belongs to hullwise fit" in run(*args, "--metric", "std", code=2).stderr
    assert "table of training rows itself" in run(*args, "--membership-only", code=2).stderr


def test_text_beside_options_of_numbers_says_what_to_do(mixed):
    args = [mixed / "train.csv", mixed / "new.csv", "--target", "price", "--id", "id"]
    error = run("locate", *args, "--membership-only", code=3).stderr
    assert "column 'job'" in error
    assert "without --membership-only any table is taken as it is" in error


@pytest.mark.parametrize("metric", ["agop", "rfm"])
def test_a_metric_is_learnt_from_a_table_as_it_is(metric, mixed, tmp_path):
    rng = np.random.default_rng(0)
    frame = table(400)
    frame["price"] = 3 * np.sin(frame.age / 9) + (frame.job == "nurse") + rng.normal(size=400) / 9
    frame.to_csv(tmp_path / "train.csv", index=False)
    columns = ["--target", "price", "--id", "id", "--drop", "dose", "--metric", metric]
    rows = located(tmp_path / "train.csv", mixed / "new.csv", *columns)
    kept = tmp_path / "seen.hull"
    text = run("fit", tmp_path / "train.csv", *columns, "-o", kept).stdout
    assert "learnt" in " ".join(text.split())
    assert rows == located(kept, mixed / "new.csv")
    domain = hw.Domain(drop=["dose"], metric=metric)
    location = domain.fit(tmp_path / "train.csv", target="price", id="id").locate(mixed / "new.csv")
    assert [row["band"] for row in rows] == location.band.tolist()


def test_rules_in_place_of_rows_say_what_they_prove(mixed, tmp_path):
    out = tmp_path / "rules.hull"
    fit = ["--target", "price", "--id", "id", "--keep", "half-spaces"]
    run("fit", mixed / "train.csv", *fit, "-o", out, "-q")
    rules = hw.load(out)
    location = rules.locate(mixed / "new.csv")
    rows = located(out, mixed / "new.csv", "--id", "id")
    assert [row["verdict"] for row in rows] == location.to_dict()["verdict"]
    assert rows[3]["by"].startswith("job 'baker' was never seen")
    done = run("locate", out, mixed / "new.csv", "--fail-on", "far", code=1)
    count = int(location.proved_outside.sum())
    assert f"{count} of 30\u00a0rows proved outside".replace("\u00a0", " ") in done.stdout
    assert "are far, proved (rows" in done.stderr
    for args in (["--proofs", "p.npz"], ["--explain", "3"], ["--verify"]):
        error = run("locate", out, mixed / "new.csv", *args, code=2).stderr
        assert "keeps half-spaces in place of rows" in " ".join(error.split())
    assert "none is kept" in run("inspect", out).stdout
    contents = json.loads(run("inspect", out, "--json").stdout)
    assert contents["n_half_spaces"] == len(rules.weights)
