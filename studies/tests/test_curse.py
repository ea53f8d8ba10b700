"""Curse calculators: closed forms, Silverman's printed table, and the definition by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import minimize_scalar

import hullwise as hw
from hullwise.cli import main
from hullwise_studies import balestriero2021, curse


def test_ball_volumes():
    known = [2, math.pi, 4 / 3 * math.pi, math.pi**2 / 2, 8 / 15 * math.pi**2]
    assert [curse.ball_volume(d) for d in range(1, 6)] == pytest.approx(known, rel=1e-14)
    for d in range(3, 60):  # V_d = V_{d-2} 2 pi / d
        ratio = curse.ball_volume(d) / curse.ball_volume(d - 2)
        assert ratio == pytest.approx(2 * math.pi / d, rel=1e-12)
    assert curse.ball_volume(3, 2.0) == pytest.approx(32 / 3 * math.pi)
    assert curse.ball_volume(4, 0.0) == 0
    assert curse.ball_volume(10_000) == 0
    assert curse.ball_volume(400, 1e10) == math.inf


def test_ball_in_cube_by_counting():
    points = np.random.default_rng(0).uniform(-1, 1, size=(200_000, 5))
    share = ((points**2).sum(axis=1) <= 1).mean()
    assert curse.ball_in_cube(5) == pytest.approx(share, abs=0.004)
    assert curse.ball_in_cube(2) == pytest.approx(math.pi / 4)


def test_shell():
    assert curse.shell(3, 0.5) == pytest.approx(1 - 0.125)
    assert curse.shell(7, 0) == 0
    assert curse.shell(7, 1) == 1


def test_silverman_is_reproduced():
    found = [curse.density_samples(d) for d in range(1, 11)]
    assert [float(f"{math.ceil(n):.3g}") for n in found] == list(curse.SILVERMAN_SAMPLES)
    assert int(found[-1]) == 841_565


def test_density_samples_by_the_error_itself():
    """At n samples the least error over all bandwidths is the one asked for."""

    def error(h: float, n: float, d: int) -> float:
        # kernel N(0, h^2): moments of its value at 0 by quadrature-free Gaussian integrals
        mean = (2 * math.pi * (1 + h * h)) ** (-d / 2)
        second = (4 * math.pi * h * h) ** (-d / 2) * (2 * math.pi * (1 + h * h / 2)) ** (-d / 2)
        truth = (2 * math.pi) ** (-d / 2)
        return ((second - mean**2) / n + (mean - truth) ** 2) / truth**2

    for d in (1, 2, 5, 10):
        for asked in (0.5, 0.1, 0.01):
            n = curse.density_samples(d, asked)
            least = minimize_scalar(
                lambda t, n=n, d=d: error(math.exp(t), n, d),
                bounds=(-5, 2),
                method="bounded",
                options={"xatol": 1e-10},
            )
            assert least.fun == pytest.approx(asked, rel=1e-6)


def test_density_error_in_a_simulation():
    rng = np.random.default_rng(1)
    d, n = 2, 19
    h = 0.55  # any bandwidth: the error at the best one is smaller
    samples = rng.normal(size=(20_000, n, d))
    kernel = np.exp(-(samples**2).sum(axis=2) / (2 * h * h)) / (2 * math.pi * h * h)
    relative = kernel.mean(axis=1) * 2 * math.pi - 1
    assert 0.09 < (relative**2).mean() < 0.13


def test_hull_samples_and_grid():
    assert [curse.hull_samples(d) for d in range(1, 6)] == [3, 11, 27, 63, 135]
    assert curse.hull_samples(4, 0.9) > curse.hull_samples(4, 0.5)
    assert curse.grid_points(100) == 10**100


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: curse.ball_volume(0), "d is 0"),
        (lambda: curse.ball_in_cube(2.5), "d is 2.5"),
        (lambda: curse.ball_volume(2, -1), "radius is -1"),
        (lambda: curse.shell(2, 1.5), "thickness is 1.5"),
        (lambda: curse.density_samples(3, 0), "error is 0"),
        (lambda: curse.density_samples(3, 1), "error is 1"),
        (lambda: curse.hull_samples(3, 1), "share is 1"),
        (lambda: curse.grid_points(3, True), "side is True"),
        (lambda: curse.run([]), "no dimensions"),
    ],
)
def test_wrong_numbers_are_said(call, says):
    with pytest.raises(hw.DataError, match=says):
        call()


def test_table_page_and_command(tmp_path):
    study = curse.run((2, 10, 60, 400))
    rows = study.tables["curse"].rows
    assert rows[1][3:5] == (841_566, 3934)
    assert rows[-1][3:] == (None, None, None)
    page = curse.write_page(study, tmp_path / "curse.html")
    assert "<svg" in page.read_text()
    assert "10 of the 10" in study.findings[0].text
    done = CliRunner().invoke(main, ["study", "curse", "-o", str(tmp_path / "again.html")])
    assert done.exit_code == 0, done.output
    assert "841,566" in done.output
    assert (tmp_path / "again.html").is_file()


def test_curse_uses_the_exact_probability():
    n = curse.hull_samples(6)
    assert balestriero2021.share_inside(n - 1, 6) < 0.5 <= balestriero2021.share_inside(n, 6)
