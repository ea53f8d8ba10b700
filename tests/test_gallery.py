"""Scenes of the gallery run, and print what they claim."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import pytest

matplotlib = pytest.importorskip("matplotlib")
SCENES = Path(__file__).parent.parent / "docs" / "examples"


@pytest.fixture
def printed(monkeypatch, capsys):
    """What a scene prints when it is run without a screen."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: None)

    def run(name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            runpy.run_path(str(SCENES / f"{name}.py"))
        assert plt.get_fignums()
        plt.close("all")
        return capsys.readouterr().out

    return run


def numbers(pattern, text):
    match = re.search(pattern, text)
    assert match is not None, text
    return [float(group) for group in match.groups()]


def test_xor(printed):
    text = printed("plot_xor")
    (line,) = numbers(r"a line +([\d.]+)%", text)
    right, regions, *distances = numbers(
        r"by hand +([\d.]+)%, (\d+) regions, corners off by \[([\d.]+) ([\d.]+) ([\d.]+) ", text
    )
    assert line < 76 < 95 < right
    assert regions == 3
    assert distances == pytest.approx([0.707] * 3)
    assert numbers(r"four units, trained +([\d.]+)%", text)[0] > 99


def test_spirals(printed):
    text = printed("plot_spirals_with_inputs")
    plain, squares, sines = (float(m) for m in re.findall(r"mean ([\d.]+)%", text))
    assert plain < 98 < min(squares, sines)


def test_ball_in_cube(printed):
    rows = [line.split() for line in printed("plot_ball_in_cube").splitlines()[1:]]
    by_d = {int(d): [float(value) for value in values] for d, *values in rows}
    assert by_d[10][1] == pytest.approx(0.0025)
    assert by_d[2][2] > 0.95 > 0.05 > by_d[12][2]
    assert min(values[3] for values in by_d.values()) > 0.9


def test_structure_outside(printed):
    text = printed("plot_structure_outside")
    outside = {
        (function, model): float(error)
        for function, model, error in re.findall(
            r"^(y = x²|staircase) +(x² as input|fitted staircase|tree|network) +\S+ +(\S+)$",
            text,
            re.MULTILINE,
        )
    }
    for function, right in (("y = x²", "x² as input"), ("staircase", "fitted staircase")):
        others = [error for key, error in outside.items() if key[0] == function and key[1] != right]
        assert len(others) == 3
        assert outside[function, right] < 0.2 < 0.5 < min(others)


def test_useless_inputs(printed):
    text = printed("plot_useless_inputs")
    plain, rfm, trees = (float(m) for m in re.findall(r"AUROC ([\d.]+)", text))
    assert plain < 0.6 < 0.95 < trees
    assert rfm < 0.75


def test_four_of_a_hundred(printed):
    text = printed("plot_four_of_a_hundred")
    last = {
        name.strip(): (float(share), int(top))
        for name, share, top in re.findall(r"^ +(.*?)  .* (\d+)% \((\d)\)$", text, re.MULTILINE)
    }
    assert last["RFM, diagonal"][0] > 95
    assert last["W'W"][0] < 30
    assert all(top == 4 for name, (_, top) in last.items() if name != "RFM")


def test_even_and_odd(printed):
    text = printed("plot_even_and_odd")
    number, binary, ones = (part.splitlines()[1:4] for part in text.split("odd")[1:4])
    for lines, check in ((number, lambda s: s < 60), (binary, lambda s: s == 100)):
        for line in lines:
            assert all(check(float(share)) for share in re.findall(r"(\d+)%", line)), text
    linear = [float(share) for share in re.findall(r"(\d+)%", ones[0])]
    assert max(linear) < 60
    assert numbers(r"plain +inside (\d+)%", text) == [0]
    assert numbers(r"task +inside (\d+)%", text) == [100]
