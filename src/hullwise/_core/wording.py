"""Counts and kinds in sentences: "1 row", "2 rows", "an int", "a Ridge"."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2000, "coordinate")
    ('1 row', '2,000 coordinates')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def type_of(value: object) -> str:
    """The type of a value with its article.

    Examples
    --------
    >>> type_of(1), type_of("x")
    ('an int', 'a str')
    """
    name = type(value).__name__
    takes_n = name[0] in "aeiouAEIO" and not name.startswith("One")
    return f"{'an' if takes_n or name == 'ndarray' else 'a'} {name}"


def first_line(error: BaseException) -> str:
    """Of an error of another library, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
