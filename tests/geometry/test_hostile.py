"""Degenerate and hostile inputs: each is one line here, with the one right response.

Numbers in the ids are those of the list that the project keeps of such inputs.
"""

from __future__ import annotations

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

import hullwise as hw
import oracle
from hullwise._core import memory

NAN, INF = float("nan"), float("inf")
SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
CENTRE = np.array([[0.5, 0.5]])
IN, OUT = 1, -1


# ---- refused ------------------------------------------------------------------------------


def table(column, name="age"):
    return pd.DataFrame({"weight": [1.0, 2.0, 3.0], name: column})


def refused(slug, X, Q, words, error=hw.DataError):
    return pytest.param(X, Q, words, error, id=slug)


REFUSED = [
    refused("01-nan-training", [[0, 1], [NAN, 2]], CENTRE, ["NaN", "row 1, column 0", "impute"]),
    refused("01-nan-named", table([1, NAN, 3]), CENTRE, ["NaN", "row 1", "'age'"]),
    refused("02-nan-query", SQUARE, [[0.5, NAN]], ["Q", "NaN", "row 0, column 1"]),
    refused("03-inf-training", [[0, INF]], CENTRE, ["X", "infinity", "row 0, column 1"]),
    refused("03-minus-inf-query", SQUARE, [[0, 0], [-INF, 0]], ["Q", "infinity", "row 1"]),
    refused("04-nan-column", table([NAN] * 3), CENTRE, ["'age'", "no value", "drop"]),
    refused("13-int64-beyond-2-53", [[0, 2**53 + 1]], CENTRE, ["2**53", "offset", "column 1"]),
    refused("16-no-rows", np.empty((0, 2)), CENTRE, ["0 sample(s)"]),
    refused("17-no-features", np.empty((3, 0)), np.empty((1, 0)), ["0 feature(s)"]),
    refused("21-one-dimensional", np.zeros(3), CENTRE, ["2D array", "reshape"]),
    refused("21-one-dimensional-query", SQUARE, np.zeros(2), ["Q", "2D array", "reshape"]),
    refused("22-three-dimensional", np.zeros((2, 2, 2)), CENTRE, ["3D array", "reshape"]),
    refused("23-ragged", [[1, 2], [3]], CENTRE, ["unequal length", "row 1 holds 1"]),
    refused("25-feature-count", SQUARE, np.zeros((1, 3)), ["Q", "3 features", "2 features"]),
    refused("56-complex", SQUARE + 1j, CENTRE, ["Complex"]),
    refused("58-numeric-strings", [["1", "2"]], CENTRE, ["'1'", "text"]),
    refused("59-text", table(["a", "b", "c"]), CENTRE, ["'age'", "text"]),
    refused("60-datetime", np.zeros((2, 2), "M8[s]"), CENTRE, ["seconds since a date"]),
    refused("60-date-column", table([datetime.date(2020, 1, 1)] * 3), CENTRE, ["seconds"]),
    refused("61-category", table(pd.Categorical([1, 2, 3])), CENTRE, ["'age'", "category"]),
    refused("63-masked", np.ma.array(SQUARE, mask=SQUARE > 0), CENTRE, ["masked"]),
    refused("64-pandas-na", table(pd.array([1, None, 3], "Int64")), CENTRE, ["NaN", "'age'"]),
    refused("64-polars-null", pl.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}), CENTRE, ["'a'"]),
    refused(
        "66-duplicate-names", pd.DataFrame(SQUARE, columns=["a", "a"]), CENTRE, ["duplicate", "'a'"]
    ),
    refused(
        "67-mixed-names", pd.DataFrame(SQUARE, columns=["a", 1]), CENTRE, ["int", "str"], TypeError
    ),
    refused(
        "68-renamed-columns",
        pd.DataFrame(SQUARE, columns=["a", "b"]),
        pd.DataFrame(CENTRE, columns=["a", "c"]),
        ["missing 'b'", "'c'"],
    ),
]


@pytest.mark.parametrize("membership_only", [False, True])
@pytest.mark.parametrize(("X", "Q", "words", "error"), REFUSED)
def test_refused_with_a_reason(X, Q, words, error, membership_only):
    with pytest.raises(error) as caught:
        hw.locate(X, Q, metric=None, membership_only=membership_only)
    assert isinstance(caught.value, hw.HullwiseError)
    assert [w for w in words if w not in str(caught.value)] == []


