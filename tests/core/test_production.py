"""Threads, processes and event loops: what the page on containers promises."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import hullwise as hw
from hullwise._core import threads
from hullwise.errors import DataError
from production_work import bands

ROWS = [{"job": "ab"[i % 2], "age": i * i % 31, "size": i / 7} for i in range(90)]
NEW = [[{"job": "a", "age": 5 * i + j, "size": 2.0 * j} for j in range(4)] for i in range(6)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "seen.hull"
    hw.Domain().fit(ROWS).save(path)
    return path


@pytest.fixture(scope="module")
def expected(kept):
    return [bands(kept, rows) for rows in NEW]


def test_threads_share_one_domain(kept, expected):
    domain = hw.load(kept)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda rows: domain.locate(rows).band.tolist(), NEW))
    assert answers == expected


def test_an_event_loop_goes_on_while_rows_are_located(kept, expected):
    domain = hw.load(kept)

    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticking = asyncio.create_task(tick())
        answers = await asyncio.gather(*(asyncio.to_thread(domain.locate, rows) for rows in NEW))
        ticking.cancel()
        return [answer.band.tolist() for answer in answers], ticks

    answers, ticks = asyncio.run(main())
    assert answers == expected
    assert ticks > 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_open_the_file_each_for_itself(kept, expected, method):
    if method not in multiprocessing.get_all_start_methods() or sys.platform == "darwin":
        pytest.skip(f"processes do not {method} here")
    with multiprocessing.get_context(method).Pool(2) as pool:
        answers = pool.starmap(bands, [(kept, rows) for rows in NEW])
    assert answers == expected


@pytest.mark.parametrize("limit", [1, 2])
def test_threads_are_as_many_as_are_allowed(limit, monkeypatch):
    monkeypatch.setenv("HULLWISE_THREADS", str(limit))
    assert threads.cpu_count() == min(limit, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("text", ["0", "two", "1.5", "-1"])
def test_a_number_of_threads_that_is_none(text, monkeypatch):
    monkeypatch.setenv("HULLWISE_THREADS", text)
    with pytest.raises(DataError, match=f"HULLWISE_THREADS='{text}': expected a whole number"):
        threads.cpu_count()


@pytest.mark.parametrize(
    ("text", "count"), [("150000 100000", 2), ("max 100000", None), ("10 100000", 1), ("", None)]
)
def test_the_quota_of_a_container_counts(text, count, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(threads, "CPU_QUOTA_FILE", tmp_path / "cpu.max")
    assert threads._quota.__wrapped__() == count
