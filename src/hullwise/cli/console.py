"""The terminal as the command line writes to it: plain names, and only what it can show."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..errors import FileError

__all__ = ["bar", "console", "progress_bar", "require_standard_output"]

CONSOLE_COLUMNS = 100


class _PlainConsole(Console):
    """Prints names as they are, and leaves a closed pipe to the caller."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class _PlainStream:
    """Text as a file wants it: no blanks at the ends of lines, and only what it can encode."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        text = re.sub(r" +(?=\n)", "", text.replace("\u00a0", " "))
        if not _is_utf(self.stream):
            text = text.encode(self.stream.encoding, "backslashreplace").decode(
                self.stream.encoding
            )
        return int(self.stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _is_utf(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def require_standard_output() -> None:
    """Refuse to begin where standard output is needed and the caller has closed it.

    Raises
    ------
    FileError
    """
    if sys.stdout is None or sys.stdout.closed:
        raise FileError(
            "standard output", "is closed; redirect it to a file, or pass --quiet and -o OUT"
        )


def console(stream: TextIO | None) -> Console:
    """A console on a terminal or a file, at most 100 columns wide, 80 where nothing is known.

    None is a stream that the caller has closed: what is written to it goes nowhere.
    """
    file: Any = _PlainStream(io.StringIO() if stream is None else stream)
    out = _PlainConsole(file=file, markup=False, highlight=False, emoji=False)
    out.width = min(out.width, CONSOLE_COLUMNS)
    return out


def bar(out: Console, share: float, width: int = 14) -> str:
    """A horizontal bar, down to an eighth of a character where the terminal can show it."""
    if not _is_utf(out.file):
        return "#" * (round(share * width) or int(share > 0))
    eighths = round(share * width * 8) or int(share > 0)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


@contextmanager
def progress_bar(quiet: bool, callback: Callable[[Progress], Any] | None = None) -> Iterator[Any]:
    """A callback that draws a bar on standard error; None where no one would see it."""
    err = Console(file=sys.stderr or io.StringIO())
    if quiet or not err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as drawn:
        yield (callback or _one_task)(drawn)


def _one_task(drawn: Progress) -> Callable[[int, int, str], Any]:
    task = drawn.add_task("", total=None)
    return lambda count, total, what: drawn.update(
        task, completed=count, total=total, description=what
    )
