"""How many threads libraries take while a study runs."""

from __future__ import annotations

from typing import Any

from threadpoolctl import threadpool_limits


def single_threaded_blas() -> Any:
    """One thread for every BLAS: the work is small, and threads would wait for each other."""
    return threadpool_limits(1, user_api="blas")
