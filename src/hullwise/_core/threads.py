"""Python threads over blocks, with the BLAS held to one thread each.

Two threads of ours and two of the BLAS on two cores would fight; one block per thread and a
single-threaded product reach the rate of the threaded one and leave the arg-max parallel too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  (loads SciPy's own BLAS, so that the limit reaches it)
from threadpoolctl import ThreadpoolController

_lock = Lock()
_holders = 0
_limit: Any = None


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _forget() -> None:
    """A forked child has none of its parent's callers, and must not wait for their lock."""
    global _holders, _limit, _lock
    _lock = Lock()
    if _holders:
        _holders = 0
        _limit.restore_original_limits()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold every BLAS to one thread while at least one caller is inside.

    The setting is the process's, so callers are counted: the first one in sets it and the last
    one out restores it, whatever the order in which they leave.
    """
    global _holders, _limit
    with _lock:
        _holders += 1
        if _holders == 1:
            _limit = _controller().limit(limits=1, user_api="blas")
            _limit.__enter__()
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _limit.__exit__(None, None, None)


_most: ContextVar[int | None] = ContextVar("_most", default=None)


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Let what the caller does take so many processors and no more."""
    token = _most.set(threads)
    try:
        yield
    finally:
        _most.reset(token)


def cores() -> int:
    """Processors this process may use."""
    known = hasattr(os, "sched_getaffinity")
    have = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    return min(have, _most.get() or have)


class Stop:
    """Says that the work is to end; kernels, which know no Python objects, look at `flag`."""

    def __init__(self) -> None:
        self.flag = np.zeros(1, dtype=np.uint8)

    def is_set(self) -> bool:
        return bool(self.flag[0])

    def set(self) -> None:
        self.flag[0] = 1


def for_each(task: Callable[[Any, Stop], None], items: Iterable[Any], threads: int) -> None:
    """Run `task(item, stop)` for every item on a few threads; the first error is raised.

    A task looks at `stop` between its own steps, so that Ctrl-C ends the work within one step
    and leaves no thread behind. With one thread tasks run in the caller's own, which hears of
    Ctrl-C between them only: a long kernel needs two, be there one processor or one item.
    """
    queue = list(items)
    stop = Stop()

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
            for done in [pool.submit(guarded, item) for item in queue]:
                done.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
