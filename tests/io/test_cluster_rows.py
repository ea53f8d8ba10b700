"""Rows on a cluster: two real worker processes, which are also killed and stopped."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hullwise as hw
from hullwise.errors import ClusterError, DataError, DataTypeError, FileError
from hullwise.geometry import scaled_view

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

N, D = 6000, 5


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Every cloud counts as one too large to keep here."""
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)


@pytest.fixture
def cluster():
    import dask

    quiet = {"distributed.admin.tick.limit": "1h", "distributed.worker.memory.terminate": False}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            host="127.0.0.1",
            silence_logs=50,
        ) as started,
        distributed.Client(started, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """(npy of floats, parquet of whole numbers, both arrays, queries)"""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    X, whole = rng.normal(size=(N, D)), rng.integers(-3, 4, size=(N, D))
    np.save(folder / "x.npy", X)
    names = [f"f{j}" for j in range(D)]
    pq.write_table(
        pa.table(dict(zip(names, whole.T))), folder / "whole.parquet", row_group_size=500
    )
    return folder, X, whole, 1.4 * rng.normal(size=(40, D))


def assert_same(found, expected):
    for name in ("verdict", "lower", "upper", "direction", "nearest_rows", "band"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    np.testing.assert_array_equal(found.weights.toarray(), expected.weights.toarray())


def test_answers_are_those_of_one_array(cluster, table):
    folder, X, whole, Q = table
    expected = hw.locate(X, Q, metric=None, reference=30)
    for options in ({}, {"shards": 1}, {"shards": 5, "resident": False}):
        rows = hw.ClusterRows(cluster, folder / "x.npy", **options)
        cloud = hw.Cloud(rows)
        found = hw.locate(cloud, Q, metric=None, reference=30)
        assert_same(found, expected)
        assert found.verify(cloud).all()
        assert len(rows.starts) == options.get("shards", 2) + 1
        assert rows.rounds > 3
    grid = np.round(Q)
    rows = hw.ClusterRows(cluster, folder / "whole.parquet", shards=3)
    assert rows.columns == tuple(f"f{j}" for j in range(D))
    found = hw.locate(hw.Cloud(rows), grid, metric=None, reference=30)
    assert_same(found, hw.locate(whole, grid, metric=None, reference=30))
    np.testing.assert_array_equal(rows.block(1990, 4010), whole[1990:4010])
    np.testing.assert_array_equal(
        rows.take(np.array([5999, 0, 2000, 0])), whole[[5999, 0, 2000, 0]]
    )


def test_a_worker_killed_in_mid_run_changes_nothing(cluster, table):
    folder, X, _, Q = table
    rows = hw.ClusterRows(cluster, folder / "x.npy", timeout=600)
    cloud = hw.Cloud(rows)
    killed = []

    def kill_once(done, total, what):
        if not killed and rows.rounds > 3:
            killed.append(sorted(cluster.run(os.getpid).values())[0])
            os.kill(killed[0], signal.SIGKILL)

    found = hw.locate(cloud, Q, metric=None, reference=30, progress=kill_once)
    assert killed
    assert_same(found, hw.locate(X, Q, metric=None, reference=30))


def test_a_worker_that_hangs_is_left_out(cluster, table):
    folder, X, _, Q = table
    rows = hw.ClusterRows(cluster, folder / "x.npy", timeout=10)
    cloud = hw.Cloud(rows)
    hung = sorted(cluster.run(os.getpid).values())[0]
    os.kill(hung, signal.SIGSTOP)
    try:
        found = hw.locate(cloud, Q, metric=None, reference=0)
    finally:
        os.kill(hung, signal.SIGCONT)
    np.testing.assert_array_equal(found.verdict, hw.locate(X, Q, metric=None, reference=0).verdict)


def test_the_command_asks_the_workers(cluster, table, tmp_path):
    from click.testing import CliRunner

    from hullwise.cli import main

    folder, _, whole, Q = table
    names = [f"f{j}" for j in range(D)]
    new = tmp_path / "new.csv"
    np.savetxt(new, np.round(Q), delimiter=",", header=",".join(names), comments="", fmt="%g")
    seen, out = str(folder / "whole.parquet"), str(tmp_path / "out.csv")
    address = cluster.scheduler.address
    command = ["locate", "--scheduler", address, seen, str(new), "--reference", "20", "-o", out]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    expected = hw.locate(whole, np.round(Q), metric="std", reference=20)
    verdict = np.genfromtxt(out, delimiter=",", names=True, dtype=None, encoding="utf-8")["verdict"]
    words = {1: "inside", -1: "outside", 0: "undecided"}
    assert verdict.tolist() == [words[v] for v in expected.verdict.tolist()]
    refused = CliRunner().invoke(main, ["locate", "--scheduler", address, str(new), str(new)])
    assert refused.exit_code == 3
    assert "workers read .npy and .parquet files" in refused.output


def test_what_fails_there_is_said_here(cluster, table, tmp_path):
    folder, X, _, _ = table
    with pytest.raises(FileError, match=r"none\.npy"):
        hw.ClusterRows(cluster, tmp_path / "none.npy")
    with pytest.raises(FileError, match="csv"):
        hw.ClusterRows(cluster, tmp_path / "rows.csv")
    with pytest.raises(DataError, match="timeout"):
        hw.ClusterRows(cluster, folder / "x.npy", timeout=0)
    spoilt = X.copy()
    spoilt[4321, 2] = np.inf
    np.save(tmp_path / "spoilt.npy", spoilt)
    with pytest.raises(DataError, match="4321"):
        hw.Cloud(hw.ClusterRows(cluster, tmp_path / "spoilt.npy"))
    rows = hw.ClusterRows(cluster, folder / "x.npy")
    with pytest.raises(ClusterError, match="pickled"):
        pickle.dumps(rows)


# ---- a cluster that does not answer ---------------------------------------------------------

SECONDS = 3.0  # stated in each of these tests
LOAD = 60.0  # how much longer a machine may take that has other things to do


@contextmanager
def cluster_error_within(seconds, words):
    start = time.monotonic()
    with pytest.raises(ClusterError, match=words) as caught:
        yield
    assert time.monotonic() - start < seconds + LOAD
    assert "\n" not in str(caught.value)


@pytest.fixture
def silent_listener():
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def talking_listener():
    """A port where something else answers."""

    class Talk(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"220 mail.example.org ESMTP\r\n" * 100)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_scheduler_that_is_not_there_is_named():
    for address in ("tcp://127.0.0.1:9", "127.0.0.1:9"):
        with cluster_error_within(2 * SECONDS, "no scheduler answers at '.*127.0.0.1:9'"):
            hw.ClusterRows(address, "x.npy", connect_timeout=SECONDS)


def test_a_silent_listener_is_no_scheduler(silent_listener):
    with cluster_error_within(2 * SECONDS, f"no scheduler answers .* within {SECONDS:g} s"):
        hw.ClusterRows(f"tcp://{silent_listener}", "x.npy", connect_timeout=SECONDS)


def test_another_service_is_no_scheduler(talking_listener):
    with cluster_error_within(2 * SECONDS, "no scheduler answers"):
        hw.ClusterRows(f"tcp://{talking_listener}", "x.npy", connect_timeout=SECONDS)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tls://127.0.0.1:9", r"TLS needs certificates.*distributed\.Security"),
        ("nonsense", "no scheduler answers at 'nonsense'"),
        ("foo://127.0.0.1:9", "no scheduler answers at 'foo"),
        ("", "no scheduler answers at ''"),
    ],
)
def test_addresses_that_name_no_scheduler(address, words):
    with cluster_error_within(2 * SECONDS, words):
        hw.ClusterRows(address, "x.npy", connect_timeout=SECONDS)


