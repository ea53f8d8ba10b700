"""Tasks with results kept in a folder, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hullwise import __version__
from hullwise._core.types import Array, Progress
from hullwise.errors import FileError
from hullwise.io.atomic_write import whole_file

__all__ = ["Results", "Task", "fingerprint", "run_tasks"]

Results = dict[str, dict[str, Array]]


@dataclass(frozen=True, eq=False)
class Task:
    """A piece of work: its name (also of its file), what it depends on, and how it is done.

    `work` gets the results of the tasks before it.
    """

    name: str
    key: str
    work: Callable[[Results], Mapping[str, Array]]


def fingerprint(*parts: Any) -> str:
    """A short name for what a result depends on: arrays by their bytes, the rest by its text."""
    digest = hashlib.sha256(__version__.encode())
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def run_tasks(tasks: Iterable[Task], cache: Path | None, progress: Progress | None) -> Results:
    """Do the tasks one after another; those that the folder holds already are read from it.

    Raises
    ------
    FileError
        The folder of the cache is not there or cannot be written.
    """
    queue = list(tasks)
    if cache is not None and not cache.is_dir():
        raise FileError(str(cache), "is no folder; make it first")
    found: Results = {}
    for number, task in enumerate(queue):
        if progress is not None:
            progress(number, len(queue), task.name)
        kept = None if cache is None else _read(cache / f"{task.name}.npz", task.key)
        if kept is None:
            kept = {name: np.asarray(value) for name, value in task.work(found).items()}
            if cache is not None:
                with whole_file(cache / f"{task.name}.npz", force=True) as stream:
                    arrays: dict[str, Any] = {"key": np.array(task.key), **kept}
                    np.savez(stream, **arrays)
        found[task.name] = kept
    if progress is not None:
        progress(len(queue), len(queue), "done")
    return found


def _read(path: Path, key: str) -> dict[str, Array] | None:
    """What the file holds, unless it is missing, damaged or of another task."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            return {name: stored[name] for name in stored.files if name != "key"}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
