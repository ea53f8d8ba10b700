"""Python threads over blocks, with the BLAS held to one thread each.

Two threads of ours and two of the BLAS on two cores would fight; one block per thread and a
single-threaded product reach the rate of the threaded one and leave the arg-max parallel too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  (loads SciPy's own BLAS, so that the limit reaches it)
from threadpoolctl import ThreadpoolController

from ..errors import DataError

THREADS_VARIABLE = "HULLWISE_THREADS"
NO_THREAD_LIMIT = 1 << 20
CPU_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
_lock = Lock()
_n_callers = 0
_blas_limit: Any = None


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _reset_after_fork() -> None:
    """A forked child has none of its parent's callers, and must not wait for their lock."""
    global _n_callers, _blas_limit, _lock
    _lock = Lock()
    if _n_callers:
        _n_callers = 0
        _blas_limit.restore_original_limits()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold every BLAS to one thread while at least one caller is inside.

    The setting is the process's, so callers are counted: the first one in sets it and the last
    one out restores it, whatever the order in which they leave.
    """
    global _n_callers, _blas_limit
    with _lock:
        _n_callers += 1
        if _n_callers == 1:
            _blas_limit = _controller().limit(limits=1, user_api="blas")
            _blas_limit.__enter__()
    try:
        yield
    finally:
        with _lock:
            _n_callers -= 1
            if _n_callers == 0:
                _blas_limit.__exit__(None, None, None)


_thread_limit: ContextVar[int | None] = ContextVar("_thread_limit", default=None)


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let what the caller does take so many processors and no more."""
    token = _thread_limit.set(threads)
    try:
        yield
    finally:
        _thread_limit.reset(token)


def cpu_count() -> int:
    """Processors this process may use: fewer where HULLWISE_THREADS or a container's quota says."""
    has_affinity = hasattr(os, "sched_getaffinity")
    n_cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(n_cores, _thread_limit.get() or n_cores, requested_threads(), _quota() or n_cores)


def requested_threads() -> int:
    """What HULLWISE_THREADS asks for; very many where it is not set.

    Raises
    ------
    DataError
        It is no whole number of at least 1.
    """
    text = os.environ.get(THREADS_VARIABLE, "").strip()
    if not text:
        return NO_THREAD_LIMIT
    if not text.isdecimal() or int(text) < 1:
        raise DataError(f"{THREADS_VARIABLE}={text!r}: expected a whole number of at least 1.")
    return int(text)


@cache
def _quota() -> int | None:
    """Processors that the control group of this process may use, rounded up; None for no limit."""
    with suppress(OSError, ValueError):
        quota, period = CPU_QUOTA_FILE.read_text().split()
        if quota != "max":
            return max(1, -(-int(quota) // int(period)))
    return None


class KeyedLocks:
    """A lock for each key, made when it is first asked for; copies and pickles start without any.

    Examples
    --------
    >>> locks = KeyedLocks()
    >>> locks.lock("a") is locks.lock("a"), locks.lock("a") is locks.lock("b")
    (True, False)
    """

    def __init__(self) -> None:
        self._locks: dict[Hashable, Lock] = {}

    def lock(self, key: Hashable) -> Lock:
        """The lock of a key."""
        return self._locks.setdefault(key, Lock())

    def __reduce__(self) -> tuple[type[KeyedLocks], tuple[()]]:
        return KeyedLocks, ()


class StopFlag:
    """Set, by any thread, when work is to end; it stays set.

    Kernels, which know no Python objects, look at `flag`.

    Examples
    --------
    >>> stop = StopFlag()
    >>> stop.set()
    >>> stop.is_set()
    True
    """

    def __init__(self) -> None:
        self.flag = np.zeros(1, dtype=np.uint8)

    def is_set(self) -> bool:
        """Whether it was set."""
        return bool(self.flag[0])

    def set(self) -> None:
        """End the work that looks at it."""
        self.flag[0] = 1


def run_in_threads(
    task: Callable[[Any, StopFlag], None],
    items: Iterable[Any],
    threads: int,
    stop: StopFlag | None = None,
) -> None:
    """Run `task(item, stop)` for every item on a few threads; the first error is raised.

    A task looks at `stop` between its own steps, so that Ctrl-C ends the work within one step
    and leaves no thread behind. With one thread tasks run in the caller's own, which hears of
    Ctrl-C between them only: a long kernel needs two, be there one processor or one item.
    """
    queue = list(items)
    stop = StopFlag() if stop is None else stop

    def guarded(item: Any) -> None:
        try:
            task(item, stop)
        except BaseException:
            stop.set()
            raise

    if threads == 1:
        for item in queue:
            task(item, stop)
        return
    with ThreadPoolExecutor(min(threads, max(1, len(queue)))) as pool:
        try:
            for future in [pool.submit(guarded, item) for item in queue]:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
