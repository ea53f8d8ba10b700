"""A domain of a file with semicolons and decimal commas reads new files alike."""

import json

import pytest

import hullwise as hw
from cli_input import read_rows, run

ROWS = [("Ulm" if i % 3 else "Bonn", 20 + 7 * i % 83 + i / 8) for i in range(60)]
NEW = [("Ulm", 40.5), ("Bonn", 400.25)]


def text_of(rows, comma):
    lines = ["city;size" if comma else "city,size"]
    for city, size in rows:
        lines.append(f"{city};{size}".replace(".", ",") if comma else f"{city},{size}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def german(tmp_path):
    for name, rows in (("seen", ROWS), ("new", NEW)):
        (tmp_path / f"{name}.csv").write_text(text_of(rows, True))
    return tmp_path


MARKS = ["--sep", ";", "--decimal", ","]


@pytest.mark.parametrize("keep", ["rows", "half-spaces"])
def test_new_files_are_read_as_the_training_file_was(german, keep):
    domain = german / f"{keep}.hull"
    run("fit", german / "seen.csv", *MARKS, "--keep", keep, "-o", domain)
    rows = read_rows(run("locate", domain, german / "new.csv", "-o", "-").stdout)
    far = [row["band"] == "far" if keep == "rows" else bool(row["by"]) for row in rows]
    assert far == [False, True]
    (german / "point.csv").write_text(text_of(NEW, False))
    options = ["--sep", ",", "-o", "-"]
    again = read_rows(run("locate", domain, german / "point.csv", *options).stdout)
    assert again == rows
    refused = run("locate", domain, german / "point.csv", "-o", "-", code=3).stderr
    assert "--sep" in refused


def test_python_reads_them_alike_and_proofs_are_checked(german):
    run("fit", german / "seen.csv", *MARKS, "-o", german / "seen.hull")
    domain = hw.load(german / "seen.hull")
    assert domain.fitted_.csv_marks == (";", ",")
    location = domain.locate(german / "new.csv")
    assert location.band.tolist() == ["core", "far"]
    assert location.verify(german / "seen.csv").all()
    run("locate", german / "seen.hull", german / "new.csv", "--proofs", german / "p.npz")
    files = ["--table", german / "seen.csv", "--new", german / "new.csv"]
    run("verify", german / "seen.hull", german / "p.npz", *files)


def test_watch_reads_batches_alike(german):
    run("fit", german / "seen.csv", *MARKS, "-o", german / "seen.hull")
    summary = german / "s.json"
    run("watch", german / "seen.hull", german / "new.csv", "--summary", summary)
    assert json.loads(summary.read_text())


def test_other_tables_remember_no_marks():
    domain = hw.Domain().fit([{"city": c, "size": s} for c, s in ROWS])
    assert domain.fitted_.csv_marks is None