def test_what_is_no_client_is_said_to_be_none(cluster):
    with pytest.raises(
        ClusterError, match=r"a LocalCluster is a cluster.*distributed\.Client\(it\)"
    ):
        hw.ClusterRows(cluster.cluster, "x.npy")
    with pytest.raises(DataTypeError, match="found an int: expected a scheduler's address"):
        hw.ClusterRows(8786, "x.npy")
    with pytest.raises(DataError, match="connect_timeout"):
        hw.ClusterRows(cluster, "x.npy", connect_timeout=0)


def test_a_closed_client_is_an_error_before_and_later(cluster, table):
    folder, _, _, Q = table
    with distributed.Client(cluster.scheduler.address, set_as_default=False) as client:
        cloud = hw.Cloud(hw.ClusterRows(client, folder / "x.npy"))
    with cluster_error_within(SECONDS, "the client is closed: make a new one"):
        hw.locate(cloud, Q, reference=0)
    with cluster_error_within(SECONDS, "the client is closed"):
        cloud.rows.block(0, 10)
    with cluster_error_within(SECONDS, "the client is closed"):
        hw.ClusterRows(client, folder / "x.npy")


def test_workers_that_are_all_gone_are_an_error(cluster, table):
    folder, _, _, Q = table
    rows = hw.ClusterRows(cluster, folder / "x.npy", connect_timeout=SECONDS)
    cloud = hw.Cloud(rows)
    cluster.cluster.scale(0)
    with cluster_error_within(2 * SECONDS, f"has had no workers for {SECONDS:g} s"):
        while True:  # until the last of them is gone
            rows.block(0, N)
    with cluster_error_within(2 * SECONDS, "has had no workers"):
        hw.locate(cloud, Q, reference=0)
    with cluster_error_within(2 * SECONDS, "has had no workers"):
        hw.ClusterRows(cluster, folder / "x.npy", connect_timeout=SECONDS)


SCHEDULER = """
import sys
import distributed

if __name__ == "__main__":
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0",
        host="127.0.0.1", silence_logs=50,
    )
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


def test_a_scheduler_that_is_killed_is_an_error(table):
    folder, _, _, _ = table
    command = [sys.executable, "-c", SCHEDULER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            address = process.stdout.readline().strip()
            rows = hw.ClusterRows(address, folder / "x.npy", connect_timeout=SECONDS)
            assert rows.block(0, 10).shape == (10, D)
        finally:
            process.kill()
    with cluster_error_within(2 * SECONDS, "client is closed|has not answered|workers failed"):
        rows.block(0, 10)
    rows._client.close(timeout=1)


def test_a_shard_that_is_made_again_is_of_the_same_file(cluster, table, tmp_path):
    _, X, _, _ = table
    np.save(tmp_path / "x.npy", X)
    rows = hw.ClusterRows(cluster, tmp_path / "x.npy")
    np.testing.assert_array_equal(rows.block(0, N), X)
    np.save(tmp_path / "other.npy", X + 1)
    os.replace(tmp_path / "other.npy", tmp_path / "x.npy")
    np.testing.assert_array_equal(rows.block(0, N), X)  # the workers hold the old rows
    rows._shards = [rows._submit_shard(i, []) for i in range(len(rows._recipes))]
    with pytest.raises(FileError, match="has changed since it was stored: another file has taken"):
        rows.block(0, N)
