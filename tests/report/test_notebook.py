"""What notebooks show of results: small HTML without script, whatever the columns are called."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from html_nesting import Nesting
from hullwise._core.results import RecordResult, RowResult, TableResult
from hullwise.report.notebook import VIEW_SIZE_LIMIT, short_text
from report_input import HOSTILE

RNG = np.random.default_rng(0)
NAMES = [*HOSTILE[:3], "</table><b>", "bmi & co"]
X = pd.DataFrame(RNG.normal(size=(120, len(NAMES))), columns=NAMES)
Q = pd.DataFrame(1.4 * RNG.normal(size=(40, len(NAMES))), columns=NAMES)
Q.index = [f"<script>alert({i})</script>" for i in range(len(Q))]
NETWORK_INPUT = RNG.normal(size=(30, 2))


def network():
    return hw.model.from_arrays([RNG.normal(size=(5, 2)), RNG.normal(size=(2, 5))])


def regressor():
    return hw.DelaunayRegressor().fit(X.iloc[:, :2], X.iloc[:, 0])


def table(n, seed):
    rng = np.random.default_rng(seed)
    jobs = rng.choice(["nurse", "<script>clerk</script>", "a & b"], size=n)
    columns = {"job": jobs, "<b>age": rng.normal(size=n), "dose": rng.normal(size=n)}
    return pd.DataFrame({**columns, "always": 1.0})


def domain():
    return hw.Domain().fit(table(120, 1))


def mixed_location():
    new = table(40, 2)
    new.loc[3, "job"] = "<img src=x>"
    new.loc[5:7, "dose"] = np.nan
    new.loc[8, "dose"] = 9.0
    return domain().locate(new)


RESULTS = {
    "domain": domain,
    "unfitted domain": hw.Domain,
    "mixed": mixed_location,
    "no mixed row": lambda: mixed_location()[:0],
    "mixed summary": lambda: mixed_location().summary(),
    "location": lambda: hw.locate(X, Q),
    "one row": lambda: hw.locate(X, Q)[3],
    "no row": lambda: hw.locate(X, Q)[:0],
    "membership": lambda: hw.locate(X, Q, membership_only=True),
    "no reference": lambda: hw.locate(X, Q, reference=0),
    "summary": lambda: hw.locate(X, Q).summary(),
    "explanation": lambda: regressor().explain(Q.iloc[:1, :2]),
    "simplices": lambda: regressor().simplices(Q.iloc[:, :2]),
    "smoothness": lambda: hw.estimate_smoothness(X, X.iloc[:, 0]),
    "band": lambda: hw.CalibratedRegressor(regressor()).fit(X, X.iloc[:, 0]).band(Q),
    "walk": lambda: hw.metrics.walk(X, 0, 1),
    "directions": lambda: hw.metrics.directions(np.eye(5), X, columns=NAMES),
    "local": lambda: hw.metrics.local_locate(X, Q, lambda x: np.eye(5)),
    "dissection": lambda: hw.dissect(network(), NETWORK_INPUT),
    "slice": lambda: network().slice(np.zeros(2), np.eye(2)),
    "regions": lambda: network().regions(box=2.0),
    "occupancy": lambda: hw.model.region_occupancy(network(), NETWORK_INPUT),
    "bounds": lambda: hw.model.region_bounds(network()),
    "guard": lambda: hw.model.Guard(network()).fit(NETWORK_INPUT).report(2 * NETWORK_INPUT),
    "ellipsoid": lambda: hw.smallest_ellipsoid(X),
    "reference": lambda: hw.HullLocator().fit(X).reference_,
}


@pytest.mark.parametrize("case", RESULTS)
def test_views_are_small_well_formed_and_without_script(case):
    page = RESULTS[case]()._repr_html_()
    assert len(page.encode("utf-8")) <= VIEW_SIZE_LIMIT
    reader = Nesting()
    reader.feed(page)
    reader.close()
    assert not reader.open
    assert reader.tags <= {"div", "span", "b", "table", "thead", "tbody", "tr", "th", "td"}
    assert reader.attributes <= {"style", "title"}
    assert "http" not in page
    assert "url(" not in page
    assert "nan" not in page.lower()


def test_every_public_result_has_a_view():
    rooms = [hw, hw.model, hw.metrics, hw.train]
    classes = {c for room in rooms for c in map(room.__getattribute__, room.__all__)}
    results = {c for c in classes if inspect.isclass(c) and hasattr(c, "__dataclass_fields__")}
    inputs = {
        "Network",
        "MetricLearner",
        "NumericTable",
        "OutputActivation",
        "TorchRows",
        "ClusterRows",
        "CurvedInputs",
        "DesignSpace",
        "OutputProperty",
        "UnsafeCase",
    }
    without = {c.__name__ for c in results if not hasattr(c, "_repr_html_")}
    assert without <= inputs
    assert issubclass(hw.Location, RowResult)
    assert issubclass(hw.Explanation, TableResult)
    assert issubclass(hw.Ellipsoid, RecordResult)


def test_a_location_shows_its_bands_and_the_farthest_rows_with_their_reasons():
    location = hw.locate(X, Q)
    page, summary = location._repr_html_(), location.summary()
    for band, count in summary.bands.items():
        assert (f"{band} <b>{count}</b>" in page) == (count > 0)
    farthest = location[summary.farthest[:1]]
    assert "&lt;script&gt;alert(" in page
    name, amount = farthest.pushed_out_by()[0][0]
    assert f"{abs(amount):.2f}"[:3] in page
    assert f"{len(summary.farthest) - 10} more are outside the hull" in page


def test_a_domain_shows_what_each_column_was_taken_for():
    page = domain()._repr_html_()
    assert "&lt;b&gt;age" in page
    assert "3 levels: &lt;script&gt;clerk" in page.replace("a &amp; b, ", "")


def test_a_mixed_location_names_the_reasons_of_the_farthest_rows():
    location = mixed_location()
    page = location._repr_html_()
    assert "job &#x27;&lt;img src=x&gt;&#x27; was never seen" in page
    assert "dose 9 → " in page
    assert "1 with a level never seen" in page
    assert "dose is empty in 3 new rows and in no training row" in page
    columns = json.loads(location.to_json())
    assert columns["located_without"][5] == ["dose"]
    assert columns["pushed_out_by"][8][0][0] == "dose"


def test_a_table_shows_its_first_rows_and_says_how_many_there_are_more():
    page = RESULTS["band"]()._repr_html_()
    assert "and 30 more rows" in page
    assert "&lt;script&gt;alert(9)" in page
    assert "alert(10)" not in page


def test_views_of_wide_hostile_tables_shrink():
    wide = pd.DataFrame(RNG.normal(size=(130, 60)), columns=[f"{'<&>' * 40}{j}" for j in range(60)])
    rows = wide.set_axis(["\U0001f600<" * 200 for _ in range(130)])
    page = hw.locate(wide, 9 * rows)._repr_html_()
    assert len(page.encode("utf-8")) <= VIEW_SIZE_LIMIT
    assert "more are outside the hull" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(None, "–"), (np.nan, "–"), (np.inf, "∞"), (True, "True"), (np.int8(3), "3")],
        *[(12345, "12,345"), (0.123456, "0.1235"), ("", ""), ("a\nb", "a b"), ([1, 2], "[1, 2]")],
    ],
)
def test_cells_in_short(value, text):
    assert short_text(value) == text


def test_json_has_lists_as_lists_and_null_for_what_is_not_known():
    location = hw.locate(X, Q, reference=0)
    columns = json.loads(location.to_json())
    assert columns["hull_percentile"] == [None] * len(Q)
    assert columns["nearest_rows"] == location.nearest_rows.tolist()
    assert columns["row"] == list(Q.index)
    row = int(location.summary().farthest[0])
    assert columns["pushed_out_by"][row] == [list(one) for one in location.pushed_out_by()[row]]
    for case in ("band", "explanation", "walk", "dissection"):
        assert json.loads(RESULTS[case]().to_json())
