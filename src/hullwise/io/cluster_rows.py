"""Rows that lie on the workers of a Dask cluster, and are asked there.

Each worker holds a shard, made from a recipe (a path and the part of it), and a pass is one task
for each shard. What comes back is merged in the order of the shards, and equal scores go to the
lowest row, so the answers are those of one array. A worker that is lost is replaced by Dask, which
makes its shard again from the recipe; one that does not answer in time is left out by us.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike, fsdecode
from os.path import splitext
from typing import Any

import numpy as np

from .._core.threads import limit_threads
from .._core.types import Array, Floats, Indices
from ..errors import ClusterError, DataError, FileError
from ._cluster_client import call_within, cluster_errors, open_client, require_connection
from .rows import Answer, ArrayRows, Rows

SHARD_ATTEMPTS = 3  # for a shard whose worker does not answer
LIVENESS_SECONDS = 2.0  # between two looks at whether there are workers at all
POLL_SECONDS = 0.25
Task = Callable[[Rows, int, Any], Any]  # of a shard, the number of its first row, and an argument


@dataclass(frozen=True, eq=False)
class ShardRecipe:
    """How a shard is made, wherever it is to be: pickled rows of a part of a file.

    They stay pickled here, where the file need not be seen; where they are unpickled, it must be
    the file that it was.
    """

    rows: bytes
    resident: bool

    def make(self) -> Rows:
        """The shard: in memory, or read from the file in every pass."""
        rows: Rows = pickle.loads(self.rows)
        if not self.resident:
            return rows
        return ArrayRows(np.array(rows.block(0, rows.n)), rows.columns)


class ClusterRows:
    """Rows of a file, in shards on the workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str or distributed.Client
        The scheduler's address, such as "tcp://10.0.0.1:8786".
    path : str or path
        A ``.npy`` or ``.parquet`` file, or a folder of the latter, that every worker can read
        under this name.
    columns : sequence of str, optional
        The features of a Parquet file, in this order; all columns unless told.
    shards : int, optional
        Into how many parts to cut it: one for each worker unless told. The answers do not depend
        on it.
    resident : bool
        Whether workers keep their shards in memory. If not, they read them in every pass.
    timeout : float, default=300
        Seconds after which a worker that has not answered and gives no sign of life is left out,
        and its shard made again on another one. A call takes three times as long at most.
    connect_timeout : float, default=30
        Seconds in which the scheduler must answer (10 at first: an address may be wrong), and in
        which it must have a worker: when this object is made, and later, when all are gone.

    Attributes
    ----------
    n, d, dtype, columns
        As of all `Rows`.
    starts : (shards + 1,) intp
        The first row of each shard, and n.
    rounds, seconds : int, float
        How often the shards were asked, and how long they took in all.

    Raises
    ------
    ClusterError
        No scheduler, no worker, one without hullwise, or one that fails or does not answer; within
        `connect_timeout` or three times `timeout`. A closed client, or a cluster in its place.
    FileError
        A file that the workers cannot read.

    Notes
    -----
    A pass sends the B directions once to each worker, and O(B) numbers come back from each shard.
    Memory of a worker: its share of the file and one block of rows for each of its threads.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = hw.ClusterRows("tcp://10.0.0.1:8786", "/data/seen.parquet")  # doctest: +SKIP
    >>> hw.locate(hw.Cloud(rows), "new.csv")  # doctest: +SKIP
    """

    seekable = False

    def __init__(
        self,
        scheduler: Any,
        path: str | PathLike[str],
        *,
        columns: Sequence[str] | None = None,
        shards: int | None = None,
        resident: bool = True,
        timeout: float = 300.0,
        connect_timeout: float = 30.0,
    ) -> None:
        self.path = fsdecode(path)
        self.timeout, self.connect_timeout = float(timeout), float(connect_timeout)
        if splitext(self.path)[1] not in (".npy", ".parquet", ""):
            raise FileError(self.path, "workers read .npy and .parquet files: save it as one")
        for option in ("timeout", "connect_timeout"):
            if not 0 < getattr(self, option) < np.inf:
                raise DataError(f"{option} must be a positive number of seconds")
        self._client = open_client(scheduler, self.connect_timeout)
        self.rounds, self.seconds = 0, 0.0
        self._silent_workers: set[str] = set()  # workers left out
        with cluster_errors(self.path):
            workers = self._workers()
            plan = self._client.submit(
                _plan, self.path, columns, shards or len(workers), pure=False
            )
            self._await([plan], SHARD_ATTEMPTS * self.timeout)
            if not plan.done():
                raise ClusterError(f"{self.path}: no worker has read it within {self.timeout:g} s")
            parts, starts, self.d, self.dtype, self.columns = plan.result(self.timeout)
        self.starts = np.asarray(starts, dtype=np.intp)
        self.n = int(self.starts[-1])
        self._recipes = [ShardRecipe(part, resident) for part in parts]
        self._shards = [
            self._submit_shard(i, [workers[i % len(workers)]]) for i in range(len(self._recipes))
        ]

    def ask(self, question: Callable[[Rows, int], Answer]) -> list[Answer]:
        """What each shard answers, in their order."""
        began = time.monotonic()
        answers = self._run(_answer, dict.fromkeys(range(len(self._shards))), question)
        self.rounds, self.seconds = self.rounds + 1, self.seconds + time.monotonic() - began
        return [answers[i] for i in range(len(self._shards))]

    def block(self, start: int, stop: int) -> Array:
        """Rows start to stop, brought here."""
        first = [max(start - int(a), 0) for a in self.starts[:-1]]
        last = [min(stop, int(b)) - int(a) for a, b in zip(self.starts, self.starts[1:])]
        arguments = {i: (a, b) for i, (a, b) in enumerate(zip(first, last)) if a < b}
        answers = self._run(_block, arguments)
        parts = [answers[i] for i in sorted(arguments)]
        return np.concatenate(parts) if parts else np.empty((0, self.d), self.dtype)

    def take(self, rows: Indices) -> Floats:
        """The given rows, brought here: one task for each shard that holds some."""
        rows = np.asarray(rows, dtype=np.intp)
        which = np.searchsorted(self.starts, rows, side="right") - 1
        arguments = {int(i): rows[which == i] - self.starts[i] for i in np.unique(which)}
        out = np.empty((len(rows), self.d))
        for i, values in self._run(_take, arguments).items():
            out[which == i] = values
        return out

    def _workers(self) -> list[str]:
        """Addresses, in an order that is the same every time."""
        deadline = time.monotonic() + self.connect_timeout
        while not (addresses := sorted(self._last_seen())):
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"the scheduler has had no workers for {self.connect_timeout:g} s: start some "
                    "with `dask worker`"
                )
            time.sleep(POLL_SECONDS)
        return [w for w in addresses if w not in self._silent_workers] or addresses

    def _last_seen(self) -> dict[str, float]:
        """When each worker was last seen by the scheduler."""
        require_connection(self._client)
        try:
            info = call_within(
                self.connect_timeout, lambda: self._client.scheduler_info(n_workers=-1)
            )
        except TimeoutError:
            raise ClusterError(
                f"the scheduler has not answered for {self.connect_timeout:g} s"
            ) from None
        require_connection(self._client)
        return {w: worker["last_seen"] for w, worker in info.get("workers", {}).items()}

    def _submit_shard(self, i: int, workers: list[str]) -> Any:
        """A shard to be, on one of these workers or, should they be lost, on any other."""
        make = self._recipes[i].make
        return self._client.submit(make, workers=workers, allow_other_workers=True, pure=False)

    def _run(self, task: Task, arguments: Mapping[int, Any], shared: Any = None) -> dict[int, Any]:
        """`task` for each shard named, where the shard is.

        Its argument is the shard's own, or the one that is `shared`, sent once to each worker.
        """
        answers: dict[int, Any] = {}
        waiting: dict[int, Any] = {}
        with cluster_errors(self.path):
            try:
                for attempt in range(SHARD_ATTEMPTS):
                    if attempt:
                        self._leave_out_silent(waiting)
                    self._submit_missing(task, arguments, shared, answers, waiting)
                    self._await(list(waiting.values()), self.timeout)
                    for i in [i for i, future in waiting.items() if future.done()]:
                        answers[i] = waiting.pop(i).result(self.timeout)
                    if not waiting:
                        return answers
            finally:
                self._cancel(waiting.values())
        raise ClusterError(
            f"shard {min(waiting)} of {self.path} has not answered within {SHARD_ATTEMPTS} x "
            f"{self.timeout:g} s: raise timeout=, or use more workers or shards"
        )

    def _submit_missing(
        self,
        task: Task,
        arguments: Mapping[int, Any],
        shared: Any,
        answers: Mapping[int, Any],
        waiting: dict[int, Any],
    ) -> None:
        """Put the question to the shards that neither have answered nor are at it."""
        # held by one worker, from which the others fetch it; made again if that one is lost
        anywhere = {"workers": self._workers(), "allow_other_workers": True, "pure": False}
        sent = None if shared is None else self._client.submit(_identity, shared, **anywhere)
        for i, argument in arguments.items():
            if i not in answers and i not in waiting:
                start = int(self.starts[i])
                waiting[i] = self._client.submit(
                    *(_run_on_shard, self._shards[i], start, task),
                    argument if sent is None else sent,
                    pure=False,
                )

    def _await(self, futures: list[Any], seconds: float) -> None:
        """Return when all are done or the time is over; raise when all workers are gone."""
        from distributed import wait

        deadline = time.monotonic() + seconds
        pending = futures
        while pending := [future for future in pending if not future.done()]:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            with self._client.as_current(), suppress(TimeoutError):
                wait(pending, timeout=min(left, LIVENESS_SECONDS), return_when="FIRST_COMPLETED")
            if not all(future.done() for future in pending):
                self._workers()

    def _leave_out_silent(self, waiting: dict[int, Any]) -> None:
        """Leave out workers that give no sign of life, and make late shards on others.

        What a worker that lives is still at goes on: it is only slow.
        """
        last_seen = self._last_seen()
        latest = max(last_seen.values(), default=0.0)
        silent = {w for w, at in last_seen.items() if latest - at > self.timeout / 2}
        self._silent_workers |= silent
        if not silent:
            return
        self._cancel(waiting.values())
        workers = self._workers()
        for number, i in enumerate(sorted(waiting)):
            self._shards[i] = self._submit_shard(i, [workers[number % len(workers)]])
        waiting.clear()

    def _cancel(self, futures: Iterable[Any]) -> None:
        late = [future for future in futures if not future.done()]
        if late and self._client.status == "running":
            with suppress(Exception):  # of a scheduler that is gone nothing need be taken back
                call_within(POLL_SECONDS, lambda: self._client.cancel(late, force=True))

    def __repr__(self) -> str:
        return (
            f"ClusterRows({self.n:,} x {self.d:,} {self.dtype} in {len(self._shards)} shards of "
            f"{self.path})"
        )

    def __getstate__(self) -> dict[str, Any]:
        raise ClusterError("rows on a cluster cannot be pickled: connect again where they are used")


def _plan(path: str, columns: Sequence[str] | None, shards: int) -> tuple[Any, ...]:
    """The parts of the file, where each begins, and what a cloud must know of the rows."""
    from .file_rows import open_rows

    rows: Any = open_rows(path, columns)
    parts = rows.parts(shards)
    starts = [0, *np.cumsum([part.n for part in parts]).tolist()]
    return [pickle.dumps(part) for part in parts], starts, rows.d, rows.dtype, rows.columns


def _run_on_shard(shard: Rows, start: int, task: Task, argument: Any) -> Any:
    from distributed import get_worker

    with limit_threads(get_worker().state.nthreads):
        return task(shard, start, argument)


def _identity(shared: Any) -> Any:
    return shared


def _answer(shard: Rows, start: int, question: Any) -> Any:
    return question(shard, start)


def _block(shard: Rows, start: int, span: tuple[int, int]) -> Array:
    return np.ascontiguousarray(shard.block(*span))


def _take(shard: Rows, start: int, rows: Indices) -> Floats:
    return shard.take(rows)
