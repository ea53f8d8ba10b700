"""Files larger than the memory allowed: read ahead, each group once, within stated bounds."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise.errors import FileError
from hullwise.io import file_rows
from hullwise.io._prefetch import GatherCache, RowGroupCache
from hullwise.io.file_rows import NpyRows, ParquetRows, open_rows


def parquet(path, X, group, **options):
    names = [f"x{j}" for j in range(X.shape[1])]
    pq.write_table(pa.table(list(X.T), names=names), path, row_group_size=group, **options)
    return path


@pytest.fixture
def small_room(monkeypatch):
    """As with groups so large that only the least number of them is held."""
    monkeypatch.setattr(file_rows, "GROUP_CACHE_BYTES", 0)
    monkeypatch.setattr(file_rows, "READ_UNIT_BYTES", 0)


def counted(rows):
    """Which groups are decoded, and in which threads."""
    reads, threads = Counter(), set()
    real = rows._groups._load

    def read(g):
        reads[g] += 1
        threads.add(threading.current_thread().name)
        return real(g)

    rows._groups._load = read
    return reads, threads


def wait_for_threads(before):
    for _ in range(100):
        if len(threading.enumerate()) <= before:
            break
        time.sleep(0.05)
    return len(threading.enumerate())


# ---- reading ahead ------------------------------------------------------------------------


@pytest.mark.usefixtures("small_room")
@pytest.mark.parametrize("group", [700, 5000, 9999, 45_000])
def test_a_pass_decodes_each_group_once(tmp_path, group):
    X = np.random.default_rng(0).normal(size=(90_001, 4))
    rows = ParquetRows(parquet(tmp_path / "x.parquet", X, group))
    reads, threads = counted(rows)
    cloud, whole = hw.Cloud(rows), hw.Cloud(X)
    groups = -(-len(X) // group)
    G = np.random.default_rng(1).normal(size=(150, 4))
    assert set(reads.values()) == {1}
    assert len(reads) == groups
    assert any("prefetch" in name for name in threads)
    for _ in range(2):
        before = reads.copy()
        answer = cloud.support(G, k=3)
        assert max((reads - before).values(), default=0) <= 1
        assert (answer.rows == whole.support(G, k=3).rows).all()
        assert len(rows._groups) <= rows._groups.room


def test_walkers_in_many_threads_get_their_rows(tmp_path, small_room):
    X = np.arange(60_000.0).reshape(20_000, 3)
    rows = ParquetRows(parquet(tmp_path / "x.parquet", X, 333))
    wrong = []

    def walk(seed):
        rng = np.random.default_rng(seed)
        for _ in range(6):
            start = int(rng.integers(0, 15_000))
            step = int(rng.integers(1, 900))
            for low in range(start, start + 5000, step):
                if not np.array_equal(rows.block(low, low + step), X[low : low + step]):
                    wrong.append((seed, low))
            some = rng.integers(0, len(X), 40)
            if not np.array_equal(rows.take(some), X[some]):
                wrong.append(seed)

    threads = [threading.Thread(target=walk, args=(s,)) for s in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
    assert len(rows._groups) <= rows._groups.room + len(threads)


def test_threads_go_with_the_rows(tmp_path, small_room):
    gc.collect()
    before = len(threading.enumerate())
    rows = ParquetRows(parquet(tmp_path / "x.parquet", np.ones((900, 2)), 100))
    rows.block(0, 10)
    assert len(threading.enumerate()) > before
    del rows
    gc.collect()
    assert wait_for_threads(before) <= before


def test_nothing_hangs_when_the_interpreter_ends_while_reading_ahead(tmp_path):
    path = parquet(tmp_path / "x.parquet", np.ones((400_000, 8)), 100_000)
    code = f"from hullwise.io.file_rows import ParquetRows; r = ParquetRows({str(path)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "r.block(0, 10)"], capture_output=True, timeout=60, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_reads_for_itself(tmp_path, small_room):
    X = np.arange(4000.0)[:, None]
    rows = ParquetRows(parquet(tmp_path / "x.parquet", X, 100))
    rows.block(0, 250)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(rows.block(0, 4000), X) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert np.array_equal(rows.block(0, 4000), X)


# ---- what goes wrong in the background ----------------------------------------------------


def test_missing_values_in_a_later_group(tmp_path, small_room):
    column = pa.array([*np.arange(950.0), None, *np.arange(49.0)])
    pq.write_table(pa.table({"a": column}), tmp_path / "x.parquet", row_group_size=100)
    rows = ParquetRows(tmp_path / "x.parquet")
    assert rows.block(0, 900).shape == (900, 1)  # the bad group was read ahead
    for _ in range(2):
        with pytest.raises(
            FileError, match=r"row 950 .*column 'a' is empty \(null\), 1 in the 100"
        ):
            rows.block(880, 1000)
    with pytest.raises(FileError, match=r"row 950 .*column 'a' is empty"):
        rows.take(np.array([999]))
    with pytest.raises(FileError, match="row 950"):
        hw.Cloud(tmp_path / "x.parquet")


def test_damage_in_a_later_group(tmp_path, small_room):
    path = parquet(tmp_path / "x.parquet", np.random.default_rng(0).normal(size=(1000, 2)), 100)
    group = pq.ParquetFile(path).metadata.row_group(7)
    data = bytearray(path.read_bytes())
    start = group.column(0).dictionary_page_offset or group.column(0).data_page_offset
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(bytes(data))
    rows = ParquetRows(path)
    assert rows.block(0, 700).shape == (700, 2)
    for _ in range(2):
        with pytest.raises(FileError, match="row group 7 cannot be read"):
            rows.block(600, 800)
    assert rows.block(800, 1000).shape == (200, 2)


def test_a_file_that_shrinks_is_an_error_and_no_crash(tmp_path, small_room):
    path = parquet(tmp_path / "x.parquet", np.ones((1000, 2)), 100)
    rows = ParquetRows(path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(FileError, match="has changed since it was opened"):
        rows.block(0, 1000)


def test_an_interrupted_reader_leaves_the_others_to_read_themselves():
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def read(g):
        calls.append(g)
        if len(calls) == 1:
            begun.set()
            go_on.wait(10)
            raise KeyboardInterrupt
        return np.full((10, 1), g)

    groups, answers = RowGroupCache(read, [10], 3, 1), []

    def interrupted():
        with pytest.raises(KeyboardInterrupt):
            groups.get(0, 0, 10)

    first = threading.Thread(target=interrupted)
    first.start()
    begun.wait(10)
    second = threading.Thread(target=lambda: answers.append(groups.get(0, 0, 10)))
    second.start()
    time.sleep(0.05)
    go_on.set()
    first.join(10)
    second.join(10)
    assert calls == [0, 0]
    assert answers[0][0, 0] == 0


def test_errors_ahead_are_raised_only_where_the_group_is_wanted():
    def read(g):
        if g == 1:
            raise FileError("x", "bad")
        return np.full((10, 1), g)

    groups = RowGroupCache(read, [10, 10, 10], 4, 2)
    for _ in range(2):
        assert groups.get(0, 0, 10)[0, 0] == 0
        with pytest.raises(FileError, match="bad"):
            groups.get(1, 0, 10)
        assert groups.get(2, 0, 10)[0, 0] == 2
    assert groups.peek(1) is None


def test_groups_asked_for_in_vain_are_let_go_in_the_end():
    groups = RowGroupCache(lambda g: np.zeros((10, 1)), [10] * 30, 6, 2)
    for g in (3, 9, 15, 21, 27):
        groups.get(g, 0, 2)  # somebody looked into it and left
    reads = Counter()
    groups._load = lambda g: reads.update([g]) or np.zeros((10, 1))
    for _ in range(4):
        for g in range(30):
            groups.get(g, 0, 10)
        assert len(groups) <= 6
    assert max(reads.values()) <= 4


def test_rows_taken_are_remembered_up_to_a_bound():
    cache, values = GatherCache(400), np.arange(100.0)[:, None]
    out = np.zeros((5, 1))
    rows = np.array([7, 3, 7, 50, 2])
    assert cache.fill_known(rows, out).tolist() == [0, 1, 2, 3, 4]
    cache.store(rows, values[rows])
    wanted = np.array([2, 8, 50])
    assert cache.fill_known(wanted, out[:3]).tolist() == [1]
    assert out[[0, 2], 0].tolist() == [2, 50]
    for start in (10, 30, 50):
        cache.store(np.arange(start, start + 20), values[start : start + 20])
    assert cache.fill_known(rows, out).tolist() == [0, 1, 2, 4]
    cache.store(np.arange(100), values)
    assert sum(v.nbytes for _, v in cache._batches) <= 400


# ---- parts and folders --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_parts_are_the_whole_again(tmp_path, kind):
    X = np.random.default_rng(0).normal(size=(1000, 3))
    np.save(tmp_path / "x.npy", X)
    parquet(tmp_path / "x.parquet", X, 90)
    rows = open_rows(tmp_path / f"x.{kind}")
    for count in (1, 3, 5000):
        parts = pickle.loads(pickle.dumps(rows.parts(count)))
        assert 1 <= len(parts) <= count
        assert [type(p) for p in parts] == [type(rows)] * len(parts)
        together = np.concatenate([p.block(0, p.n) for p in parts])
        np.testing.assert_array_equal(together, X)
        for p in parts[:5]:
            low = int(np.flatnonzero((p.block(0, 1) == X).all(axis=1))[0])
            some = np.array([p.n - 1, 0, p.n // 2])
            np.testing.assert_array_equal(p.take(some), X[low + some])
            again = [q.block(0, q.n) for q in p.parts(2)]
            np.testing.assert_array_equal(np.concatenate(again), X[low : low + p.n])


def test_recipes_of_parts(tmp_path):
    X = np.arange(30.0).reshape(10, 3)
    np.save(tmp_path / "x.npy", X)
    parquet(tmp_path / "x.parquet", X, 3)
    some = ParquetRows(tmp_path / "x.parquet", columns=["x2", "x0"], groups=(1, 3))
    assert (some.n, some.d, some.n_groups, some.part) == (6, 2, 4, (1, 3))
    np.testing.assert_array_equal(some.block(0, 6), X[3:9][:, [2, 0]])
    np.testing.assert_array_equal(NpyRows(tmp_path / "x.npy", rows=(2, 5)).block(1, 3), X[3:5])
    for wrong in ((3, 3), (0, 5), (-1, 2), (0.5, 2), (1, 2, 3), 7):
        with pytest.raises(FileError, match=r"expected \(first, last\).*<= 4"):
            ParquetRows(tmp_path / "x.parquet", groups=wrong)
    with pytest.raises(FileError, match=r"rows=\(8, 11\).*<= 10"):
        NpyRows(tmp_path / "x.npy", rows=(8, 11))


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_a_part_notices_another_file(tmp_path, kind):
    def write(n):
        X = np.ones((n, 2))
        np.save(tmp_path / "x.npy", X)
        parquet(tmp_path / "x.parquet", X, 10)

    write(100)
    data = pickle.dumps(open_rows(tmp_path / f"x.{kind}").parts(2)[1])
    for n in (200, 20):
        write(n)
        with pytest.raises(FileError, match="has changed since it was stored"):
            pickle.loads(data)


def test_a_folder_is_one_table_in_the_order_of_names(tmp_path):
    X = np.random.default_rng(0).normal(size=(1000, 3))
    folder = tmp_path / "table.parquet"
    folder.mkdir()
    for i, (a, b) in enumerate([(0, 400), (400, 401), (401, 1000)]):
        parquet(folder / f"part-{i}.parquet", X[a:b], 150)
    (folder / "_SUCCESS").write_text("")
    parquet(folder / "_metadata.parquet", X[:1], 1)
    rows = open_rows(folder)
    assert (rows.n, rows.n_groups) == (1000, 3 + 1 + 4)
    np.testing.assert_array_equal(rows.block(0, 1000), X)
    np.testing.assert_array_equal(rows.block(390, 410), X[390:410])
    some = np.array([999, 0, 400, 401, 400])
    np.testing.assert_array_equal(rows.take(some), X[some])
    again = pickle.loads(pickle.dumps(rows.parts(2)[1]))
    np.testing.assert_array_equal(again.block(0, again.n), X[-again.n :])
    Q = np.random.default_rng(1).normal(size=(20, 3)) * 2
    parted, whole = (
        hw.locate(folder, Q, metric=None, reference=0),
        hw.locate(X, Q, metric=None, reference=0),
    )
    assert (parted.verdict == whole.verdict).all()
    assert (parted.upper == whole.upper).all()


def test_folders_that_are_no_table(tmp_path):
    with pytest.raises(FileError, match=r"is a folder without \.parquet files"):
        open_rows(tmp_path)
    pq.write_table(pa.table({"a": [1.0], "b": [2]}), tmp_path / "1.parquet")
    for other, words in [
        (
            {"a": [1.0], "c": [2]},
            r"2\.parquet: its columns differ .*1\.parquet.*'b', 'c'",
        ),
        ({"b": [1], "a": [2.0]}, "another order"),
        ({"a": [1.0], "b": [2.5]}, "column 'b' is double, but int64 in 1.parquet"),
    ]:
        pq.write_table(pa.table(other), tmp_path / "2.parquet")
        with pytest.raises(FileError, match=words):
            open_rows(tmp_path)
    pq.write_table(pa.table({"b": [1], "a": [2.0]}), tmp_path / "2.parquet")
    assert open_rows(tmp_path, columns=["a", "b"]).block(0, 2).tolist() == [[1, 2], [2, 1]]
    pq.write_table(pa.table({"b": [1]}), tmp_path / "2.parquet")
    with pytest.raises(FileError, match="has no column 'a', which is in 1"):
        open_rows(tmp_path, columns=["a", "b"])


# ---- bounded memory -----------------------------------------------------------------------

D, N, GROUP = 32, 1_200_000, 16_384  # 307 MB of float64, in groups of 4 MiB
QUERIES = """
import sys, resource
import numpy as np
import hullwise as hw
from hullwise.geometry.warm_up import compile_locate
from hullwise.io import file_rows

