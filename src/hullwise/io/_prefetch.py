"""Groups of rows, read shortly before they are needed and held while they are.

Several threads walk through the groups, each through its own spans of rows and in order. Where a
thread is in group g, the next groups are read and decoded in the background. A group is held until
all its rows have been handed out: a span may end in the middle of a group and the next one, which
another thread walks, begin there. So a pass reads each group once.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Array


@dataclass(eq=False)
class _Slot:
    """One group: its rows, or the promise of them."""

    rows: Future[Array]
    used: int = 0  # rows handed out
    begun: bool = False  # the first row is one of them
    last_pass: int = 0


class RowGroupCache:
    """Groups 0, 1, ... of rows, as `load` makes them.

    Parameters
    ----------
    load : callable
        ``load(g)`` makes group g. It is called from several threads at once, and must not refer to
        what holds this object.
    sizes : sequence of int
        Rows of each group.
    room : int
        Groups held at most, those being read included.
    ahead : int
        Groups read ahead of each walker, and threads that do so.
    """

    def __init__(
        self, load: Callable[[int], Array], sizes: Sequence[int], room: int, ahead: int
    ) -> None:
        self.room = room
        self._load, self._sizes, self._ahead = load, sizes, ahead
        self._finalizer: Any = None
        self._reset()

    def _reset(self) -> None:
        """Nothing held, no thread: so it begins, and again in a forked child."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._slots: dict[int, _Slot] = {}  # least recently used first
        self._begun = np.zeros(len(self._sizes), dtype=np.int64)
        self._clock = 0
        self._pool: ThreadPoolExecutor | None = None
        if self._finalizer is not None:
            self._finalizer.detach()

    def peek(self, g: int) -> Array | None:
        """Group g if it happens to be held."""
        if self._pid != os.getpid():
            return None
        with self._lock:  # or it might just be taken over from the queue
            slot = self._slots.get(g)
            if slot is None or not slot.rows.done() or slot.rows.exception() is not None:
                return None
            return slot.rows.result()

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, g: int, start: int, stop: int) -> Array:
        """Group g, of which rows start to stop (counted in the group) are about to be used.

        What `load` raises is raised here, be it in this thread or in another one.
        """
        if self._pid != os.getpid():
            self._reset()
        while True:
            with self._lock:
                slot, is_owner = self._claim_slot(g)
                self._mark_used(g, slot, start, stop)
                self._request_next(g, slot)
            rows = slot.rows
            try:
                return self._load_into(g, rows) if is_owner else rows.result()
            except CancelledError:  # whoever read it was interrupted, this thread was not
                self._discard(g, rows)
            except Exception:
                self._discard(g, rows)
                raise
            finally:
                del slot, rows  # an error must not hold what it is held by

    def _claim_slot(self, g: int) -> tuple[_Slot, bool]:
        """The slot of group g, and whether this thread is the one to read it."""
        slot = self._slots.pop(g, None)
        # What was asked for ahead but not begun is read here.
        is_owner = slot is None or slot.rows.cancel()
        if slot is None:
            self._make_room(self.room, force=True)
            slot = _Slot(Future())
        elif is_owner:
            slot.rows = Future()
        if is_owner:
            slot.rows.set_running_or_notify_cancel()
        self._slots[g] = slot
        return slot, is_owner

    def _mark_used(self, g: int, slot: _Slot, start: int, stop: int) -> None:
        self._clock += start == 0
        slot.last_pass = self._clock
        if slot.used >= self._sizes[g]:
            slot.used, slot.begun = 0, False  # another pass
        slot.used += stop - start
        if start == 0:
            slot.begun = True
            self._begun[g] += 1

    def _load_into(self, g: int, rows: Future[Array]) -> Array:
        try:
            values = self._load(g)
            rows.set_result(values)
            return values
        except Exception as error:
            rows.set_exception(error)
            raise
        except BaseException:
            rows.set_exception(CancelledError())
            raise
        finally:
            del rows

    def _discard(self, g: int, rows: Future[Array]) -> None:
        with self._lock:
            slot = self._slots.get(g)
            if slot is not None and slot.rows is rows:
                del self._slots[g]

    def _make_room(self, room: int, force: bool = False) -> bool:
        """Let go what all rows have been handed out of, or what a whole pass went by without."""
        while len(self._slots) >= room:
            oldest = self._clock - len(self._sizes)
            evictable = (
                g
                for g, slot in self._slots.items()
                if slot.rows.done() and (slot.used >= self._sizes[g] or slot.last_pass < oldest)
            )
            g = next(evictable, -1)
            if g < 0:
                if not force:
                    return False
                g = next((g for g, s in self._slots.items() if s.rows.done()), -1)
                if g < 0:
                    return True  # all are being read: one more than there is room for
            del self._slots[g]
        return True

    def _request_next(self, g: int, slot: _Slot) -> None:
        """Have the next groups read, but for those that another thread had in this pass."""
        for h in range(g + 1, min(g + 1 + self._ahead, len(self._sizes))):
            if slot.begun and self._begun[h] >= self._begun[g]:
                return
            if h in self._slots:
                continue
            # one place is left to whoever needs a group now
            if not self._make_room(self.room - 1):
                return
            with suppress(RuntimeError):  # no new threads while the interpreter ends
                self._slots[h] = _Slot(self._submit(h), last_pass=self._clock)

    def _submit(self, h: int) -> Future[Array]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._ahead, thread_name_prefix="hullwise-prefetch")
            # what is queued for rows that nobody holds any more is not worth reading
            stop = self._pool.shutdown
            self._finalizer = weakref.finalize(self, stop, wait=False, cancel_futures=True)
        return self._pool.submit(self._load, h)


class GatherCache:
    """Single rows that were read lately, as float64: up to `max_bytes` bytes of them.

    Rows asked for once are soon asked for again, and each may cost a whole group.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._batches: tuple[tuple[NDArray[np.intp], Array], ...] = ()  # the latest first

    def fill_known(self, rows: NDArray[np.intp], out: Array) -> NDArray[np.intp]:
        """Write the stored rows into `out`; the places of those that are not stored."""
        missing = np.arange(len(rows))
        for stored_rows, values in self._batches:
            at = np.minimum(np.searchsorted(stored_rows, rows[missing]), len(stored_rows) - 1)
            hit = stored_rows[at] == rows[missing]
            out[missing[hit]] = values[at[hit]]
            missing = missing[~hit]
        return missing

    def store(self, rows: NDArray[np.intp], values: Array) -> None:
        if not len(rows) or values.nbytes > self._max_bytes:
            return
        stored_rows, first = np.unique(rows, return_index=True)
        batches, size = [(stored_rows, values[first])], values.nbytes
        for batch in self._batches:
            size += batch[1].nbytes
            if size > self._max_bytes:
                break
            batches.append(batch)
        self._batches = tuple(batches)
