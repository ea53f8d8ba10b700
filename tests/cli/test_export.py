"""hullwise export: the files that Python writes, from half-spaces and from a domain."""

import json

import pandas as pd
import pytest

import hullwise as hw
from cli_input import run


@pytest.fixture(scope="module")
def domain_file(tmp_path_factory):
    """A domain of people, which keeps its rows."""
    folder = tmp_path_factory.mktemp("export")
    rows = [{"id": f"p{i}", "job": "ab"[i % 2], "age": 20 + i % 41} for i in range(120)]
    pd.DataFrame(rows).to_csv(folder / "people.csv", index=False)
    hw.Domain().fit(folder / "people.csv", id="id").save(folder / "seen.hull")
    return folder / "seen.hull"


@pytest.fixture(scope="module")
def rules_file(domain_file):
    path = domain_file.with_name("rules.hull")
    hw.load(domain_file).save(path, keep="half-spaces")
    return path


def test_sql_and_json(rules_file, tmp_path):
    rules = hw.load(rules_file)
    run("export", rules_file, "--to", "json", "-o", tmp_path / "rules.json")
    assert (tmp_path / "rules.json").read_text() == rules.to_json()
    out = run("export", rules_file, "--to", "json", "-o", "-").stdout
    assert json.loads(out) == json.loads(rules.to_json())
    done = run("export", rules_file, "--to", "sql", "-o", tmp_path / "rules.sql")
    assert (tmp_path / "rules.sql").read_text() == rules.to_sql()
    assert "HalfSpaces(2 columns" in done.stderr
    options = ("--table", "my table", "--pass-on", "id")
    out = run("export", rules_file, "--to", "sql", "-o", "-", *options).stdout
    assert out == rules.to_sql(table="my table", keep=["id"])


@pytest.mark.parametrize("precision", ["double", "single"])
def test_onnx(rules_file, tmp_path, precision):
    pytest.importorskip("onnx", reason="the exported model is written with onnx")
    rules = hw.load(rules_file)
    ours, theirs = tmp_path / "ours.onnx", tmp_path / "theirs.onnx"
    rules.to_onnx(ours, precision=precision)
    run("export", rules_file, "--to", "onnx", "--precision", precision, "-o", theirs)
    assert ours.read_bytes() == theirs.read_bytes()


def test_the_ending_of_the_file_says_which_language(rules_file, tmp_path):
    rules = hw.load(rules_file)
    run("export", rules_file, "-o", tmp_path / "rules.sql", "-q")
    assert (tmp_path / "rules.sql").read_text() == rules.to_sql()
    run("export", rules_file, "-o", tmp_path / "rules.JSON", "-q")
    assert (tmp_path / "rules.JSON").read_text() == rules.to_json()


def test_a_domain_leaves_its_rows_out(domain_file, rules_file, tmp_path):
    run("export", domain_file, "--to", "json", "-o", tmp_path / "rules.json", "-q")
    assert (tmp_path / "rules.json").read_text() == hw.load(rules_file).to_json()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--to", "sql"], 2, "-o FILE"),
        (["--to", "onnx", "-o", "-"], 2, "no text"),
        (["--to", "sql", "-o", "x.sql", "--precision", "single"], 2, "--to onnx"),
        (["--to", "json", "-o", "x.json", "--pass-on", "id"], 2, "--to sql"),
        (["--to", "fax", "-o", "x"], 2, "fax"),
        (["--to", "json", "-o", "nowhere/x.json"], 3, "no folder"),
    ],
)
def test_what_cannot_be_exported_is_said(rules_file, options, code, message):
    assert message in run("export", rules_file, *options, code=code).stderr


def test_files_that_are_no_rules(domain_file, tmp_path):
    table = domain_file.with_name("people.csv")
    error = run("export", table, "--to", "json", "-o", tmp_path / "x.json", code=3).stderr
    assert "people.csv" in error
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.json").write_text("mine")
    error = run("export", domain_file, "--to", "json", "-o", tmp_path / "x.json", code=3).stderr
    assert "--force" in error
    run("export", domain_file, "--to", "json", "-o", tmp_path / "x.json", "--force")