def status(field):
    lines = open("/proc/self/status").read().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field + ":"))

file_rows.GROUP_CACHE_BYTES, file_rows.GATHER_CACHE_BYTES = 0, 1 << 22
compile_locate()
rng = np.random.default_rng(1)
Q = np.concatenate([0.2 * rng.normal(size=(4, {d})), rng.normal(size=(16, {d})) * 2])
small = hw.locate(rng.normal(size=(300_000, {d})), Q, membership_only=True)  # what a pass needs
"""
LIMITED = """
allowed = {allowed}
open("/proc/self/clear_refs", "w").write("5")
resident = status("VmRSS")
resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + allowed,) * 2)
found = hw.locate({path!r}, Q, membership_only=True)
grown = status("VmHWM") - resident
np.savez({out!r}, verdict=found.verdict, lower=found.lower, upper=found.upper, grown=grown)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory as Linux has")
@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_memory_stays_within_the_stated_bound(tmp_path, kind):
    X = np.random.default_rng(0).standard_normal((N, D))
    path = tmp_path / f"x.{kind}"
    np.save(path, X) if kind == "npy" else parquet(
        path, X, GROUP, compression="none", use_dictionary=False
    )
    p, mib = file_rows.cpu_count(), 1 << 20
    bound = 16 * mib * p + 8 * mib  # any pass: scores and rows of blocks; the answer
    if kind == "parquet":  # groups, encoded pages of those being read, rows taken
        bound += (3 * p + 5) * 4 * mib + (p + file_rows.PREFETCH_GROUPS) * 4 * mib + 4 * mib
    else:
        bound += p * 10 * mib
    stacks = (2 * p + file_rows.PREFETCH_GROUPS) * 8 * mib  # of threads, reserved and unused
    allowed = bound + stacks
    assert p > 2 or 2.5 * bound < X.nbytes
    out = tmp_path / "out.npz"
    code = QUERIES.format(d=D) + LIMITED.format(allowed=allowed, path=str(path), out=str(out))
    # Arrow's default pool reserves gigabytes at once, which counts against the limit, and malloc
    # keeps back what is freed for later: of interest is what is in use
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    environment["MALLOC_MMAP_THRESHOLD_"] = str(64 << 10)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as found:
        grown = int(found["grown"])
        assert grown <= bound
        rng = np.random.default_rng(1)
        Q = np.concatenate([0.2 * rng.normal(size=(4, D)), rng.normal(size=(16, D)) * 2])
        whole = hw.locate(X, Q, membership_only=True)
        for name in ("verdict", "lower", "upper"):
            assert (found[name] == getattr(whole, name)).all()
    assert set(whole.verdict.tolist()) == {-1, 1}
    print(f"grown {grown / 1e6:.0f} MB, bound {bound / 1e6:.0f}, limit {allowed / 1e6:.0f}")


def test_the_pages_behind_a_reader_of_npy_are_let_go(tmp_path):
    if not Path("/proc/self/smaps").exists():
        pytest.skip("no word on mapped pages here")
    X = np.ones((100_000, 100))
    np.save(tmp_path / "x.npy", X)
    rows = NpyRows(tmp_path / "x.npy")
    whole = rows.n

    def mapped():
        text = Path("/proc/self/smaps").read_text().partition(str(tmp_path / "x.npy"))[2]
        return 1024 * int(text.partition("Rss:")[2].split()[0])

    most = 0
    for start in range(0, whole, 1000):
        assert rows.block(start, start + 1000).sum() == 100_000
        most = max(most, mapped())
    assert most <= (8 << 20) + 2 * 800_000, most
    assert rows.take(np.arange(0, whole, 7)).sum() == 100 * len(range(0, whole, 7))
    assert mapped() <= most
