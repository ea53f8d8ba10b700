"""Whether something fits in memory, asked before it is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import MemoryLimitError

__all__ = ["HELD_WHOLE", "available_memory", "check_memory", "size_text"]


READ_IN_BLOCKS = (
    "Save the table as .npy or Parquet and pass its path: such a file is read in blocks and never "
    "held whole."
)
HELD_WHOLE = "A domain holds its rows in memory: pass fewer of them, or leave columns out (drop)."


def check_memory(bytes_needed: int, what: str, advice: str = READ_IN_BLOCKS) -> None:
    """Refuse an allocation that cannot fit, before it is made.

    Parameters
    ----------
    bytes_needed : int
        Size of the allocation.
    what : str
        What it is for; starts the message.
    advice : str
        What needs less; ends it.

    Raises
    ------
    MemoryLimitError
        With the bytes needed, the bytes free and the way that needs less.
    """
    free = available_memory()
    if free is not None and bytes_needed > free:
        raise MemoryLimitError(
            f"{what} needs {size_text(bytes_needed)} ({bytes_needed} bytes), but about "
            f"{size_text(free)} of memory is free. {advice}"
        )


def available_memory() -> int | None:
    """Bytes that can still be allocated, or None where the system does not say."""
    free: list[int] = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
        # Containers: the limit of the group, which /proc/meminfo does not show.
        free.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        pass
    if not free and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        free.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(free) if free else None


def size_text(size: float) -> str:
    """Bytes for people.

    Examples
    --------
    >>> size_text(3 * 2**30)
    '3.0 GiB'
    """
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
