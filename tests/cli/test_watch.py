"""`hullwise watch`: the words and files of a watch are those of `hullwise.Monitor`."""

from __future__ import annotations

import inspect
import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from cli_input import read_rows, run
from hullwise.cli import main
from hullwise.io.open_metrics import MetricFamily, open_metrics_text


def people(n, seed, shift=0.0):
    rng = np.random.default_rng([43, seed])
    table = pd.DataFrame(rng.normal(size=(n, 2)), columns=["age", "dose"])
    table["age"] += shift
    return table.assign(job=rng.choice(["nurse", "smith"], size=n))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A domain, four nights like it, and two that are not."""
    folder = tmp_path_factory.mktemp("watch")
    hw.Domain().fit(people(200, 0)).save(folder / "seen.hull")
    for k in range(1, 7):
        people(60, k, 1.5 * (k > 4)).to_csv(folder / f"night{k}.csv", index=False)
    return folder


def nights(folder, *numbers):
    return [folder / f"night{k}.csv" for k in numbers]


def monitor_of(folder, *numbers, **options):
    monitor = hw.Monitor(hw.load(folder / "seen.hull"), **options)
    for k in numbers:
        monitor.update(folder / f"night{k}.csv", name=f"night{k}.csv")
    return monitor


def words(done):
    return " ".join(done.stdout.split())


def test_what_is_said_is_that_of_python(folder):
    done = run("watch", folder / "seen.hull", *nights(folder, 1, 2, 3, 4))
    result = monitor_of(folder, 1, 2, 3, 4).result()
    assert result.sentence in words(done)
    assert "No alarm after 4 batches, 240 rows" in words(done)
    assert "night4.csv" in done.stdout


def test_options_are_those_of_python(folder, tmp_path):
    people(80, 9).to_csv(tmp_path / "more.csv", index=False)
    options = ("--alarm", 0.2, "--watch", "neighbours", "--watch", "hull", "--random-state", 3)
    holdout = ("--holdout", tmp_path / "more.csv", "-o", "-")
    done = run("watch", folder / "seen.hull", *nights(folder, 1, 2), *options, *holdout)
    monitor = monitor_of(
        folder,
        *(1, 2),
        alarm=0.2,
        watch=["hull", "neighbours"],
        random_state=3,
        holdout=tmp_path / "more.csv",
    )
    table = monitor.result().to_dict()
    rows = read_rows(done.stdout)
    assert [row["name"] for row in rows] == table["name"]
    for name in ("weight", "reference", "log_evidence", "p_value"):
        np.testing.assert_allclose([float(row[name]) for row in rows], table[name])


def test_every_parameter_has_an_option():
    options = {option for p in main.commands["watch"].params for option in p.opts}
    given = {
        "domain": "domain",
        "alarm": "--alarm",
        "watch": "--watch",
        "holdout": "--holdout",
        "history": "--history",
        "random_state": "--random-state",
    }
    assert set(inspect.signature(hw.Monitor).parameters) == set(given)
    assert set(given.values()) <= options


def test_a_history_goes_on_and_alarms_with_an_exit_code(folder, tmp_path):
    pytest.importorskip("sqlalchemy", reason="a history is kept with SQLAlchemy")
    history = ("--history", f"sqlite:///{tmp_path / 'watch.db'}", "--fail-on", "alarm")
    run("watch", folder / "seen.hull", *nights(folder, 1, 2, 3), *history)
    done = run("watch", folder / "seen.hull", *nights(folder, 4, 5, 6), *history, code=1)
    result = monitor_of(folder, *range(1, 7)).result()
    assert result.alarmed
    assert result.sentence in words(done)
    assert "ALARM after batch" in words(run("watch", folder / "seen.hull", *history, code=1))
    again = run("watch", folder / "seen.hull", *nights(folder, 2), *history, code=3)
    assert "same rows as batch 2 (night2.csv)" in again.stderr
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == ["watch.db"]


def test_rows_of_a_batch_are_selected_at_a_rate(folder):
    line = ("watch", folder / "seen.hull", *nights(folder, 1, 5))
    text = words(run(*line, "--fdr", "0.1"))
    monitor = monitor_of(folder, 1, 5)
    assert monitor.last_location is not None
    assert text.count("Rows that are not like the training rows in") == 2
    assert " ".join(monitor.last_location.select(0.1).text.split()) in text
    assert "not like the training rows in" not in words(run(*line))


def test_files_for_other_programs(folder, tmp_path):
    names = ("summary.json", "metrics.prom", "case.xml", "watch.html", "scores.csv")
    options = zip(("--summary", "--metrics", "--junit", "--report", "-o"), names)
    flat = [part for option, name in options for part in (option, tmp_path / name)]
    run("watch", folder / "seen.hull", *nights(folder, 1, 2, 5, 6), *flat)
    result = monitor_of(folder, 1, 2, 5, 6).result()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["alarmed"] is True
    assert summary["sentence"] == result.sentence
    assert [b["rows"] for b in summary["batches"]] == [60] * 4
    np.testing.assert_allclose(
        [b["log_evidence"] for b in summary["batches"]], result.log_statistics
    )
    assert [s["name"] for s in summary["scores"]] == result.name.tolist()
    metrics = (tmp_path / "metrics.prom").read_text()
    assert "\nhullwise_watch_alarmed 1\n" in metrics
    assert "\nhullwise_watch_batches_total 4\n" in metrics
    assert metrics.endswith("# EOF\n")
    case = ElementTree.parse(tmp_path / "case.xml").getroot()
    assert case.get("failures") == "1"
    assert case.find("testsuite/testcase/failure").get("message") == result.sentence
    page = (tmp_path / "watch.html").read_text()
    assert "ALARM after batch" in page
    assert "<script" not in page
    assert "night6.csv" in page
    refused = run("watch", folder / "seen.hull", *nights(folder, 1), *flat, code=3)
    assert "--force" in refused.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "give tables of new rows, or --history"),
        (["night1.csv", "--alarm", "1"], 2, "--alarm"),
        (["night1.csv", "--report", "x.html", "--summary", "x.html"], 2, "the same file"),
        (["night1.csv", "night1.csv"], 3, "holds the same rows as batch 1 (night1.csv)"),
        (["nowhere.csv"], 3, "nowhere.csv"),
        (["--history", "sqlite:///nowhere.db"], 3, "nowhere.db: no such file"),
        (["night1.csv", "--history", "watch.db"], 3, "is no address of a database"),
    ],
)
def test_what_cannot_be_watched_is_said(folder, monkeypatch, options, code, message):
    monkeypatch.chdir(folder)
    assert message in run("watch", "seen.hull", *options, code=code).stderr


def test_half_spaces_cannot_be_watched(folder, tmp_path):
    hw.load(folder / "seen.hull").save(tmp_path / "rules.hull", keep="half-spaces")
    done = run("watch", tmp_path / "rules.hull", *nights(folder, 1), code=3)
    assert "half-spaces in place of its training rows" in done.stderr


def test_labels_of_metrics_are_escaped():
    family = MetricFamily("x", "gauge", "of\nlines", [({"score": 'a "b" \\ c\nd'}, 1.5)])
    text = open_metrics_text([family])
    assert text.splitlines() == [
        "# TYPE x gauge",
        r"# HELP x of\nlines",
        r'x{score="a \"b\" \\ c\nd"} 1.5',
        "# EOF",
    ]
