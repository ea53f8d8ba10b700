"""Rows that lie on the workers of a Dask cluster, and are asked there.

Each worker holds a shard, made from a recipe (a path and the part of it), and a pass is one task
for each shard. What comes back is merged in the order of the shards, and equal scores go to the
lowest row, so the answers are those of one array. A worker that is lost is replaced by Dask, which
makes its shard again from the recipe; one that does not answer in time is left out by us.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import PathLike, fspath
from os.path import splitext
from typing import Any

import numpy as np

from .._core.threads import limit_threads
from .._core.types import Array, Floats, Indices
from ..errors import ClusterError, DataError, FileError, HullwiseError
from .rows import Answer, ArrayRows, Rows

SHARD_ATTEMPTS = 3  # for a shard whose worker does not answer
Task = Callable[[Rows, int, Any], Any]  # of a shard, the number of its first row, and an argument


@dataclass(frozen=True, eq=False)
class ShardRecipe:
    """How a shard is made, wherever it is to be: a part of a file, which pickles as its path."""

    rows: Any
    resident: bool

    def make(self) -> Rows:
        """The shard: in memory, or read from the file in every pass."""
        if not self.resident:
            return self.rows  # type: ignore[no-any-return]
        return ArrayRows(np.array(self.rows.block(0, self.rows.n)), self.rows.columns)


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
    timeout : float
        Seconds after which a worker that has not answered is left out, and its shard made again
        on another one, twice at most.

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
        No worker, one without hullwise, or one that fails or does not answer time and again.
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
    ) -> None:
        self.path, self.timeout = fspath(path), float(timeout)
        if splitext(self.path)[1] not in (".npy", ".parquet", ""):
            raise FileError(self.path, "workers read .npy and .parquet files: save it as one")
        if not self.timeout > 0:
            raise DataError(f"timeout={timeout!r}: expected a positive number of seconds")
        self._client = _connect(scheduler) if isinstance(scheduler, str) else scheduler
        self.rounds, self.seconds = 0, 0.0
        self._silent_workers: set[str] = set()  # workers left out
        workers = self._workers()
        with _cluster_errors(self.path):
            plan = self._client.submit(
                _plan, self.path, columns, shards or len(workers), pure=False
            )
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
        with suppress(TimeoutError):
            self._client.wait_for_workers(1, timeout=min(self.timeout, 30))
        addresses = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
        if not addresses:
            raise ClusterError("the scheduler has no workers: start some with `dask worker`")
        return [w for w in addresses if w not in self._silent_workers] or addresses

    def _submit_shard(self, i: int, workers: list[str]) -> Any:
        """A shard to be, on one of these workers or, should they be lost, on any other."""
        make = self._recipes[i].make
        return self._client.submit(make, workers=workers, allow_other_workers=True, pure=False)

    def _run(self, task: Task, arguments: Mapping[int, Any], shared: Any = None) -> dict[int, Any]:
        """`task` for each shard named, where the shard is.

        Its argument is the shard's own, or the one that is `shared`, sent once to each worker.
        """
        answers: dict[int, Any] = {}
        for attempt in range(1, SHARD_ATTEMPTS + 1):
            with _cluster_errors(self.path):
                late = self._run_once(task, arguments, shared, answers)
            if not late:
                return answers
            if attempt < SHARD_ATTEMPTS:
                self._move_shards(late)
        raise ClusterError(
            f"shard {late[0]} of {self.path} did not answer within {self.timeout:g} s, "
            f"{SHARD_ATTEMPTS} times: raise timeout=, or use more workers or shards"
        )

    def _run_once(
        self, task: Task, arguments: Mapping[int, Any], shared: Any, answers: dict[int, Any]
    ) -> list[int]:
        """Collect what comes in time, and say which shards did not."""
        from distributed import wait

        # held by one worker, from which the others fetch it; made again if that one is lost
        anywhere = {"workers": self._workers(), "allow_other_workers": True, "pure": False}
        sent = None if shared is None else self._client.submit(_identity, shared, **anywhere)
        waiting = {
            i: self._client.submit(
                *(_run_on_shard, self._shards[i], int(self.starts[i]), task),
                arguments[i] if sent is None else sent,
                pure=False,
            )
            for i in arguments
            if i not in answers
        }
        try:
            with self._client.as_current(), suppress(TimeoutError):
                wait(list(waiting.values()), timeout=self.timeout)
            answers |= {i: one.result() for i, one in waiting.items() if one.done()}
            return [i for i in waiting if i not in answers]
        finally:
            self._client.cancel([one for one in waiting.values() if not one.done()], force=True)

    def _move_shards(self, late: list[int]) -> None:
        """Leave out the workers that are silent, and make their shards on others."""
        workers_info = self._client.scheduler_info(n_workers=-1)["workers"]
        latest = max(worker["last_seen"] for worker in workers_info.values())
        self._silent_workers |= {
            w for w in workers_info if latest - workers_info[w]["last_seen"] > self.timeout / 2
        }
        workers = self._workers()
        for number, i in enumerate(late):
            self._shards[i] = self._submit_shard(i, [workers[number % len(workers)]])

    def __repr__(self) -> str:
        return (
            f"ClusterRows({self.n:,} x {self.d:,} {self.dtype} in {len(self._shards)} shards of "
            f"{self.path})"
        )

    def __getstate__(self) -> dict[str, Any]:
        raise ClusterError("rows on a cluster cannot be pickled: connect again where they are used")


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(
            "a cluster needs Dask: pip install 'hullwise[cluster]', here and on the workers"
        ) from None
    try:
        return Client(address, timeout=10, set_as_default=False)
    except Exception as error:  # whatever listens there may answer anything
        raise ClusterError(
            f"no scheduler answers at {address!r} ({error}): start one with `dask scheduler`"
        ) from None


@contextmanager
def _cluster_errors(path: str) -> Iterator[None]:
    """What can go wrong on the way to the workers, as a sentence."""
    try:
        yield
    except HullwiseError:
        raise
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"a worker has no module {error.name!r}: install the same hullwise on each of them"
        ) from None
    except Exception as error:
        if not type(error).__module__.startswith("distributed"):
            raise
        raise ClusterError(
            f"{path}: the workers failed ({type(error).__name__}: {error}); look at their logs"
        ) from None


def _plan(path: str, columns: Sequence[str] | None, shards: int) -> tuple[Any, ...]:
    """The parts of the file, where each begins, and what a cloud must know of the rows."""
    from .file_rows import open_rows

    rows: Any = open_rows(path, columns)
    parts = rows.parts(shards)
    starts = [0, *np.cumsum([part.n for part in parts]).tolist()]
    return parts, starts, rows.d, rows.dtype, rows.columns


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
