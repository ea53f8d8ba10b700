"""Kernels compiled on the first run on a machine, said before it takes its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .._core.compilation import compile_ahead
from .status import Printer

Answer = TypeVar("Answer")


def compile_kernels(status: Printer, work: Callable[[], Any]) -> float:
    """Compile what `work` needs and the cache lacks, saying so before; seconds, 0.0 for none."""
    return compile_ahead(work, lambda: status("compiling the kernels (once per machine) ..."))


def with_status(status: Printer, work: Callable[[], Answer]) -> Answer:
    """What `work` returns; says so before it compiles anything."""
    answers: list[Answer] = []
    compile_kernels(status, lambda: answers.append(work()))
    return answers[0]


def timing_text(reading: float, compiling: float, working: float, participle: str) -> str:
    """Where the time went, in words; `participle` says what was done, such as "located"."""
    apart = f"kernels compiled in {compiling:.1f} s (once per machine), " if compiling else ""
    return f"read in {reading:.1f} s, {apart}{participle} in {working:.1f} s"
