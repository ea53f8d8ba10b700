"""Pictures of results: they show what the results hold, on light paper and on dark."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from hullwise.errors import MissingDependencyError
from report_input import HOSTILE, box_location

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hullwise.report import _matplotlib
from hullwise.report.location_pictures import draw_columns, draw_percentiles
from hullwise.report.notebook import BAND_FILLS

RNG = np.random.default_rng(0)
NAMES = ["$x^$_", HOSTILE[0], "c"]
X = pd.DataFrame(RNG.normal(size=(200, 3)), columns=NAMES)
Q = pd.DataFrame(1.4 * RNG.normal(size=(50, 3)), columns=NAMES)
NET = hw.model.from_arrays([RNG.normal(size=(6, 3)), RNG.normal(size=(4, 6)), np.eye(4)[:2]])


def mixed():
    job = np.array(["$a$", "b", "c"], dtype=object)[RNG.integers(0, 3, 200)]
    table = X.assign(job=job, always="x")
    new = Q.assign(job="b", always="x")
    new.loc[2, "job"] = "never"
    new.loc[3, "c"] = np.nan
    return hw.Domain().fit(table).locate(new)


def grouped():
    rows = X.assign(patient=np.arange(200) // 5)
    new = pd.DataFrame(np.asarray(Q) + 4, columns=NAMES).assign(patient=np.arange(50) // 5 + 99)
    return hw.Domain(groups="patient").fit(rows).locate(new).groups()


def profile():
    domain = hw.Domain().fit(X)
    rows = pd.DataFrame(1.2 * RNG.normal(size=(300, 3)), columns=NAMES)
    return hw.error_profile(domain, rows, np.abs(rows).sum(axis=1), np.full(300, 2.4))


def interpolant():
    return hw.DelaunayRegressor().fit(X, X.iloc[:, 0] ** 2)


RESULTS = {
    "location": lambda: hw.locate(X, Q),
    "no reference": lambda: hw.locate(X, Q, reference=0),
    "no rows": lambda: hw.locate(X, Q)[:0],
    "membership": lambda: hw.locate(X, Q, membership_only=True),
    "heavy tail": lambda: hw.locate(X, Q * np.exp(3 * RNG.normal(size=(50, 1)))),
    "off the flat": lambda: box_location(off_flat=np.arange(60) < 5),
    "mixed": mixed,
    "no mixed rows": lambda: mixed()[:0],
    "groups": grouped,
    "local": lambda: hw.metrics.local_locate(X, Q, lambda x: np.eye(3)),
    "band": lambda: hw.CalibratedRegressor(interpolant()).fit(X, X.iloc[:, 0]).band(Q),
    "hardest target": lambda: (
        hw.MinimaxRegressor(noise=0.3, smoothness=1.0)
        .fit(X, X.iloc[:, 0] ** 2)
        .hardest_target(Q.iloc[:1] / 4)
    ),
    "explanation": lambda: interpolant().explain(Q.iloc[:1]),
    "bound": lambda: hw.error_bound(interpolant().weights(Q), X, Q, smoothness=2.0, lipschitz=1.0),
    "smoothness": lambda: hw.estimate_smoothness(X, X.iloc[:, 0]),
    "directions": lambda: hw.metrics.directions(np.diag([3.0, 1.0, 0.1]), X, columns=NAMES),
    "profile": profile,
    "error curve": lambda: profile().notions[0].curve,
    "simplices": lambda: hw.simplex_shape(interpolant().weights(Q), X, Q),
    "dissection": lambda: hw.dissect(NET, Q.to_numpy()),
    "walk": lambda: hw.metrics.walk(X, 0, 1),
    "occupancy": lambda: hw.model.region_occupancy(NET, X.to_numpy(), Q.to_numpy()),
    "complexity": lambda: hw.model.local_complexity(NET, Q.to_numpy(), 0.5),
    "guard": lambda: hw.model.Guard(NET).fit(X.to_numpy()).report(2 * Q.to_numpy()),
}


def new_axes(facecolor="white"):
    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    ax.set_facecolor(facecolor)
    return ax


@pytest.mark.parametrize("case", RESULTS)
@pytest.mark.parametrize("paper", ["white", "#15181b"])
def test_every_result_draws_itself(case, paper):
    result = RESULTS[case]()
    ax = new_axes(paper)
    assert result.plot(ax) is ax
    ax.figure.canvas.draw()  # names are set here: $ must not start mathematics
    assert ax.get_xlabel()
    own = RESULTS[case]().plot()
    assert own is not ax
    own.figure.canvas.draw()


@pytest.mark.parametrize("case", RESULTS)
def test_without_matplotlib_the_error_says_what_to_install(case, monkeypatch):
    result = RESULTS[case]()

    def missing(size):
        raise MissingDependencyError("drawing needs matplotlib")

    for name in ("location_pictures", "result_pictures", "walk_pictures", "error_pictures"):
        module = __import__(f"hullwise.report.{name}", fromlist=["new_axes"])
        monkeypatch.setattr(module, "new_axes", missing)
        monkeypatch.setattr(module, "new_figure", missing, raising=False)
    with pytest.raises(MissingDependencyError, match="drawing needs matplotlib"):
        result.plot()


def test_marks_of_a_location_are_its_rows_by_band():
    location = hw.locate(X, Q)
    ax = location.plot(new_axes())
    drawn = {one.get_label(): np.asarray(one.get_offsets()) for one in ax.collections}
    for band in ("core", "edge", "beyond", "far"):
        count = int((location.band == band).sum())
        if count:
            places = drawn[f"{band} ({count:,})"]
            assert len(places) == count
            distance = np.sort(location.distance[location.band == band])
            assert np.sort(places[:, 0]) == pytest.approx(distance)
    assert max(places[:, 1].max() for places in drawn.values()) == 1.0
    line = ax.lines[0].get_xdata()
    assert np.sort(location.reference) == pytest.approx(line[1:])


def test_ink_is_light_on_dark_paper():
    dark, light = new_axes("black"), new_axes("white")
    assert _matplotlib.ink(dark) > _matplotlib.ink(light)
    assert _matplotlib.is_dark(dark)
    assert not _matplotlib.is_dark(light)


def test_columns_are_counted_both_ways():
    summary = mixed().summary()
    ax = draw_columns(summary.columns, new_axes())
    widths = sorted(bar.get_width() for bar in ax.patches)
    low = [-column.too_low for column in summary.columns]
    high = [column.too_high + column.of_another_level for column in summary.columns]
    assert widths == sorted([*low, *high])


def test_many_rows_are_drawn_as_some_thousand_marks():
    rank = np.linspace(0, 100, 50_000)
    band = np.where(rank > 95, "beyond", "core").astype(object)
    ax = draw_percentiles(rank, band, new_axes())
    assert sum(len(one.get_offsets()) for one in ax.collections) == 2000
    colors = {tuple(one.get_facecolor()[0][:3]) for one in ax.collections}
    assert len(colors) == 2
    assert BAND_FILLS["core"] != BAND_FILLS["beyond"]
