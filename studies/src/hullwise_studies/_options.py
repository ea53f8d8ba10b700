"""What the command of each study takes, by the names of its options."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """What every study takes: the page it writes, and the folder that keeps finished work."""

    output: str | None = None
    force: bool = False
    cache: str | None = None

    def arguments(self) -> dict[str, Any]:
        """What the study's `run` takes."""
        names = [field.name for field in fields(self) if field.name not in ("output", "force")]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Lux2021Options(StudyOptions):
    """`hullwise study lux2021`."""

    data: str | None = None
    sets: list[str] | None = None
    without: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class RegimesOptions(StudyOptions):
    """`hullwise study regimes`."""

    data: str | None = None
    sets: tuple[str, ...] | None = None
    models: list[str] | None = None
    seeds: int | None = None
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class Balestriero2021Options(StudyOptions):
    """`hullwise study balestriero2021`."""

    data: str | None = None
    parts: list[str] | None = None
    model: str | None = None
    random_state: int = 0
    verify: int = 500
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class SimilarityOptions(StudyOptions):
    """`hullwise study similarity`."""

    data: str | None = None
    sets: tuple[str, ...] | None = None
    seeds: int | None = None
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(StudyOptions):
    """`hullwise study training`."""

    data: str | None = None
    sets: tuple[str, ...] | None = None
    aids: list[str] | None = None
    seeds: int | None = None
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class Forward2022Options(StudyOptions):
    """`hullwise study forward2022`."""

    data: str | None = None
    parts: list[str] | None = None
    seeds: int | None = None
    steps: int | None = None
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class CurseOptions(StudyOptions):
    """`hullwise study curse`, which keeps nothing."""

    def arguments(self) -> dict[str, Any]:
        """None."""
        return {}
