"""What stands beside a verdict may fail in any way without costing it, and says that it did."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import (
    _certificates,
    cloud,
    comparison,
    ellipsoid,
    left_out,
    training_summary,
)

FOREIGN = [
    ValueError("zero-size array to reduction operation maximum which has no identity"),
    np.linalg.LinAlgError("SVD did not converge"),
    IndexError("index 7 is out of bounds"),
    FloatingPointError("overflow encountered in multiply"),
    MemoryError(),
    RuntimeError("a library's own words"),
]
NAN = {
    "ellipsoid": ["ellipsoid_distance"],
    "mahalanobis": ["mahalanobis", "hull_percentile"],
    "neighbours": ["neighbour_distance", "neighbour_percentile"],
    "bands": ["hull_percentile"],
    "reference": ["hull_percentile", "neighbour_percentile"],
    "map": [],
}
PARTS = {
    "ellipsoid": (comparison, "smallest_ellipsoid"),
    "mahalanobis": (cloud, "find_flat"),
    "neighbours": (comparison, "nearest_rows"),
    "bands": (comparison, "rank"),
    "reference": (left_out, "reference_distances"),
    "map": (training_summary, "principal_plane"),
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.integers(-3, 4, (60, 3)).astype(float)
    Q = np.concatenate([X[:5], (X[5:15] + X[15:25]) / 2, X[25:40] * 1.5])
    return X, Q, hw.locate(X, Q)


def fail_with(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", FOREIGN, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("part", PARTS)
def test_a_verdict_survives_whatever_a_part_raises(monkeypatch, table, part, error):
    X, Q, expected = table
    monkeypatch.setattr(*PARTS[part], fail_with(error))
    found = hw.locate(X, Q)
    for name in ("verdict", "lower", "upper", "direction", "status"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    assert found.verify(X).all()
    for name in NAN[part]:
        assert np.isnan(getattr(found, name)).all(), name
    assert not expected.notes
    (note, *_) = [n for n in found.notes if "not computed" in n]
    assert str(error) in note
    assert (found.plane is None) == (part == "map")
    if part in ("mahalanobis", "bands"):
        assert (found.band == "unknown").all()
    assert len(found.to_dict()["verdict"]) == len(Q)
    repr(found), found.chance(), found.pushed_out_by()


def test_notes_say_what_is_missing_and_why(monkeypatch, table):
    X, Q, _ = table
    monkeypatch.setattr(*PARTS["ellipsoid"], fail_with(hw.DataError("some columns are dependent.")))
    monkeypatch.setattr(*PARTS["neighbours"], fail_with(IndexError("index 7 is out of bounds")))
    assert hw.locate(X, Q).notes == (
        "The nearest training rows were not computed: the numbers do not allow it (IndexError: "
        "index 7 is out of bounds).",
        "The smallest ellipsoid was not computed: some columns are dependent.",
    )


@pytest.mark.parametrize("error", FOREIGN, ids=lambda e: type(e).__name__)
def test_what_only_sharpens_a_verdict_may_fail_too(monkeypatch, table, error):
    X, Q, expected = table
    monkeypatch.setattr(_certificates, "nearest_rows", fail_with(error))
    monkeypatch.setattr(_certificates, "interior_simplices", fail_with(error))
    found = hw.locate(X, Q)
    assert (found.verdict == expected.verdict).mean() > 0.5
    assert not ((found.verdict != 0) & (found.verdict != expected.verdict)).any()
    assert found.verify(X).all()


@pytest.mark.parametrize("part", ["mahalanobis", "reference", "bands"])
def test_a_locator_warns_and_gives_its_verdicts(monkeypatch, table, part):
    X, Q, expected = table
    module, name = PARTS[part]
    monkeypatch.setattr(module, name, fail_with(ValueError("no numbers")))
    with pytest.warns(hw.DataWarning, match="not computed: the numbers do not allow it"):
        columns = hw.HullLocator().fit(X).transform(Q)
    np.testing.assert_array_equal(columns[:, 0], expected.verdict)


def test_what_says_that_rows_cannot_be_read_is_raised(monkeypatch, table):
    X, Q, _ = table
    for error in (hw.errors.FileError("rows.npy", "it was replaced"), OSError("gone")):
        with monkeypatch.context() as patched:
            patched.setattr(*PARTS["neighbours"], fail_with(error))
            with pytest.raises(type(error)):
                hw.locate(X, Q)


def test_a_progress_callback_may_stop_the_work_with_any_error(table):
    X, Q, _ = table

    def stop(n_done, n_total, what):
        if what.startswith("gap"):
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        hw.locate(X, Q, progress=stop)


def test_nearly_collinear_rows_have_an_ellipsoid():
    """Rounding leaves no row at the bound below which rows are forgotten."""
    X = np.array(
        [
            [0.5207876652145241, -1.1823296503006402, 0.15925954044677243],
            [-0.5581368805521691, 1.2671225277904432, -0.1706811221594054],
            [0.5019874993257458, -1.1396481602859807, 0.15351035326619364],
        ]
    )
    assert hw.smallest_ellipsoid(X).verify(X)
    with pytest.warns(hw.DataWarning, match="span a flat"):
        assert not hw.locate(X, X[:1]).notes


def test_nearly_collinear_tables_never_end_in_foreign_words():
    rng = np.random.default_rng(1)
    for _ in range(300):
        n, d = int(rng.choice([2, 3, 4, 5, 8, 20])), int(rng.integers(2, 6))
        line = np.outer(rng.normal(size=n), rng.normal(size=d))
        X = line + rng.normal(size=(n, d)) * 10.0 ** rng.integers(-18, -8)
        assert hw.smallest_ellipsoid(X).contains(X).all()


def test_a_search_that_float64_cannot_do_is_an_error_of_our_own(monkeypatch):
    X = np.random.default_rng(0).normal(size=(20, 3))
    broken = fail_with(np.linalg.LinAlgError("not positive definite"))
    monkeypatch.setattr(ellipsoid.kernels, "unit_frame", broken)
    with pytest.raises(hw.DataError, match=r"nearly dependent. Drop one"):
        hw.smallest_ellipsoid(X)
