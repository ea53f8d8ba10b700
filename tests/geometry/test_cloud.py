"""The one question, from every kind of source, within bounded memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise.geometry import _score_blocks, pricing, scaled_view
from hullwise.io.rows import ArrayRows


def brute(X, G, h, k):
    """Best k rows with integers: exact scores, ties to the lowest row."""
    X, G = X.astype(object), G.astype(object)
    scores = [[int(g @ x) - h * int(x @ x) for x in X] for g in G]
    rows = [sorted(range(len(X)), key=lambda i: (-s[i], i))[:k] for s in scores]
    return np.array(rows), np.array([[s[i] for i in r] for s, r in zip(scores, rows)], float)


@pytest.mark.parametrize("keep", [1 << 22, 0], ids=["kept", "streamed"])
@pytest.mark.parametrize("h", [0, 1, 3])
@pytest.mark.parametrize("k", [1, 4, 57])
def test_support_against_brute_force(monkeypatch, h, k, keep):
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", keep)
    for module in (pricing, _score_blocks):
        monkeypatch.setattr(module, "BLOCK_ROWS", 10)
    rng = np.random.default_rng(1)
    X, G = rng.integers(-3, 4, (57, 3)), rng.integers(-9, 10, (40, 3))
    # powers of two keep the scores exact, so equal ones are equal
    centred = np.vstack([X, -X])[: 2 * len(X)]
    k = 2 * k if k == 57 else k
    support = hw.Cloud(centred).support(G, h, k)
    rows, values = brute(centred, G, h, k)
    np.testing.assert_array_equal(support.rows, rows)
    np.testing.assert_allclose(support.values, values, rtol=0, atol=1e-9)
    assert support.rows.shape == (40, k)


def test_ties_go_to_the_lowest_row_across_blocks():
    X = np.zeros((5000, 2))
    X[[17, 1500, 4999]] = [1.0, 0.0]
    cloud = hw.Cloud(X)
    np.testing.assert_array_equal(cloud.support([[1.0, 0.0]], k=4).rows, [[17, 1500, 4999, 0]])
    np.testing.assert_array_equal(cloud.support([[2.0, 0.0]], h=1.0, k=1).rows, [[17]])


@pytest.mark.parametrize("h", [0.5, 1.0, 8.0])
def test_positive_h_is_the_nearest_row(h):
    rng = np.random.default_rng(2)
    X, Q = rng.normal(size=(300, 5)) + 1e4, rng.normal(size=(50, 5)) + 1e4
    support = hw.Cloud(X).support(2 * h * Q, h, k=300)
    squared = np.square(Q[:, None] - X).sum(axis=2)
    np.testing.assert_array_equal(support.rows, squared.argsort(axis=1, kind="stable"))
    distances = np.take_along_axis(squared, support.rows, axis=1)
    value = h * (np.square(Q).sum(axis=1)[:, None] - distances)
    np.testing.assert_allclose(support.values, value, rtol=1e-12)


def test_far_from_zero_and_large_numbers():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 9, (40, 2)).astype(float)
    G = rng.integers(-9, 10, (20, 2)).astype(float)
    rows = hw.Cloud(X).support(G, k=3).rows
    np.testing.assert_array_equal(hw.Cloud(X + 2.0**30).support(G, k=3).rows, rows)
    np.testing.assert_array_equal(hw.Cloud(X * 2.0**900).support(G, k=3).rows, rows)
    np.testing.assert_array_equal(hw.Cloud(X * 2.0**-900).support(G, k=3).rows, rows)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.support([[1.0, 2.0]], k=0), "k=0.*between 1 and the 3 rows"),
        (lambda c: c.support([[1.0, 2.0]], k=4), "k=4.*between 1 and the 3 rows"),
        (lambda c: c.support([[1.0, 2.0]], h=-1.0), "h=-1"),
        (lambda c: c.support([[1.0, 2.0]], h=float("nan")), "h=nan"),
        (lambda c: c.support([[1.0, 2.0, 3.0]]), "3 features.*2 features"),
        (lambda c: c.support([[1.0, float("inf")]]), "G contains infinity"),
    ],
)
def test_bad_questions(call, words):
    cloud = hw.Cloud([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(hw.DataError, match=words):
        call(cloud)


# ---- sources ------------------------------------------------------------------------------

DATA = np.random.default_rng(4).integers(0, 200, (700, 3)).astype(np.float64)
QUERY = np.vstack([DATA[:5], (DATA[5:25] + DATA[25:45]) / 2, DATA[50:60] * 1.5])


def fortran(_):
    return np.asfortranarray(DATA)


def strided(_):
    return np.repeat(np.repeat(DATA, 2, axis=0), 2, axis=1)[::2, ::2]


def negative_stride(_):
    return np.ascontiguousarray(DATA[::-1, ::-1])[::-1, ::-1]


def read_only(_):
    X = DATA.copy()
    X.setflags(write=False)
    return X


def memory_map(path):
    np.save(path / "rows.npy", DATA)
    return np.load(path / "rows.npy", mmap_mode="r")


def npy(path):
    np.save(path / "rows.npy", DATA)
    return path / "rows.npy"


def npy_fortran(path):
    np.save(path / "rows.npy", np.asfortranarray(DATA))
    return str(path / "rows.npy")


def parquet(path):
    table = pa.table({f"x{j}": DATA[:, j] for j in range(3)})
    pq.write_table(table, path / "rows.parquet", row_group_size=64)
    return path / "rows.parquet"


def csv(path):
    pd.DataFrame(DATA, columns=["x0", "x1", "x2"]).to_csv(path / "rows.csv", index=False)
    return path / "rows.csv"


def nested_lists(_):
    return DATA.tolist()


def pandas(_):
    return pd.DataFrame(DATA, columns=["x0", "x1", "x2"])


def pandas_mixed(_):
    return pandas(_).astype({"x0": np.int64, "x1": np.float32})


def polars(_):
    return pl.DataFrame(DATA, schema=["x0", "x1", "x2"])


def arrow(_):
    return pa.table({f"x{j}": DATA[:, j] for j in range(3)})


def uint8(_):
    return DATA.astype(np.uint8)


def float16(_):
    return DATA.astype(np.float16)


def float32(_):
    return DATA.astype(np.float32)


def protocol(_):
    return ArrayRows(DATA, ("x0", "x1", "x2"))


SOURCES = [
    *(fortran, strided, negative_stride, read_only, memory_map, npy, npy_fortran, parquet, csv),
    *(nested_lists, pandas, pandas_mixed, polars, arrow, protocol),
]
SHORT = [uint8, float16, float32]


@pytest.fixture(scope="module")
def expected():
    return hw.locate(DATA, QUERY, metric=None, reference=40)


@pytest.mark.parametrize("source", SOURCES, ids=lambda f: f.__name__)
def test_every_source_gives_the_same_bits(tmp_path, expected, source):
    X = source(tmp_path)
    found = hw.locate(X, QUERY, metric=None, reference=40)
    for name in ("verdict", "lower", "upper", "direction", "nearest", "residual", "reference"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    for name in ("band", "status", "nearest_rows", "neighbour_percentile", "box_excess"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    np.testing.assert_array_equal(found.weights.toarray(), expected.weights.toarray())
    np.testing.assert_allclose(found.ellipsoid_distance, expected.ellipsoid_distance, rtol=1e-9)
    assert found.verify(X).all()


@pytest.mark.parametrize("keep", [1 << 22, 0], ids=["kept", "streamed"])
@pytest.mark.parametrize("source", SHORT, ids=lambda f: f.__name__)
def test_short_types_are_decided_in_float64(monkeypatch, tmp_path, expected, source, keep):
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", keep)
    X = source(tmp_path)
    cloud = hw.Cloud(X)
    assert cloud.dtype == X.dtype
    found = hw.locate(cloud, QUERY, metric=None, reference=40)
    np.testing.assert_array_equal(found.verdict, expected.verdict)
    np.testing.assert_array_equal(found.band, expected.band)
    assert (np.maximum(found.lower, expected.lower) <= found.upper).all()
    assert found.lower.dtype == found.upper.dtype == found.direction.dtype == np.float64
    assert found.verify(DATA, exact=True).all()


def test_names_come_from_the_source(tmp_path):
    assert hw.Cloud(csv(tmp_path)).names == ("x0", "x1", "x2")
    frame = pd.DataFrame(DATA, columns=["age", "dose", "<b>"])
    assert hw.Cloud(frame).names == ("age", "dose", "<b>")
    assert hw.Cloud(DATA, columns=("a", "b", "c")).names == ("a", "b", "c")
    with pytest.raises(hw.DataError, match=r"2 column names.*3 features"):
        hw.Cloud(DATA, columns=("a", "b"))


def test_a_private_copy_is_held():
    X = DATA.copy()
    cloud, shared = hw.Cloud(X), hw.Cloud(X, copy=False)
    before = cloud.support([[1.0, 0.0, 0.0]]).values
    X[0] = 500.0
    np.testing.assert_array_equal(cloud.take(np.array([0])), DATA[:1])
    np.testing.assert_array_equal(shared.take(np.array([0])), X[:1])
    np.testing.assert_array_equal(cloud.support([[1.0, 0.0, 0.0]]).values, before)


def test_summary_is_of_all_rows():
    X = np.vstack([np.zeros((9000, 2)), [[-3.0, 5.0], [1.0, 7.0]]])
    cloud = hw.Cloud(X)
    np.testing.assert_array_equal(cloud.minimum, [-3.0, 0.0])
    np.testing.assert_array_equal(cloud.maximum, [1.0, 7.0])
    np.testing.assert_allclose(cloud.mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cloud.spread, X.std(axis=0), rtol=1e-12)
    assert repr(cloud) == "Cloud(9,002 rows, 2 features, float64)"


def test_blocks_are_the_rows_in_order():
    cloud = hw.Cloud(DATA + 1e6)
    seen = np.vstack([Z / cloud.scale + cloud.centre for _, Z in cloud.blocks(100)])
    np.testing.assert_allclose(seen, DATA + 1e6, rtol=0, atol=1e-9)
    assert [start for start, _ in cloud.blocks(300)] == [0, 300, 600]


@pytest.mark.parametrize("row", [0, 5000, 9000])
def test_nan_deep_in_a_file_is_found_by_row(tmp_path, row):
    X = np.zeros((9001, 3), np.float32)
    X[row, 2] = np.nan
    np.save(tmp_path / "rows.npy", X)
    with pytest.raises(hw.DataError, match=rf"NaN.*row {row}, column"):
        hw.Cloud(tmp_path / "rows.npy")


# ---- memory -------------------------------------------------------------------------------

BOUNDED = """
    import resource, sys
    import numpy as np
    import hullwise as hw

    few = np.eye(8)[:, :4] + np.arange(4)
    hw.locate(few, few[:2], metric=None, n_neighbors=1, reference=2)
    status = dict(line.split(":") for line in open("/proc/self/status"))
    limit = int(status["VmData"].split()[0]) * 1024 + (120 << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        np.ones(200 << 17)
    except MemoryError:
        print("limited")
    cloud, Q = hw.Cloud("rows.npy"), np.load("queries.npy")
    print(*hw.locate(cloud, Q, membership_only=True).verdict)
    print(*cloud.support(2 * Q, h=1.0, k=2).rows[:, 0])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_a_file_is_located_within_bounded_memory(tmp_path):
    """200 MB of rows, most never written, under a limit of 120 MB more than an idle process."""
    n, d, step = 500_000, 100, 10_000
    X = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float32, (n, d))
    X[::step] = np.eye(d, dtype=np.float32)[:50]
    X[1::step] = -np.eye(d, dtype=np.float32)[:50]
    X.flush()
    del X
    Q = np.zeros((4, d))
    Q[1, 0], Q[2, 0], Q[3, 99] = 0.75, 1.5, 0.5
    np.save(tmp_path / "queries.npy", Q)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOUNDED)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["limited", "1 1 -1 -1", "2 0 0 2"], done.stderr
