"""Where the code stands that called this library."""

from __future__ import annotations

import sys

INNER_PACKAGES = (__name__.partition(".")[0], "contextlib")


def caller_stacklevel() -> int:
    """The `stacklevel` with which `warnings.warn` points at the line that called this library.

    Call it in the function that warns.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in INNER_PACKAGES:
            break
        level, frame = level + 1, frame.f_back
    return level
