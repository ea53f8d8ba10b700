"""The page and the picture of suggested runs."""

import re

import numpy as np
import pytest

import hullwise as hw
from hullwise.report.next_page import render_next_page

BOX = {
    "a<b": (0, 1),
    "k": {"low": 1e-3, "high": 1, "role": "log"},
    "kind": ["x", "<y>"],
    "hour": {"low": 0, "high": 24, "role": "periodic"},
}


def suggestions(n=4, **options):
    rng = np.random.default_rng(0)
    runs = [
        {"a<b": a, "k": 10**b, "kind": "x", "hour": 5} for a, b in rng.uniform([0, -3], 1.5, (9, 2))
    ]
    return hw.suggest(runs, n=n, box=BOX, pending=runs[:2], **options)


def test_the_page_shows_every_point_and_every_reason(tmp_path):
    new = suggestions()
    path = hw.report.write_next_page(new, tmp_path / "next.html", source={"Box": "b.csv"})
    page = path.read_text(encoding="utf-8")
    assert page.count('class="suggestion"') == 3 * 4  # three pairs of parameters
    assert page.count('class="pending"') == 3 * 2
    assert page.count('class="run"') == 3 * 9
    assert "<script" not in page
    assert "a<b" not in page
    for text in new.why:
        assert text.split(":")[0] in page
    assert "The first 3 of 4 parameters" in page
    with pytest.raises(hw.FileError, match="exists"):
        hw.report.write_next_page(new, path)
    numbers = re.findall(r'c[xy]="(.*?)"', page)
    assert all(0 <= float(number) <= 360 for number in numbers)


def test_a_page_of_one_parameter_and_no_runs():
    page = render_next_page(hw.suggest(n=3, box={"a": (0, 1)}))
    assert page.count('class="suggestion"') == 3
    assert "0 runs so far" in page


def test_the_picture():
    pytest.importorskip("matplotlib").use("Agg")
    new = suggestions()
    ax = new.plot()
    assert ax.get_yscale() == "log"
    assert {text.get_text() for text in ax.texts} >= {"1", "2", "3", "4"}
    ax = new.plot(parameters=("kind", "hour"))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "<y>"]
    with pytest.raises(hw.DataError, match="expected two of"):
        new.plot(parameters=("kind", "nothing"))
    hw.suggest(n=3, box={"a": (0, 1)}).plot()