@pytest.mark.skipif(
    np.finfo(np.longdouble).max <= np.finfo(np.float64).max, reason="no long double"
)
def test_14_longdouble_beyond_float64():
    with pytest.raises(hw.DataError, match="float64"):
        hw.locate(np.array([["1e4000"]], np.longdouble), [[0.0]], metric=None)


def test_29_more_than_memory_is_refused_before_allocating(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 30)
    huge = np.broadcast_to(np.array(1.0, object), (1 << 20, 1 << 20))
    with pytest.raises(hw.MemoryLimitError, match=r"8\.0 TiB.*\.npy or Parquet"):
        hw.locate(huge, huge, metric=None)


def test_70_tensor_requiring_grad():
    class Tensor:
        """What a torch tensor looks like from outside."""

        __module__ = "torch"
        requires_grad = True
        is_cuda = False
        device = "cpu"
        shape = (1, 2)

        def __array__(self, *_, **__):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    with pytest.raises(hw.DataTypeError, match=r"detach\(\)"):
        hw.locate(SQUARE, Tensor(), metric=None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": -1e-9}, "tolerance"),
        ({"tolerance": NAN}, "tolerance"),
        ({"n_neighbors": 0}, "n_neighbors=0"),
        ({"reference": -1}, "reference=-1"),
        ({"metric": "manhattan"}, "manhattan"),
        ({"metric": [1.0, 2.0, 3.0]}, r"\(3,\)"),
        ({"metric": [1.0, -1.0]}, "nonnegative"),
        ({"metric": [0.0, 0.0]}, "zero"),
        ({"metric": [[1.0, 2.0], [2.0, 1.0]]}, "semidefinite"),
        ({"metric": [[1.0, 0.5], [0.0, 1.0]]}, "symmetric"),
        ({"metric": [1.0, NAN]}, "NaN"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(hw.DataError, match=words):
        hw.locate(SQUARE, CENTRE, **options)


# ---- answered -----------------------------------------------------------------------------


def assert_truth(X, Q, location, rows=None):
    """Every verdict and bracket against rational arithmetic, every certificate re-checked."""
    X, Q = np.asarray(X, float), np.asarray(Q, float)
    for b, query in enumerate(Q.tolist()):
        truth, _ = oracle.nearest(X.tolist(), query)
        assert location.verdict[b] == (IN if truth == 0 else OUT), (b, location.status[b])
        assert Fraction(float(location.lower[b])) ** 2 <= truth, b
        upper = float(location.upper[b])
        open_end = location.membership_only and upper == INF
        assert open_end or truth <= Fraction(upper) ** 2, b
    assert location.verify(X if rows is None else rows, exact=True).all()


def integers(seed, n, d, high=8):
    return np.random.default_rng(seed).integers(0, high + 1, (n, d)).astype(float)


def probes(X):
    """A corner, two mixtures, and both moved out of the hull a little and far."""
    middle, edge = X[:4].mean(axis=0), X[:2].mean(axis=0)
    width = X.max(axis=0) - X.min(axis=0)
    return np.array([X[0], middle, edge, middle + 2 * width, X[0] - 8 * width, 2 * edge - middle])


def answered(slug, X, Q=None, flat=False):
    X = np.asarray(X)
    return pytest.param(X, probes(X.astype(float)) if Q is None else np.asarray(Q), flat, id=slug)


CLOUD = integers(0, 14, 3)
PLANE = integers(1, 9, 2) @ np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
LINE = np.array([1, 0, 3]) + np.outer(np.arange(7.0), [1, 2, -1])
ANSWERED = [
    answered("05-values-1e300", CLOUD * 2.0**993),
    answered("06-values-1e-300", CLOUD * 2.0**-1000),
    answered("06-subnormal", CLOUD * 5e-324 * 4),
    answered("07-scale-1e-9", CLOUD * 2.0**-30),
    answered("09-offset-1e8", CLOUD / 8 + 1e8),
    answered("11-mixed-scales", CLOUD * [2.0**-40, 1.0, 2.0**40]),
    answered("12-minus-zero", [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[-0.0, -0.0], [-0.0, 0.5]]),
    answered("15-outlier", np.vstack([CLOUD, [4.0, 4.0, 2.0**40]])),
    answered("18-one-row", [[3.0, 1.0]], [[3.0, 1.0], [3.0, 1.0 + 2**-52], [2.0, 1.0]], True),
    answered("19-few-rows", integers(2, 4, 6), flat=True),
    answered("20-one-feature", [[1.0], [4.0], [2.0]]),
    answered("30-identical-rows", np.full((6, 3), 2.5), [[2.5] * 3, [2.5, 2.5, 3.0]], flat=True),
    answered("31-duplicates", np.repeat(CLOUD[:5], 4, axis=0)),
    answered("34-collinear", LINE, flat=True),
    answered("34-plane-in-space", PLANE, flat=True),
    answered("35-constant-feature", np.column_stack([CLOUD[:, :2], np.full(14, 7.0)]), flat=True),
    answered("37-feature-twice", CLOUD[:, [0, 1, 1]], flat=True),
    answered("38-grid", np.indices((4, 4, 4)).reshape(3, -1).T[::3].astype(float)),
    answered(
        "39-cocircular", [[5, 0], [4, 3], [3, 4], [0, 5], [-3, 4], [-4, -3], [0, -5], [3, -4]]
    ),
    answered("40-binary", np.indices((2,) * 3).reshape(3, -1).T.astype(float)),
    answered(
        "41-one-hot", np.eye(5), [np.eye(5)[2], [0.5, 0.25, 0.25, 0, 0], [0.2, 0.3, 0, 0, 0]], True
    ),
    answered("41-simplex-rows", [[4, 2, 2], [1, 1, 6], [0, 8, 0], [2, 3, 3], [8, 0, 0]], flat=True),
    answered("43-training-rows", CLOUD, CLOUD),
    answered("44-on-edges", CLOUD, (CLOUD[:-1] + CLOUD[1:]) / 2),
    answered("51-far", CLOUD, probes(CLOUD) * 1e6 + 1e6),
    answered("51-farther", CLOUD, probes(CLOUD) * 1e150 + 1e150),
    answered("53-float16", CLOUD.astype(np.float16)),
    answered("54-float32", CLOUD.astype(np.float32), probes(CLOUD).astype(np.float32)),
    answered("55-bool", CLOUD > 4),
    answered("55-int8", CLOUD.astype(np.int8)),
    answered("55-uint8", (CLOUD * 31).astype(np.uint8)),
    answered("57-objects", CLOUD.astype(object)),
]


@pytest.mark.parametrize("membership_only", [False, True], ids=["whole", "membership"])
@pytest.mark.parametrize(("X", "Q", "flat"), ANSWERED)
def test_answered_exactly(X, Q, flat, membership_only):
    options = {"metric": None, "membership_only": membership_only, "n_neighbors": 3}
    if flat and not membership_only:
        with pytest.warns(hw.DataWarning, match="span a flat") as caught:
            location = hw.locate(X, Q, **options)
        assert len(caught) == 1
    else:
        location = hw.locate(X, Q, **options)
    assert_truth(X, Q, location)


def test_08_outside_by_1e_8_of_the_width():
    """HiGHS calls this inside; the bracket must show the margin itself."""
    rng = np.random.default_rng(8)
    X = rng.uniform(size=(200, 3))
    G = rng.normal(size=(20, 3))
    G /= np.linalg.norm(G, axis=1)[:, None]
    corners = X[hw.Cloud(X).support(G).rows[:, 0]]
    for step, verdict in ((1e-8, OUT), (-1e-8, IN)):
        # inwards means towards the middle: against the normal one may leave through the side
        move = G if step > 0 else corners - X.mean(axis=0)
        location = hw.locate(X, corners + step * move, metric=None, reference=0)
        assert (location.verdict == verdict).all()
        assert location.verify(X, exact=True).all()
        if step > 0:
            np.testing.assert_allclose(location.lower, 1e-8, rtol=1e-5)
            np.testing.assert_allclose(location.upper, 1e-8, rtol=1e-5)
            assert (location.lower <= location.upper).all()


def test_10_offset_1e12_says_how_many_digits_are_left():
    X = integers(3, 9, 2) / 4 + 1e12
    with pytest.warns(hw.DataWarning, match=r"feature 'x\d'.*4 digits.*Subtract an offset"):
        cloud = hw.Cloud(X)
    assert_truth(X, probes(X), hw.locate(cloud, probes(X), metric=None, reference=0), cloud)


def test_15_the_row_behind_the_verdict_is_named():
    X = np.vstack([CLOUD, [4.0, 4.0, 1e12]])
    location = hw.locate(X, [[4.0, 4.0, 1e11]], metric=None, reference=0)
    assert location.verdict[0] == IN
    assert location.weights[[0]].toarray()[0, -1] == pytest.approx(0.1, rel=1e-9)


@pytest.mark.parametrize("membership_only", [False, True])
def test_24_no_queries(membership_only):
    location = hw.locate(SQUARE, np.empty((0, 2)), metric=None, membership_only=membership_only)
    assert len(location) == 0
    assert location.verdict.dtype == np.int8
    assert (location.lower.dtype, location.lower.shape) == (np.float64, (0,))
    assert location.weights.shape == (0, 4)
    assert location.direction.shape == location.nearest.shape == location.residual.shape == (0, 2)
    assert location.verify(SQUARE).shape == (0,)
    assert len(location.to_frame()) == 0


@pytest.mark.parametrize("membership_only", [False, True])
def test_33_near_duplicates_never_hide_a_training_row(membership_only):
    X = np.vstack([CLOUD[:5], CLOUD[:5] * (1 + 2.0**-50)])
    Q = np.vstack([X, probes(X)])
    location = hw.locate(X, Q, metric=None, reference=0, membership_only=membership_only)
    assert (location.verdict[: len(X)] == IN).all()
    for b, query in enumerate(Q.tolist()):
        sign = IN if oracle.in_hull(X.tolist(), query) else OUT
        assert location.verdict[b] in (sign, 0)
    assert location.verify(X, exact=True).all()


def test_35_margin_of_a_constant_feature_is_the_difference():
    X = np.column_stack([CLOUD[:, :2], np.full(14, 7.0)])
    with pytest.warns(hw.DataWarning, match="flat"):
        location = hw.locate(X, [[*X[:4, :2].mean(axis=0), 7.25]], metric=None, reference=0)
    assert location.verdict[0] == OUT
    assert location.lower[0] == pytest.approx(0.25, rel=1e-9)
    assert location.upper[0] == pytest.approx(0.25, rel=1e-6)
    assert location.pushed_out_by()[0][0] == ("x2", pytest.approx(0.25))


def test_36_noise_in_the_last_place_is_no_dimension():
    X = np.column_stack([CLOUD[:, :2], 1.0 + 2.0**-52 * np.arange(14)])
    locator = hw.HullLocator(metric=None, reference=5)
    with pytest.warns(hw.DataWarning, match="flat of dimension 2 in 3"):
        locator.fit(X)
    assert locator.rank_ == 2


@pytest.mark.parametrize("membership_only", [False, True])
def test_36_noise_around_zero_never_contradicts_the_sign(membership_only):
    noise = np.random.default_rng(0).integers(-3, 4, 14) * 2.0**-57
    X = np.column_stack([CLOUD[:, :2], noise])
    Q = probes(X)
    location = hw.locate(X, Q, metric=None, reference=0, membership_only=membership_only)
    for b, query in enumerate(Q.tolist()):
        sign = IN if oracle.nearest(X.tolist(), query)[0] == 0 else OUT
        assert location.verdict[b] in (sign, 0)
    assert location.verify(X, exact=True).all()


def test_42_ties_in_distance_go_to_the_lowest_row():
    X = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])
    location = hw.locate(X, [[0.0, 0.0]], metric=None, n_neighbors=5)
    np.testing.assert_array_equal(location.nearest_rows[0], [0, 1, 2, 3, 4])
    assert location.neighbour_distance[0] == 1.0


