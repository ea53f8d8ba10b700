"""The terminal as the command line writes to it: plain names, and only what it can show."""

from __future__ import annotations

import re
from typing import Any, TextIO

from rich.console import Console

WIDEST = 100


class _Plain(Console):
    """Prints names as they are, and leaves a closed pipe to the caller."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class _Stream:
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


def console(stream: TextIO) -> Console:
    """A console on a terminal or a file, at most 100 columns wide, 80 where nothing is known."""
    file: Any = _Stream(stream)
    made = _Plain(file=file, markup=False, highlight=False, emoji=False)
    made.width = min(made.width, WIDEST)
    return made


def bar(out: Console, share: float, width: int = 14) -> str:
    """A horizontal bar, down to an eighth of a character where the terminal can show it."""
    if not _is_utf(out.file):
        return "#" * (round(share * width) or int(share > 0))
    eighths = round(share * width * 8) or int(share > 0)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
