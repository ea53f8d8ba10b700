"""How parts run: by themselves or together, with the same options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from hullwise.errors import DataError

from .._runs import existing_folder, run_tasks
from .._study import Study
from .._types import Progress
from ._images import Images, digits, read_images
from ._plan import Plan, Settings

BALESTRIERO_NAME = "balestriero2021"
BALESTRIERO_TITLE = "Learning in high dimension always amounts to extrapolation, computed again"
BALESTRIERO_LEAD = (
    "Balestriero, Pesenti and LeCun (2021) call it interpolation when a sample lies in the convex "
    "hull of the training samples. Every verdict here carries a certificate."
)
Data = str | os.PathLike[str] | Images | Sequence[Images] | None


class Running(TypedDict, total=False):
    """How a part runs.

    full: the study's full sizes (minutes to an hour), otherwise about a minute. random_state.
    verify: how many certificates of each question are checked again by other code, None for all.
    cache: a folder that keeps finished work. progress: called with (tasks done, tasks in all,
    next).
    """

    full: bool
    random_state: int
    verify: int | None
    cache: str | os.PathLike[str] | None
    progress: Progress | None


def settings_of(running: Running) -> Settings:
    unknown = set(running) - set(Running.__annotations__)
    if unknown:
        raise TypeError(f"unexpected option {sorted(unknown)[0]!r}")
    settings = Settings(
        running.get("full", False), running.get("random_state", 0), running.get("verify", 500)
    )
    if settings.random_state < 0:
        raise DataError(f"random_state is {settings.random_state}: expected 0 or more.")
    if settings.verify is not None and settings.verify < 0:
        raise DataError(f"verify is {settings.verify}: expected 0 or more, or None for all.")
    return settings


def sets_of(data: Data) -> list[Images]:
    """All sets that `data` names; scikit-learn's digits without."""
    if data is None:
        return [digits()]
    if isinstance(data, Images):
        return [data]
    if isinstance(data, str | os.PathLike):
        return read_images(data)
    sets = list(data)
    if not sets or not all(isinstance(one, Images) for one in sets):
        raise DataError("data must be a path, or Images made by balestriero2021.images(...).")
    return sets


def study_of(plans: Sequence[Plan], running: Running, about: Sequence[tuple[str, str]]) -> Study:
    """Run the tasks of all plans and put their parts together."""
    cache: Path | None = existing_folder(running.get("cache"), "cache")
    tasks = [task for plan in plans for task in plan.tasks]
    results = run_tasks(tasks, cache, running.get("progress"))
    pairs = [plan.show(results) for plan in plans]
    findings = [finding for _, its_findings in pairs for finding in its_findings]
    return Study(
        BALESTRIERO_NAME,
        BALESTRIERO_TITLE,
        BALESTRIERO_LEAD,
        tuple(part for part, _ in pairs),
        tuple(findings),
        tuple(about),
    )


def about(settings: Settings, sets: Sequence[Images] = ()) -> list[tuple[str, str]]:
    checked = "all" if settings.verify is None else f"up to {settings.verify:,} of each question"
    terms = [
        ("Form", "full" if settings.full else "short"),
        ("Random state", str(settings.random_state)),
        ("Certificates checked again, by other code", checked),
    ]
    return terms + [("Images", repr(one)) for one in sets]
