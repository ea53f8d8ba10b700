"""Compiling kernels ahead, so that no later call is slow for it.

Numba keeps what it compiles in a cache folder: beside each file, or in the user's own cache
folder where that cannot be written, or where NUMBA_CACHE_DIR says. Only the first run compiles.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from numba.core import event

if TYPE_CHECKING:  # numba has no types

    class Listener:
        """What numba tells its events to."""
else:
    from numba.core.event import Listener

__all__ = ["CompileListener", "cache_folders", "compile_ahead"]


def compile_ahead(
    work: Callable[[], Any],
    on_compile: Callable[[], Any] | None = None,
    listener: CompileListener | None = None,
) -> float:
    """Run `work`; seconds spent, 0.0 where the cache had every kernel it needs.

    `on_compile` is called before the first kernel is compiled, and not at all if none has to be; a
    `listener` in its place also counts them.
    """
    listener = CompileListener(on_compile) if listener is None else listener
    start = perf_counter()
    with event.install_listener("numba:compile", listener):
        work()
    return perf_counter() - start if listener.n_kernels else 0.0


def cache_folders(package: str) -> dict[str, int]:
    """The folders that keep the kernels of a package, as far as it is imported, and their bytes.

    A kernel that no folder can keep is in the folder "".
    """
    folders: dict[str, int] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != package:
            continue
        for kernel in vars(module).values():
            cache = getattr(kernel, "_cache", None)
            if cache is not None and hasattr(cache, "ready_made") and hasattr(kernel, "signatures"):
                folders[cache.cache_path or ""] = 0
    for folder in filter(None, folders):
        with suppress(OSError), os.scandir(folder) as files:
            kernels = (file for file in files if file.name.endswith((".nbc", ".nbi")))
            folders[folder] = sum(file.stat().st_size for file in kernels)
    return folders


class CompileListener(Listener):
    """Counts the kernels that numba compiles because its cache did not have them."""

    def __init__(self, on_compile: Callable[[], Any] | None) -> None:
        self.on_compile, self.n_kernels = on_compile, 0

    def on_start(self, _: Any) -> None:
        """Numba begins to compile a kernel."""
        self.n_kernels += 1
        if self.n_kernels == 1 and self.on_compile is not None:
            self.on_compile()

    def on_end(self, _: Any) -> None:
        """Numba has compiled a kernel."""
