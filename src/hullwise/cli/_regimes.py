"""`hullwise study regimes`."""

from __future__ import annotations

from typing import Any

from ..data._options import Progress
from ..study import regimes
from ._study import run_study


def run(options: dict[str, Any]) -> None:
    """Options are data, sets, models, seeds, full, cache, output and force."""

    def compute(progress: Progress) -> regimes.Regimes:
        return regimes.run(
            options["data"],
            sets=_split(options["sets"]),
            models=_split(options["models"]),
            seeds=options["seeds"],
            full=options["full"],
            cache=options["cache"],
            progress=progress,
        )

    run_study(options, compute)


def _split(names: str | None) -> list[str] | None:
    return None if names is None else names.split(",")
