"""What a page gives away: files that other programs read, and that give the same numbers."""

import base64
import csv
import io
import re

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

import hullwise as hw
from browser_page import running_browser
from hullwise.play.configuration import Configuration
from hullwise.play.curse import hull_shares
from hullwise.play.data_sets import draw_data_set
from hullwise.play.exports import export
from hullwise.play.network_run import NetworkRun
from hullwise.play.own_rows import own_data_set
from hullwise.play.own_table import read_own_table
from hullwise.play.replay import bundled_modules

CONFIGURATIONS = {
    "plain": {"layers": [{"width": 12, "unit": "relu"}], "rows": 80},
    "curved": {
        "inputs": ["x2", "y2"],
        "data": "ring",
        "layers": [{"width": 3, "unit": "relu"}],
        "rows": 60,
    },
    "deep": {
        "data": "three",
        "normalisation": "batch",
        "residual": True,
        "layers": [{"width": 6, "unit": "maxout"}, {"width": 6, "unit": "leaky"}],
        "rows": 60,
    },
    "values": {"data": "parabola", "layers": [{"width": 8, "unit": "abs"}], "rows": 50},
}


def run_of(name, steps=10):
    configuration = Configuration.from_json(CONFIGURATIONS[name])
    c = configuration
    run = NetworkRun(c, draw_data_set(c.data, c.rows, c.noise, c.seed))
    for _ in range(steps):
        run.train(5)
    return run, configuration


def content(answer):
    return base64.b64decode(answer["base64"]) if "base64" in answer else answer["text"].encode()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_lines_of_python_count_the_pieces_of_the_picture(name, tmp_path, monkeypatch, capsys):
    run, configuration = run_of(name)
    for what in ("onnx", "csv", "python"):
        answer = export(run, configuration, what)
        (tmp_path / answer["name"]).write_bytes(content(answer))
    monkeypatch.chdir(tmp_path)
    exec(compile((tmp_path / "picture.py").read_text(), "picture.py", "exec"), {})
    printed = capsys.readouterr().out
    run.picture(0, 1, configuration, run.fit)  # the last one of training; the next is at rest
    picture = run.picture(1, 1, configuration, run.fit).snapshot.picture
    assert printed.startswith(f"{picture.n_regions} flat pieces in view")
    assert "Location(1 query: 0 inside, 1 outside" in printed


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_network_and_the_rows_are_those_of_the_run(name, tmp_path):
    run, configuration = run_of(name)
    path = tmp_path / "network.onnx"
    path.write_bytes(content(export(run, configuration, "onnx")))
    rows = list(csv.DictReader(io.StringIO(export(run, configuration, "csv")["text"])))
    X = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    np.testing.assert_array_equal(X, run.data.X)
    assert [float(row["target"]) for row in rows] == run.data.targets.astype(float).tolist()
    network = hw.model.read(path)
    inputs = run.inputs(X) if run.inputs.is_curved else X
    np.testing.assert_allclose(network(inputs), run.training.outputs(), rtol=1e-4, atol=1e-5)


def test_an_own_table_is_given_away_in_its_own_units(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * [1, 10, 0.1] + [5, -20, 0]
    lines = [",".join(map(str, [*row, "yes" if row[0] > 5 else "no"])) for row in X.tolist()]
    table = read_own_table("\n".join(["a,b,c,ill", *lines]) + "\n")
    configuration = Configuration.from_json({**CONFIGURATIONS["plain"], "data": "own"})
    run = NetworkRun(configuration, own_data_set(table, table.choice({"inputs": "all"})))
    for what in ("onnx", "csv", "python"):
        answer = export(run, configuration, what)
        (tmp_path / answer["name"]).write_bytes(content(answer))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    written = np.array([[float(row[name]) for name in "abc"] for row in rows])
    nearest = np.abs(written[:, None] - X).max(axis=2).min(axis=1)
    assert len(written) == len(run.data.X) > 20
    assert nearest.max() < 1e-5  # rows are kept in single precision
    assert {row["target"] for row in rows} == {"yes", "no"}
    text = (tmp_path / "picture.py").read_text()
    assert "the network takes (rows - [" in text
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "picture.py", "exec"), {})
    picture = run.picture(1, 1, configuration, run.fit).snapshot.picture
    assert capsys.readouterr().out.startswith(f"{picture.n_regions} flat pieces")


def test_a_run_as_a_page_leaves_the_run_as_it_was():
    run, configuration = run_of("plain")
    before = run.training.step, run.training.weights()
    page = export(run, configuration, "page")
    text = content(page).decode()
    assert page["name"] == "replay.html"
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert run.training.step == before[0]
    np.testing.assert_array_equal(run.training.weights(), before[1])


def test_modules_of_the_replay_are_bundled_whole():
    script = bundled_modules()
    assert not re.search(r"^\s*(import|export) ", script, re.MULTILINE)


def test_other_files_are_refused():
    run, configuration = run_of("plain", steps=1)
    with pytest.raises(hw.DataError, match="expected one of onnx, csv, python, page"):
        export(run, configuration, "exe")
    with pytest.raises(hw.DataError, match="what is"):
        export(run, configuration, ["onnx"])


@pytest.mark.parametrize("name", ["plain", "curved", "deep", "values"])
def test_the_page_replays_without_a_server(name, tmp_path):
    run, configuration = run_of(name)
    path = tmp_path / "replay.html"
    path.write_bytes(content(export(run, configuration, "page")))
    problems = []
    with running_browser() as chromium:
        tab = chromium.new_page(viewport={"width": 390, "height": 700})
        tab.on("console", lambda message: problems.append(message.text))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(path.as_uri())
        tab.locator("#play").filter(has_text="Play").wait_for(timeout=60_000)  # it ran to its end
        assert tab.inner_text("#step") == f"{run.training.step:,}"
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        pixels = tab.evaluate(
            "[...new Set(document.getElementById('cells').getContext('2d')"
            ".getImageData(0, 0, 300, 200).data)].length"
        )
        assert pixels > 20  # something is drawn
        if name == "plain":
            picture = run.picture(1, 1, configuration, run.fit).snapshot.picture
            assert tab.inner_text("#lead").startswith(f"{picture.n_regions:,} flat piece")
    assert not problems


def test_the_share_inside_falls_with_the_dimension():
    """A proved count beside what is known: on a line the share is (n - 1) / (n + 1)."""
    answer = hull_shares()
    shares = dict(zip(answer["dimensions"], answer["shares"]))
    assert shares[1] >= 0.98
    assert sorted(answer["shares"], reverse=True) == answer["shares"]
    assert shares[16] < 0.05
