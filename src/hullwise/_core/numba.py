"""The decorators of compiled kernels, and what becomes of them where nothing can be kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache

from ..errors import DataWarning

__all__ = ["inlined", "jit", "subkernel", "uncounted"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def jit(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a kernel on its first call; it runs without the GIL and is kept on disk.

    Where no folder can keep it (an installation that cannot be written and no home folder, a full
    disk) it is compiled in memory, in each process anew, and one warning for all kernels says so.
    """
    return _compiled(kernel, called_from_python=True)


def subkernel(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same for a function that only kernels call: compiling its entry for Python is spared."""
    return _compiled(kernel, called_from_python=False)


def uncounted(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A subkernel that makes no array and counts no references to those that it is given.

    For many short steps on many arrays: counting, twice for each array that such a step takes, may
    cost more than the steps.
    """
    return _compiled(kernel, called_from_python=False, counts_references=False)


def _compiled(
    kernel: Callable[Arguments, Result], called_from_python: bool, counts_references: bool = True
) -> Callable[Arguments, Result]:
    dispatcher = njit(
        _nrt=counts_references,
        nogil=True,
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_cpython_wrapper=not called_from_python,
    )(kernel)
    if hasattr(dispatcher, "_cache"):  # not with NUMBA_DISABLE_JIT
        dispatcher._cache = _KernelCache(kernel)
    return cast(Callable[Arguments, Result], dispatcher)


def inlined(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make a function part of the kernels that call it: it is compiled with them, not by itself.

    For what one kernel calls in one place; compiling it twice would take twice as long.
    """
    inline = njit(nogil=True, error_model="numpy", inline="always")(kernel)
    return cast(Callable[Arguments, Result], inline)


def _accept_read_only(locator: Any) -> None:
    """In place of numba's check that a cache folder can be written."""
    if not os.path.isdir(locator.get_cache_path()):
        raise FileNotFoundError(locator.get_cache_path())


class _ReadyMadeImpl(CompileResultCacheImpl):  # type: ignore[misc]
    """Where kernels were compiled before, in NUMBA_CACHE_DIR or beside their source."""

    _locator_classes: ClassVar[list[Any]] = [
        type(locator.__name__, (locator,), {"ensure_cache_path": _accept_read_only})
        for locator in CompileResultCacheImpl._locator_classes[:2]
    ]


class _ReadyMadeCache(FunctionCache):  # type: ignore[misc]
    """A cache that is only read: that of an image, made as another user, cannot be written."""

    _impl_class = _ReadyMadeImpl


class _KernelCache:
    """Numba's cache of one kernel on disk; its failures cost time and never the answer."""

    warned: ClassVar[bool] = False  # once in a process, for all kernels

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self.files: FunctionCache | None = None
        self.ready_made: FunctionCache | None = None
        with suppress(RuntimeError, OSError):  # no locator available
            self.files = FunctionCache(kernel)
        with suppress(RuntimeError, OSError):
            self.ready_made = _ReadyMadeCache(kernel)

    @property
    def cache_path(self) -> str | None:
        cache = self.files or self.ready_made
        return None if cache is None else str(cache.cache_path)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled kernel for these types, None where it has to be compiled."""
        for cache in (self.files, self.ready_made):
            if cache is None:
                continue
            try:
                compiled = cache.load_overload(signature, target_context)
            except Exception:  # a damaged file: whatever pickle raises
                if cache is self.files:
                    self._start_anew()
                continue
            if compiled is not None:
                return compiled
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled kernel where that is possible, else say once that it is not."""
        problem = "no folder for it can be written"
        if self.files is not None:
            try:
                self.files.save_overload(signature, compiled)
                return
            except OSError as error:
                problem = error.strerror or str(error)
            except Exception as error:  # whatever pickle raises
                problem = str(error)
        if not _KernelCache.warned:
            _KernelCache.warned = True
            warnings.warn(
                f"Compiled code cannot be kept ({problem}): it is compiled anew in each process. "
                "Set NUMBA_CACHE_DIR to a folder that can be written.",
                DataWarning,
                stacklevel=2,
            )

    def flush(self) -> None:
        """Forget what is on disk."""
        if self.files is not None:
            self.files.flush()

    def _start_anew(self) -> None:
        with suppress(OSError):  # said when the kernel, compiled anew, cannot be kept
            self.flush()
