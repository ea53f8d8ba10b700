"""Sizes of files in words."""

from __future__ import annotations

__all__ = ["size_words"]


def size_words(size: int) -> str:
    """A number of bytes in words.

    Examples
    --------
    >>> size_words(900), size_words(81_234), size_words(1_500_000)
    ('900 bytes', '81 kB', '1.5 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    amount, units = size / 1000, ["kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if amount >= 10 else f"{amount:.1f} {units[0]}"
