"""Requests in turn: small ones that wait are located together, large ones one by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any

from .._core.foreign import own_errors
from .._core.threads import cpu_count, limit_threads
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..domain.encoded_tables import EncodedTable, encode_table, locate_encoded
from ..domain.gap_patterns import rows_by_segment_and_pattern
from ..errors import DataError, DataTypeError, FileError, StoppedError
from ..io.mixed_table import MixedTable, RecordTable
from ._request_errors import RequestError, busy_error
from .service_limits import ServiceLimits

SMALL_ROWS = 64  # of a request that is located together with others, and of all these


@dataclass(eq=False)
class LocatingJob:
    """The rows of one request, and who waits for where they stand."""

    table: MixedTable
    deadline: float
    answer: asyncio.Future[DomainLocation]
    needs_reference: bool = False  # rows have gaps that none had before: measuring takes a while

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits, and there is time."""
        return not self.answer.done() and monotonic() < self.deadline

    @property
    def is_large(self) -> bool:
        """Whether it is to keep out of the way of others."""
        return self.needs_reference or self.table.n > SMALL_ROWS

    def settle(self, outcome: DomainLocation | BaseException) -> None:
        """Hand over where the rows stand, or why that is not known."""
        if self.answer.done():
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class LocatingQueue:
    """Locates the rows of requests on a few threads; used from one event loop.

    Small requests do not wait for large ones: of several threads one is left to them.
    """

    def __init__(self, domain: Domain, limits: ServiceLimits) -> None:
        self.domain, self.limits = domain, limits
        self._small: deque[LocatingJob] = deque()
        self._large: deque[LocatingJob] = deque()
        self._n_large, self.n_running = 0, 0
        n_threads = limits.n_threads + 1  # one for what is no search
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="hullwise-serve")

    @property
    def n_waiting(self) -> int:
        """Requests that no thread has begun with."""
        return len(self._small) + len(self._large)

    async def locate(self, table: MixedTable, deadline: float) -> DomainLocation:
        """Where the rows of one request stand.

        Raises
        ------
        RequestError
            Too many requests wait, there was too little time, or the table cannot be read.
        """
        if self.n_waiting >= self.limits.max_waiting:
            raise busy_error()
        job = LocatingJob(table, deadline, asyncio.get_running_loop().create_future())
        self._add(job)
        self._start_waiting()
        location: DomainLocation = await self._before(deadline, job.answer)
        return location

    async def run(self, work: Callable[[], Any], deadline: float) -> Any:
        """What another piece of work returns, done on a thread of the same pool."""
        loop = asyncio.get_running_loop()
        return await self._before(deadline, loop.run_in_executor(self._pool, work))

    async def _before(self, deadline: float, answer: asyncio.Future[Any]) -> Any:
        try:
            async with asyncio.timeout(max(0.0, deadline - monotonic())):
                return await answer
        except TimeoutError:
            raise self._time_error() from None

    def close(self) -> None:
        """Wait for what runs, and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _time_error(self) -> RequestError:
        return RequestError(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"no answer within {self.limits.max_seconds:g} seconds: send fewer rows at a time, or "
            "try again when less is going on (hullwise serve --max-seconds)",
        )

    # ---- on the event loop

    def _add(self, job: LocatingJob) -> None:
        (self._large if job.is_large else self._small).append(job)

    def _start_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self.n_running < self.limits.n_threads:
            jobs = self._next_jobs()
            if not jobs:
                return
            self.n_running += 1
            self._n_large += jobs[0].is_large
            done = loop.run_in_executor(self._pool, self._locate_jobs, jobs)
            done.add_done_callback(partial(self._settle, jobs))

    def _settle(self, jobs: list[LocatingJob], done: asyncio.Future[Any]) -> None:
        self.n_running -= 1
        self._n_large -= jobs[0].is_large
        if done.cancelled():  # the service ends
            return
        error = done.exception()
        for job, outcome in zip(jobs, [error] * len(jobs) if error else done.result()):
            if outcome is None:
                job.needs_reference = True
                self._add(job)
            else:
                job.settle(outcome)
        self._start_waiting()

    def _next_jobs(self) -> list[LocatingJob]:
        """The small requests that wait, as many as go together; else one large one.

        Small ones are searched for on one thread: those that come meanwhile are the next batch.
        """
        jobs: list[LocatingJob] = []
        n_rows = 0
        n_small = self.n_running - self._n_large
        while self._small and not n_small and n_rows + self._small[0].table.n <= SMALL_ROWS:
            job = self._small.popleft()
            if job.is_wanted:
                jobs.append(job)
                n_rows += job.table.n
        most_large = max(1, self.limits.n_threads - 1)
        while not jobs and self._large and self._n_large < most_large:
            job = self._large.popleft()
            jobs += [job] * job.is_wanted
        return jobs

    # ---- on a thread

    def _locate_jobs(self, jobs: list[LocatingJob]) -> list[DomainLocation | Exception | None]:
        """An answer to each request, or why it gets none; None for one that others must not share.

        Such a request has rows with gaps that are compared with nothing yet.
        """
        outcomes: list[Any] = [self._encoded(job.table) for job in jobs]
        for number, (job, one) in enumerate(zip(jobs, outcomes)):
            if isinstance(one, EncodedTable) and not job.is_large and not self._is_measured(one):
                outcomes[number] = None
        encoded = [one for one in outcomes if isinstance(one, EncodedTable)]
        located: Iterator[Any] = iter(self._located(encoded, jobs) if encoded else [])
        return [next(located) if isinstance(one, EncodedTable) else one for one in outcomes]

    def _is_measured(self, encoded: EncodedTable) -> bool:
        """Whether all that the rows are compared with is there."""
        fitted = self.domain.fitted_
        parts = rows_by_segment_and_pattern(encoded.segment, encoded.filled)
        return all(fitted.is_measured(columns, segment) for segment, columns, _ in parts)

    def _encoded(self, table: MixedTable) -> EncodedTable | Exception:
        fitted = self.domain.fitted_
        try:
            with own_errors("reading the rows"):
                if isinstance(table, RecordTable):
                    with contextlib.suppress(DataError):  # else what is wrong of its cells is noted
                        return encode_table(fitted, table)
                return encode_table(fitted, table.tolerant())
        except Exception as error:
            return _request_error(error)

    def _located(
        self, encoded: list[EncodedTable], jobs: list[LocatingJob]
    ) -> list[DomainLocation | Exception]:
        deadline = max(job.deadline for job in jobs)

        def stop_in_time(*_: Any) -> None:
            if monotonic() > deadline:
                raise StoppedError("the time of these requests is over")

        n_threads = max(1, cpu_count() // max(1, self.n_running))
        try:
            with limit_threads(n_threads):
                return [*locate_encoded(self.domain.fitted_, encoded, progress=stop_in_time)]
        except StoppedError:
            return [self._time_error()] * len(encoded)
        except Exception as error:
            if len(encoded) > 1:  # one of them may be what went wrong
                return [where for one in encoded for where in self._located([one], jobs)]
            return [_request_error(error)]


def _request_error(error: Exception) -> Exception:
    """What a client is told of an error; one that is a fault of ours as it is."""
    if isinstance(error, MemoryError):
        return _memory_error()
    if isinstance(error, DataError | DataTypeError) and not isinstance(error, FileError):
        return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return error


def _memory_error() -> RequestError:
    return RequestError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too little memory is free for these rows: send fewer at a time",
    )
