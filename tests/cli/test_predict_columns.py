"""`hullwise predict` from tables whose columns are not all numbers."""

import numpy as np
import pytest

import hullwise as hw
from cli_input import read_rows, run, write_csv
from hullwise.domain.complete_rows import complete_rows
from hullwise.io.mixed_table import read_mixed

CITIES = ("Bonn", "Kiel", "Ulm")


def flats(n, random_state=0):
    rng = np.random.default_rng(random_state)
    sizes, cities = rng.uniform(20, 120, n).round(1), rng.integers(3, size=n)
    rents = sizes * np.array([12, 10, 9])[cities] + rng.normal(0, 10, n)
    return [[f"f{i}", s, CITIES[c], r] for i, (s, c, r) in enumerate(zip(sizes, cities, rents))]


@pytest.fixture
def text_tables(tmp_path):
    train = write_csv(tmp_path / "flats.csv", ["flat", "size", "city", "rent"], flats(120))
    new = [["a", 55, "Ulm"], ["b", 60, "Rom"], ["c", "", "Kiel"], ["d", 300, "Bonn"]]
    return train, write_csv(tmp_path / "new.csv", ["flat", "size", "city"], new)


ARGS = ["--target", "rent", "--id", "flat", "--bad-rows", "keep", "-o", "-"]


def test_levels_are_vertices_as_in_a_domain(text_tables):
    done = run("predict", *text_tables, *ARGS, "--method", "nearest")
    rows = read_rows(done.stdout)
    train = [dict(zip(("flat", "size", "city"), row)) for row in flats(120)]
    domain = hw.Domain().fit(train, id="flat")
    new = [{"flat": "a", "size": 55, "city": "Ulm"}, {"flat": "d", "size": 300, "city": "Bonn"}]
    located = domain.locate(new)
    assert [r["verdict"] for r in rows] == ["inside", "undecided", "undecided", "outside"]
    distances = [float(rows[i]["distance"]) for i in (0, 3)]
    assert distances[0] == 0
    assert located.lower[1] * (1 - 1e-9) <= distances[1] <= located.upper[1] * (1 + 1e-9)
    nearest = [{part.split(" (")[0] for part in rows[i]["rows"].split(", ")} for i in (0, 3)]
    assert nearest == [set(names) for names in located.nearest_rows]
    assert "Read as hullwise fit reads columns: city (category)." in done.stderr


def test_the_target_is_predicted_well_from_text(text_tables):
    rows = read_rows(run("predict", *text_tables, *ARGS).stdout)
    assert float(rows[0]["prediction"]) == pytest.approx(55 * 9, abs=25)


def test_rows_that_cannot_be_predicted_say_why(text_tables):
    done = run("predict", *text_tables, *ARGS)
    rows = read_rows(done.stdout)
    assert rows[1]["status"] == "not predicted: city 'Rom' was never seen in 120 training rows"
    assert rows[2]["status"] == "not predicted: size is empty"
    assert [rows[i]["prediction"] for i in (1, 2)] == ["", ""]
    assert "2 rows are not predicted; row b: city 'Rom' was never seen" in done.stderr


def test_gaps_are_refused_unless_kept(text_tables):
    refused = run("predict", *text_tables, "--target", "rent", "--id", "flat", code=3).stderr
    assert "new.csv: line 4: size is empty" in refused
    assert "--bad-rows keep" in refused


def test_gaps_in_training_rows_are_not_filled_in(tmp_path, text_tables):
    holes = [*flats(30), ["g", 50, "", 500.0]]
    train = write_csv(tmp_path / "holes.csv", ["flat", "size", "city", "rent"], holes)
    refused = run("predict", train, text_tables[1], *ARGS, code=3).stderr
    assert "1 of 31 training rows have gaps, the first in row 30 (counted from 0): city" in refused


@pytest.mark.parametrize("metric", ["range", "none", "agop"])
def test_every_metric_takes_text(text_tables, metric):
    rows = read_rows(run("predict", *text_tables, *ARGS, "--metric", metric).stdout)
    assert np.isfinite([float(rows[i]["prediction"]) for i in (0, 3)]).all()


def test_class_labels_among_text(tmp_path, text_tables):
    labelled = [[*row[:3], "dear" if row[3] > 700 else "cheap"] for row in flats(120)]
    train = write_csv(tmp_path / "labels.csv", ["flat", "size", "city", "rent"], labelled)
    rows = read_rows(run("predict", train, text_tables[1], *ARGS, "--classes").stdout)
    assert rows[0]["prediction"] == "cheap"
    assert rows[3]["prediction"] == "dear"


def test_a_text_target_is_still_said_to_be_one_of_classes(tmp_path, text_tables):
    labelled = [[*row[:3], "dear" if row[3] > 700 else "cheap"] for row in flats(120)]
    train = write_csv(tmp_path / "labels.csv", ["flat", "size", "city", "rent"], labelled)
    refused = run("predict", train, text_tables[1], *ARGS, code=3).stderr
    assert "column 'rent'" in refused
    assert "--classes" in refused


def test_json_lines_of_text_are_predicted_alike(tmp_path, text_tables):
    path = tmp_path / "flats.jsonl"
    lines = [
        f'{{"flat": "{f}", "size": {s}, "city": "{c}", "rent": {r!r}}}' for f, s, c, r in flats(120)
    ]
    path.write_text("\n".join(lines).replace("np.float64(", "").replace(")}", "}"))
    rows = [
        read_rows(run("predict", t, text_tables[1], *ARGS).stdout) for t in (text_tables[0], path)
    ]
    assert [r["prediction"] for r in rows[0]] == [r["prediction"] for r in rows[1]]


def test_complete_rows_say_what_the_others_lack():
    domain = hw.Domain().fit(
        [{"a": i * 7 % 31, "b": i * i % 7, "c": "xy"[i % 2]} for i in range(30)]
    )
    new = [
        {"a": 1, "b": 2, "c": "x"},
        {"a": None, "b": None, "c": "x"},
        {"a": 1, "b": "?", "c": "z"},
    ]
    rows = complete_rows(domain.fitted_, read_mixed([*new, {"a": 1, "b": 2, "c": "z"}]))
    assert rows.mask.tolist() == [True, False, False, False]
    assert rows.values.shape == (1, len(domain.fitted_.coordinates.names))
    assert rows.gaps[1] == "a, b are empty"
    assert "'?'" in rows.gaps[2]
    assert rows.unseen == {3: "c 'z' was never seen in 30 training rows"}
