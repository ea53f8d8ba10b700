"""What the parts share: settings, and a plan of tasks with what is made of their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._runs import Results, Task, run_tasks
from .._study import Part
from .._tables import Finding
from .._types import Progress
from ._images import Images


@dataclass(frozen=True)
class Settings:
    """How every part runs.

    `verify` is how many verdicts of each question are checked again by other code, None for all.
    """

    full: bool = False
    random_state: int = 0
    verify: int | None = 500


@dataclass(frozen=True, eq=False)
class Plan:
    """The tasks of one part, and the part and findings made of their results."""

    tasks: Sequence[Task]
    show: Callable[[Results], tuple[Part, Sequence[Finding]]]

    def run(self, cache: Path | None, progress: Progress | None) -> Part:
        return self.show(run_tasks(self.tasks, cache, progress))[0]


@dataclass(frozen=True)
class StudyPart:
    """A part that the study finds by itself: a module's `STUDY_PARTS` names those in it.

    `order` is its place on the page. `plan` makes it of the settings, the sets of images and the
    user's model; `needs` are "torch" and "labels", without which it cannot run.
    """

    name: str
    text: str
    order: int
    plan: Callable[[Settings, list[Images], Any], Plan]
    needs: frozenset[str] = frozenset()


def shown_share(value: float) -> str:
    """A share in a sentence: '0', '1' or so many digits that it is neither."""
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    for digits in (3, 4, 6):
        text = f"{value:.{digits}f}"
        if 0 < float(text) < 1:
            return text
    return f"{value:.1e}"
