"""The checker believes nothing: each way to tamper with an answer is noticed."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import hullwise as hw
from hullwise.geometry import verify

X = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4], [4, 4, 0], [1, 1, 1]])
Q = np.array([[1.0, 1.0, 0.5], [5.0, 1.0, 1.0], [0.5, 0.5, 0.5], [3.0, 3.0, 3.0], [2.0, 1.0, 0.0]])
METRICS = {
    "euclidean": None,
    "diagonal": [4.0, 0.25, 1.0],
    "matrix": [[2.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]],
    "singular": [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "std": "std",
    "range": "range",
}


@pytest.fixture(scope="module", params=METRICS, ids=str)
def location(request):
    return hw.locate(X, Q, metric=METRICS[request.param], reference=0, n_neighbors=2)


def claiming(location, **claims):
    """The location with other claims of the hull."""
    return replace(location, hull=replace(location.hull, **claims))


def weights_with(location, change):
    dense = location.weights.toarray()
    change(dense)
    return claiming(location, weights=csr_array(dense))


def another_weight(location):
    """Half of the first query's combination moved to the row farthest from it."""

    def change(dense):
        far = int(np.square(X - Q[1]).sum(axis=1).argmax())
        dense[1] *= 0.5
        dense[1, far] += 0.5

    return weights_with(location, change)


def negative_weight(location):
    """The combination is the same point, written with a negative weight: 2 a - b = a + (a - b)."""

    def change(dense):
        dense[1, 0] -= 0.25
        dense[1, 1] += 0.25

    return weights_with(location, change)


def weights_too_large(location):
    return claiming(location, weights=location.weights * 1.01)


def upper_too_small(location):
    upper = np.where(location.upper > 1e-9, location.upper * (1 - 1e-6), location.upper)
    lower = np.minimum(location.lower, upper)
    return claiming(location, upper=upper, lower=lower)


def lower_too_large(location):
    lower = location.lower * (1 + 1e-6)
    return claiming(location, lower=lower, upper=np.maximum(location.upper, lower * 1.001))


def direction_turned(location):
    turned = location.direction @ np.array([[0.98, 0.2, 0], [-0.2, 0.98, 0], [0, 0, 1]])
    return claiming(location, direction=turned)


def direction_reversed(location):
    return claiming(location, direction=-location.direction)


def called_inside(location):
    return claiming(location, verdict=np.abs(location.verdict))


def called_inside_with_no_lower_bound(location):
    zero = np.zeros(len(location))
    return claiming(location, verdict=np.abs(location.verdict), lower=zero)


def called_undecided(location):
    return claiming(location, verdict=np.zeros_like(location.verdict))


def bracket_crossed(location):
    return claiming(location, lower=location.upper, upper=location.lower)


def negative_lower(location):
    return claiming(location, lower=location.lower - 10.0)


def nan_bracket(location):
    return claiming(location, lower=location.lower * np.nan)


def nan_direction(location):
    return claiming(location, direction=location.direction * np.nan)


def nan_weights(location):
    return claiming(location, weights=location.weights * np.nan)


TAMPERED = [
    *(another_weight, negative_weight, weights_too_large, upper_too_small, lower_too_large),
    *(direction_turned, direction_reversed, called_inside, called_inside_with_no_lower_bound),
    *(called_undecided, bracket_crossed, negative_lower, nan_bracket, nan_direction, nan_weights),
]


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_an_honest_answer_holds(location, exact):
    np.testing.assert_array_equal(location.verify(X, exact=exact), [True] * 5)
    assert location.verify(X, exact=exact).dtype == bool


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda f: f.__name__)
def test_tampering_is_noticed(location, tamper, exact):
    """Query 1 is outside under every metric here."""
    assert location.verdict[1] == -1
    held = tamper(location).verify(X, exact=exact)
    assert not held[1]


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_inside_rows_are_checked_too(exact):
    location = hw.locate(X, Q, metric=None, reference=0)
    inside = location.verdict == 1
    assert inside.sum() == 3
    outside = claiming(location, verdict=np.where(inside, -1, location.verdict).astype(np.int8))
    np.testing.assert_array_equal(outside.verify(X, exact=exact), ~inside)
    # another point of the hull, with an upper bound that is true of it
    moved = weights_with(location, lambda dense: dense.__setitem__((inside, slice(None)), 1 / 6))
    moved = claiming(moved, upper=location.upper + 10.0)
    np.testing.assert_array_equal(moved.verify(X, exact=exact), ~inside)
    empty = weights_with(location, lambda dense: dense.__setitem__((inside, slice(None)), 0.0))
    empty.weights.eliminate_zeros()
    empty = claiming(empty, upper=np.where(inside, np.inf, location.upper))
    np.testing.assert_array_equal(empty.verify(X, exact=exact), ~inside)


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_other_training_rows_are_noticed(location, exact):
    further = X.copy()
    further[5] = [9.0, 9.0, 9.0]
    held = location.verify(further, exact=exact)
    np.testing.assert_array_equal(held, location.verdict != -1)
    shrunk = X.copy()
    shrunk[:5] *= 0.1
    assert not location.verify(shrunk, exact=exact).any()


