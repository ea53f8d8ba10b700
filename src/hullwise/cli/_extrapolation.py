"""`hullwise study balestriero2021` and `hullwise study curse`."""

from __future__ import annotations

from typing import Any

from ..data._options import Progress
from ..study import balestriero2021
from ..study._study import Study
from ._study import run_study

__all__ = ["run", "run_curse"]


def run(options: dict[str, Any]) -> None:
    """`options` holds data, parts, model, seed, verify, full, cache, output and force."""

    def compute(progress: Progress) -> Study:
        return balestriero2021.run(
            options["data"],
            parts=options["parts"] or None,
            model=options["model"],
            full=options["full"],
            seed=options["seed"],
            verify=options["verify"],
            cache=options["cache"],
            progress=progress,
        )

    run_study(options, compute)


def run_curse(options: dict[str, Any]) -> None:
    """`options` holds output and force."""
    from ..study import curse

    run_study({"cache": None, **options}, lambda progress: curse.run())
