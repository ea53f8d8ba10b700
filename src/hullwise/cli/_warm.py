"""`hullwise warm`: every kernel compiled ahead, so that no later run waits for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Final

from .._core.compilation import CompileListener, cache_folders, compile_ahead
from ..errors import FileError
from ._warm_options import WarmOptions
from .size_words import size_words
from .status import raise_if_cancelled

WARM_UPS: Final = {
    "locate": ("geometry.warm_up", "compile_large_locate"),
    "predict": ("predict.warm_up", "compile_regressors"),
    "networks": ("model.warm_up", "compile_networks"),
}


def run_warm(options: WarmOptions) -> None:
    """Compile what is asked for, and say what was compiled, how long it took and where it is kept.

    Raises
    ------
    FileError
        No folder can keep it.
    """
    for name in options.only or tuple(WARM_UPS):
        raise_if_cancelled()
        module, function = WARM_UPS[name]
        start = perf_counter()
        work: Callable[[], None] = getattr(import_module(f"hullwise.{module}"), function)
        listener = CompileListener(None)
        seconds = compile_ahead(work, listener=listener)
        loading = perf_counter() - start - seconds
        what = f"{listener.n_kernels} kernels compiled in {seconds:.0f} s"
        if not listener.n_kernels:
            what = f"every kernel was there (loaded in {loading:.1f} s)"
        options.status(f"{name}: {what}")
    folders = cache_folders("hullwise")
    if "" in folders:
        raise FileError(
            os.environ.get("NUMBA_CACHE_DIR", "the cache of Numba"),
            "no folder can keep compiled kernels: set NUMBA_CACHE_DIR to one that can be written",
        )
    root = os.path.commonpath(list(folders))
    options.status(f"kept in {Path(root)} ({size_words(sum(folders.values()))})")