@pytest.mark.parametrize("other", [X[:-1], X[:, :2]], ids=["fewer-rows", "fewer-features"])
def test_other_shapes_are_refused(other):
    location = hw.locate(X, Q, metric=None, reference=0)
    with pytest.raises(hw.DataError, match="computed against 6 rows and 3 features"):
        location.verify(other)


def test_an_inside_by_less_than_rounding_is_only_believed_when_exact():
    """A query 2^-52 beyond a facet is outside, whatever floats make of its combination."""
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    on, out = [0.5, 0.5], [0.5, 0.5 + 2.0**-53]
    location = hw.locate(corner, [on], metric=None, reference=0)
    assert location.verdict[0] == 1
    moved = replace(claiming(location, upper=np.array([1e-15])), queries=np.array([out]))
    assert not moved.verify(corner, exact=True)[0]


def test_membership_answers_are_checked():
    location = hw.locate(X, Q, membership_only=True)
    assert location.verify(X, exact=True).all()
    for tamper in (direction_reversed, called_inside_with_no_lower_bound, lower_too_large):
        tampered = tamper(claiming(location, upper=np.where(location.verdict == 1, 0.01, 99.0)))
        assert not tampered.verify(X)[1]


def test_many_rows_in_several_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(500, 4)), rng.normal(size=(40, 4)) * 2
    location = hw.locate(rows, queries, metric=None, reference=0)
    monkeypatch.setattr(verify, "CHECKER_BLOCK_ROWS", 7)
    assert location.verify(rows).all()
    out = location.verdict == -1
    beyond = np.vstack([rows, queries[out][:1]])[1:]
    held = claiming(location, weights=location.weights[:, [*range(1, 500), 0]]).verify(beyond)
    assert not held[np.flatnonzero(out)[0]]


def test_it_shares_no_code_with_the_solver():
    """What it imports, by name: types of rows, and nothing that computes."""
    tree = ast.parse(Path(verify.__file__).read_text(encoding="utf-8"))
    typed = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node not in typed:
            origin = "." * node.level + (node.module or "")
            imported |= {f"{origin}:{alias.name}" for alias in node.names}
    ours = {name for name in imported if name.startswith(".")}
    assert ours <= {
        f"..{name}" for name in ("_core.types:Floats", "_core.types:Indices", "io.rows:Rows")
    }
    others = {name.partition(":")[0].partition(".")[0] for name in imported - ours}
    standard = {"__future__", "dataclasses", "fractions", "functools", "math", "typing"}
    assert others <= {*standard, "numpy"}


# ---- what follows from a certificate ----------------------------------------------------------


def banded():
    rng = np.random.default_rng(5)
    rows, queries = rng.normal(size=(120, 3)), rng.normal(size=(40, 3)) * 1.5
    return rows, hw.locate(rows, queries, reference=60)


def another_band(location):
    other = {"core": "edge", "edge": "core", "beyond": "edge", "far": "beyond", "unknown": "core"}
    band = np.array([other[b] for b in location.band], dtype=object)
    return replace(location, comparison=replace(location.comparison, band=band))


def another_percentile(location):
    moved = location.hull_percentile + 1e-3
    return replace(location, comparison=replace(location.comparison, hull_percentile=moved))


def moved_nearest(location):
    return claiming(location, nearest=location.nearest + 1e-6)


def moved_residual(location):
    residual = location.residual + 1e-6
    return claiming(location, residual=residual, nearest=location.queries + residual)


def no_residual(location):
    return claiming(location, residual=location.residual * np.nan)


DERIVED = [another_band, another_percentile, moved_nearest, moved_residual, no_residual]


@pytest.mark.parametrize("tamper", DERIVED, ids=lambda f: f.__name__)
def test_what_does_not_follow_is_noticed(tamper):
    rows, location = banded()
    assert set(location.band) >= {"core", "edge", "beyond"}
    assert location.verify(rows).all()
    assert not tamper(location).verify(rows).any()


def test_bands_of_rows_off_the_flat_and_in_matrix_metrics_hold():
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(80, 2)) @ [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    queries = np.vstack([rows[:5] * 1.5, rows[:5] + np.array([0.0, 0.0, 1.0])])
    with pytest.warns(hw.DataWarning, match="flat"):
        location = hw.locate(rows, queries, reference=40)
    assert location.off_flat[5:].all()
    assert location.verify(rows).all()
    rows = rng.normal(size=(80, 3))
    matrix = hw.locate(rows, queries, metric=np.diag([4.0, 1.0, 1e-9]), reference=40)
    assert matrix.training.reference.negligible > 0
    assert matrix.verify(rows).all()
