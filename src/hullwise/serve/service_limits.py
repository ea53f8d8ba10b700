"""What a service takes from one request, and how much it does at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._core.options import check_int
from .._core.threads import cpu_count
from ..errors import DataError

DEFAULT_MAX_ROWS = 100_000
DEFAULT_MAX_BODY = 64 * 2**20
DEFAULT_MAX_SECONDS = 30.0
DEFAULT_MAX_WAITING = 64
SENDING_SECONDS = 30.0  # that a body may take to arrive, at most


@dataclass(frozen=True, kw_only=True)
class ServiceLimits:
    """Limits of one request, and of all together.

    Parameters
    ----------
    max_rows : int
        Rows of one request; more are refused with status 413.
    max_body : int
        Bytes of one request; more are refused with status 413.
    max_seconds : float
        For the answer to one request, waiting included; status 504 where that is not enough. A body
        that takes longer to arrive, or longer than 30 s, is refused with status 408.
    threads : int, optional
        Requests that are computed at the same time; as many as there are processors by default.
    max_waiting : int
        Requests that wait for a thread; more are refused with status 503.

    Raises
    ------
    DataError
        A limit is not positive.

    Examples
    --------
    >>> from hullwise.serve import ServiceLimits
    >>> ServiceLimits(max_rows=500).max_rows
    500
    """

    max_rows: int = DEFAULT_MAX_ROWS
    max_body: int = DEFAULT_MAX_BODY
    max_seconds: float = DEFAULT_MAX_SECONDS
    threads: int | None = None
    max_waiting: int = DEFAULT_MAX_WAITING

    def __post_init__(self) -> None:
        for name in ("max_rows", "max_body", "max_waiting"):
            check_int(name, getattr(self, name), 1)
        if self.threads is not None:
            check_int("threads", self.threads, 1)
        if not 0 < self.max_seconds < float("inf"):
            raise DataError(f"max_seconds={self.max_seconds!r}: expected a positive number.")

    @property
    def n_threads(self) -> int:
        """How many requests are computed at the same time."""
        return cpu_count() if self.threads is None else self.threads

    @property
    def sending_seconds(self) -> float:
        """How long a body may take to arrive."""
        return min(self.max_seconds, SENDING_SECONDS)

    def to_dict(self) -> dict[str, Any]:
        """The limits of one request, as clients are told."""
        return {
            "max_rows": self.max_rows,
            "max_body": self.max_body,
            "max_seconds": self.max_seconds,
        }
