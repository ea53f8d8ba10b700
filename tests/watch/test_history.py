"""The history of a watch in real databases: two writers, killed writers, files given twice."""

from __future__ import annotations

import multiprocessing
import sqlite3

import pytest

import hullwise as hw
from hullwise.watch.history import WatchHistory
from postgres_server import postgres_server
from watch_writers import batch, die_in_mid_write, domain_of, write_batches

pytest.importorskip("sqlalchemy", reason="a history is kept with SQLAlchemy")

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'watch.db'}"
    return request.getfixturevalue("postgres")


def test_a_watch_goes_on_where_it_stopped(database):
    domain = domain_of(1)
    one = hw.Monitor(domain, history=database)
    for k in range(3):
        one.update(batch(k), name=f"night {k}")
    two = hw.Monitor(domain, history=database)
    assert two.result().to_dict() == one.result().to_dict()
    assert [b.name for b in two.batches] == ["night 0", "night 1", "night 2"]
    two.update(batch(3))
    assert one.catch_up().to_dict() == two.result().to_dict()
    in_memory = hw.Monitor(domain)
    for k in range(4):
        in_memory.update(batch(k))
    assert in_memory.result().to_dict() == two.result().to_dict()


def test_a_file_given_twice_is_refused_and_changes_nothing(database):
    domain = domain_of(2)
    one, two = hw.Monitor(domain, history=database), hw.Monitor(domain, history=database)
    one.update(batch(0), name="monday")
    for monitor in (one, two):
        with pytest.raises(hw.DataError, match=r"same rows as batch 1 \(monday\)"):
            monitor.update(batch(0))
    assert len(hw.Monitor(domain, history=database).batches) == 1


def test_watches_of_one_database_do_not_meet(database):
    one = hw.Monitor(domain_of(3), history=database)
    one.update(batch(0))
    other = hw.Monitor(domain_of(4), history=database)
    assert other.batches == []
    other.update(batch(0))
    assert len(one.catch_up().log_statistics) == 1


def test_two_writers_at_once_lose_nothing(database):
    started = SPAWN.Barrier(2)
    writers = [
        SPAWN.Process(target=write_batches, args=(database, 5, numbers, started))
        for numbers in (range(12), range(100, 112))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(240)
        assert writer.exitcode == 0
    monitor = hw.Monitor(domain_of(5), history=database)
    assert len(monitor.batches) == 24
    assert len({b.digest for b in monitor.batches}) == 24


def test_a_killed_writer_leaves_a_whole_batch_or_none(database):
    monitor = hw.Monitor(domain_of(6), history=database)
    monitor.update(batch(0))
    writer = SPAWN.Process(target=die_in_mid_write, args=(database, 6))
    writer.start()
    writer.join(120)
    assert writer.exitcode == 9
    assert len(hw.Monitor(domain_of(6), history=database).batches) == 1
    monitor.update(batch(1))
    assert len(hw.Monitor(domain_of(6), history=database).batches) == 2


def test_a_damaged_history_is_not_believed(tmp_path):
    path = tmp_path / "watch.db"
    monitor = hw.Monitor(domain_of(7), history=f"sqlite:///{path}")
    for k in range(3):
        monitor.update(batch(k))
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM hullwise_batches WHERE number = 2")
    with pytest.raises(hw.FileError, match="lacks batch 2"):
        hw.Monitor(domain_of(7), history=f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM hullwise_batches WHERE number = 3")
        connection.execute("UPDATE hullwise_batches SET counts = '{\"rows\": 3}'")
    with pytest.raises(hw.FileError, match="batch 1 that cannot be read"):
        hw.Monitor(domain_of(7), history=f"sqlite:///{path}")
    path.write_bytes(b"no database" * 500)
    with pytest.raises(hw.FileError, match="cannot be used as a history"):
        hw.Monitor(domain_of(7), history=f"sqlite:///{path}")


def test_evidence_is_kept_and_computed_again_where_it_was_not(tmp_path):
    path = tmp_path / "watch.db"
    one = hw.Monitor(domain_of(10), history=f"sqlite:///{path}")
    for k in range(12):
        one.update(batch(k) + 0.8 * (k > 7))
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT count(evidence) FROM hullwise_batches").fetchone()[0]
    assert kept == 11  # the last batch's comes with the next one
    two = hw.Monitor(domain_of(10), history=f"sqlite:///{path}")
    assert two.result().to_dict() == one.result().to_dict()
    assert two.first_alarm == one.first_alarm
    assert two.log_statistics == one.log_statistics
    assert two.update(batch(50)).to_dict() == one.catch_up().to_dict()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE hullwise_batches SET evidence = NULL WHERE number = 5")
    three = hw.Monitor(domain_of(10), history=f"sqlite:///{path}")
    assert three.result().to_dict() == one.result().to_dict()
    three.update(batch(51))
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT count(evidence) FROM hullwise_batches").fetchone()[0]
    assert kept == 13


def test_evidence_of_other_counts_is_not_believed(tmp_path):
    path = tmp_path / "watch.db"
    one = hw.Monitor(domain_of(11), history=f"sqlite:///{path}")
    for k in range(3):
        one.update(batch(k) + 2)
    assert one.alarmed
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE hullwise_batches SET evidence = '[0, 0, 0, 0, 0, 0]' WHERE number = 2"
        )
    with pytest.raises(hw.FileError, match="evidence that is not that of its counts"):
        hw.Monitor(domain_of(11), history=f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("watch.db", hw.DataError, "is no address of a database"),
        ("sqlite:////no/such/folder/watch.db", hw.FileError, "unable to open"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", hw.FileError, r"u:\*\*\*@127.0.0.1:1"),
    ],
)
def test_databases_that_cannot_be_used(url, error, message):
    if "psycopg" in url:
        pytest.importorskip("psycopg")
    with pytest.raises(error, match=message) as caught:
        hw.Monitor(domain_of(8), history=url)
    assert "secret" not in str(caught.value)


def test_counts_of_other_scores_are_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'watch.db'}"
    monitor = hw.Monitor(domain_of(9), history=url)
    counted = monitor.count(batch(0))
    short = type(counted)(counted.digest, "", 40, 0, {}, counted.counts[:-1])
    WatchHistory(url, monitor.digest).append(short)
    with pytest.raises(hw.FileError, match="of other scores"):
        hw.Monitor(domain_of(9), history=url)
