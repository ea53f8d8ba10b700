"""The one thread that trains and slices, for all pages in turn."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import torch

from .._core.compilation import compile_ahead
from .._core.threads import single_threaded_blas
from .configuration import UNIT_NAMES, Configuration
from .messages import Message
from .session import Session

__all__ = ["Worker"]

logger = logging.getLogger("hullwise")
COMPILING = (
    "The kernels are being compiled, once on this machine: the picture comes in some ten seconds."
)


class Worker(threading.Thread):
    """Advances the sessions that have something to do, one frame each in turn.

    PyTorch and the BLAS get one thread each while it runs, and theirs back when it ends: beside
    training they would only wait for each other.
    """

    def __init__(self) -> None:
        super().__init__(name="hullwise-play", daemon=True)
        self.is_compiling = False
        self._sessions: list[Session] = []
        self._wakeful = threading.Condition()
        self._stopping = False
        self._signalled = False

    def add(self, session: Session) -> None:
        """Serve one more page."""
        with self._wakeful:
            self._sessions = [*self._sessions, session]
            if self.is_compiling:
                session.post_status("compiling", COMPILING)
        self.wake()

    def remove(self, session: Session) -> None:
        """The page is gone."""
        with self._wakeful:
            self._sessions = [one for one in self._sessions if one is not session]

    def wake(self) -> None:
        """There may be work."""
        with self._wakeful:
            self._signalled = True
            self._wakeful.notify()

    def stop(self) -> None:
        """End after the frame at work; returns at once."""
        with self._wakeful:
            self._stopping = True
            self._wakeful.notify()

    def run(self) -> None:
        """The thread's work."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with single_threaded_blas():
                rounds = warm_up()
                while not self._stopping:
                    is_warm = self._warm_up(rounds)
                    seconds = self._take_turn()
                    self._wait(seconds if is_warm else 0.0)
        finally:
            torch.set_num_threads(threads)

    def _take_turn(self) -> float | None:
        """Advance every session that is due once; seconds until the next is, None for none."""
        with self._wakeful:
            sessions, self._signalled = self._sessions, False
        waits = []
        for session in sessions:
            now = perf_counter()
            due = session.seconds_until_due(now)
            if due == 0.0 and not self._stopping:
                self._advance(session, now)
                due = session.seconds_until_due(perf_counter())
            if due is not None:
                waits.append(due)
        return min(waits, default=None)

    def _wait(self, seconds: float | None) -> None:
        """Until something may be due; no session is held on to meanwhile."""
        with self._wakeful:
            if not self._signalled and not self._stopping and seconds != 0.0:
                self._wakeful.wait(seconds)

    def _warm_up(self, rounds: Iterator[None]) -> bool:
        """One round; True where there are no more."""
        try:
            self._compile_first(lambda: next(rounds))
        except StopIteration:
            return True
        except Exception:  # the first page meets it again, and hears of it
            logger.exception("the kernels cannot be compiled ahead")
            return True
        return False

    def _compile_first(self, work: Callable[[], None]) -> None:
        """Run work that may compile kernels, and tell all pages while it does."""
        try:
            compile_ahead(work, self._say_compiling)
        finally:
            if self.is_compiling:
                with self._wakeful:
                    self.is_compiling, sessions = False, self._sessions
                for session in sessions:
                    session.post_state()

    def _say_compiling(self) -> None:
        with self._wakeful:
            self.is_compiling, sessions = True, self._sessions
        for session in sessions:
            session.post_status("compiling", COMPILING)

    def _advance(self, session: Session, now: float) -> None:
        try:
            self._compile_first(lambda: session.advance(now))
        except Exception as error:
            logger.exception("a page failed")
            session.recover(error)


def warm_up() -> Iterator[None]:
    """Train, draw and read a small network that nobody sees: what it needs is then compiled.

    The least first, so that pages have a picture; what is off until it is chosen, such as the
    simplex, is compiled then.
    """
    value: dict[str, Any] = {"layers": [{"width": 8}, {"width": 8}], "rows": 50}
    units = {"layers": [{"width": 3, "unit": unit} for unit in UNIT_NAMES]}
    forward = {"gradient": "forward", "inputs": ["x", "y", "x2"]}
    rounds: tuple[list[Message], ...] = (
        [{"type": "step"}],
        [{"type": "probe", "point": [0, 0]}, {"type": "line", "from": [0, 0], "to": [1, 1]}],
        [{"type": "configure", "configuration": value | units}, {"type": "step"}],
        [{"type": "configure", "configuration": value | forward}, {"type": "step"}],
    )
    session = Session(Configuration.from_json(value), lambda data: None, lambda: None)
    for messages in rounds:
        for message in messages:
            session.receive(message)
        session.advance(perf_counter())
        session.acknowledge(session.frame_number)
        yield
