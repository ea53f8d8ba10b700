"""The one decorator of compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def jit(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a kernel on its first call; it runs without the GIL and is kept on disk."""
    compile_ = njit(nogil=True, cache=True, error_model="numpy")
    return cast(Callable[Arguments, Result], compile_(kernel))