def test_52_ten_thousand_features_and_a_hundred_rows():
    rng = np.random.default_rng(52)
    X = rng.integers(-1, 2, (100, 10_000)).astype(np.int8)
    Q = np.vstack([X[:4].mean(axis=0), X[7], X[7] + 1.0])
    location = hw.locate(X, Q, metric=None, membership_only=True)
    np.testing.assert_array_equal(location.verdict, [IN, IN, OUT])
    # 10,000 rationals a row would take seconds: the claims are checked in float64 instead
    gaps = (location.direction[2] * (Q[2] - X)).sum(axis=1)
    assert gaps.min() >= location.lower[2] * (1 - 1e-12) > 0
    np.testing.assert_allclose((location.weights @ X)[:2], Q[:2], rtol=0, atol=1e-12)


def test_52_more_features_than_rows_proven():
    rng = np.random.default_rng(53)
    X = rng.integers(-1, 2, (12, 300)).astype(float)
    Q = np.vstack([X[:4].mean(axis=0), X[7], X[7] + 1.0, X[:8].mean(axis=0) + 2.0**-40])
    with pytest.warns(hw.DataWarning, match="flat of dimension 11 in 300"):
        location = hw.locate(X, Q, metric=None, reference=0)
    np.testing.assert_array_equal(location.verdict, [IN, IN, OUT, OUT])
    assert location.verify(X, exact=True).all()


# ---- on the boundary ----------------------------------------------------------------------


def box_face(rng):
    return np.indices((2, 2, 2)).reshape(3, -1).T.astype(float), np.array([0.5, 0.25, 1.0])


def slanted_facet(rng):
    X = np.vstack([rng.integers(0, 4, (12, 3)), 9 * np.eye(3)]).astype(float)
    return X, np.array([2.25, 4.5, 2.25])


def vertex(rng):
    X = rng.integers(-9, 10, (20, 4)).astype(float)
    return X, X[hw.Cloud(X).support(np.ones((1, 4))).rows[0, 0]]


def edge_far_from_zero(rng):
    X = rng.integers(-9, 10, (12, 2)) + 2.0**20
    top = hw.Cloud(X).support([[1.0, 0.7]], k=1).rows[0, 0]
    return X, X[top]


def simplex(d):
    def make(rng):
        q = np.full(d, 1 / 64)
        q[0] += 1 - q.sum()
        return np.vstack([np.zeros(d), np.eye(d)]), q

    return make


EPSILONS = [0.0, *(10.0**-k for k in range(9, 18))]


@pytest.mark.parametrize("membership_only", [False, True], ids=["whole", "membership"])
@pytest.mark.parametrize(
    ("place", "decided"),
    [
        pytest.param(box_face, 0.0, id="45-box-face"),
        pytest.param(slanted_facet, 0.0, id="45-slanted-facet"),
        pytest.param(vertex, 0.0, id="45-vertex"),
        pytest.param(edge_far_from_zero, 0.0, id="45-edge-far-from-zero"),
        pytest.param(simplex(20), 0.0, id="45-simplex-20"),
        pytest.param(simplex(50), 1e-12, id="45-simplex-50"),
    ],
)
def test_never_contradicts_the_exact_sign(place, decided, membership_only):
    rng = np.random.default_rng(45)
    X, q = place(rng)
    moves = rng.integers(-2, 3, (3, len(q)))
    steps = EPSILONS if len(q) < 40 else EPSILONS[::3]
    Q = np.array([q + e * v for e in steps for v in (*moves, *-moves)])
    location = hw.locate(X, Q, metric=None, reference=0, membership_only=membership_only)
    points = X.tolist()
    for b, query in enumerate(Q.tolist()):
        if len(q) < 10:
            inside = oracle.in_hull(points, query)
        else:
            share = [Fraction(x) for x in query]
            inside = min(share) >= 0 and sum(share) <= 1
        assert location.verdict[b] in (IN if inside else OUT, 0), (steps[b // 6], b)
    assert location.verify(X, exact=True).all()
    clear = np.repeat(np.array(steps) > 100 * max(decided, 1e-16) * np.abs(X).max(), 6)
    assert (location.verdict[clear] != 0).all()


def test_02_nan_query_is_never_outside():
    with pytest.raises(ValueError, match="NaN"):
        hw.HullLocator(metric=None, reference=0).fit(SQUARE).transform([[NAN, 0.5]])


# ---- names --------------------------------------------------------------------------------


def test_69_names_at_fit_and_none_now_warns():
    locator = hw.BoxLocator().fit(pd.DataFrame(SQUARE, columns=["a", "b"]))
    with pytest.warns(UserWarning, match="feature names"):
        locator.transform(CENTRE)


def test_71_labels_are_kept():
    X = pd.DataFrame(SQUARE, columns=["a", "b"], index=["p", "q", "r", "s"])
    Q = pd.DataFrame([[0.9, 0.8], [3.0, 0.0]], columns=["a", "b"], index=["one", "two"])
    for location in (
        hw.locate(X, Q, metric=None, n_neighbors=1),
        hw.HullLocator(metric=None, n_neighbors=1).fit(X).locate(Q),
    ):
        frame = location.to_frame()
        assert list(frame.index) == ["one", "two"]
        assert list(frame["nearest_rows"]) == ["s", "q"]
        assert frame.loc["two", "pushed_out_by"] == "a +2"
