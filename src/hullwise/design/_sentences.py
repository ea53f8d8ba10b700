"""Why each point is suggested, in words."""

from __future__ import annotations

import numpy as np

from .._core.types import Floats, Objects
from ..table.decoding import number_text
from ._criteria import Choices
from .design_space import DesignSpace

DIFFERENCES_NAMED = 2


def reasons(
    space: DesignSpace,
    values: Floats,
    sites: Floats,
    names: Objects,
    choices: Choices,
    error_scale: Floats | None,
    n_candidates: int,
) -> tuple[str, ...]:
    """(n,) a sentence for each point (n, p); `sites` are the runs, then the points themselves."""
    sentences = []
    for i, site in enumerate(choices.nearest.tolist()):
        if site < 0:
            sentences.append("the first run of all: the middle of the allowed points")
            continue
        near = (
            f"{number_text(choices.distance[i])} to the nearest, {names[site]} "
            f"({_differences(space, values[i], sites[site])})"
        )
        if error_scale is None:
            before, after = (number_text(radius) for radius in choices.largest[i : i + 2])
            sentences.append(
                f"farthest of {n_candidates:,} allowed points from all runs: {near}"
                + (f"; the largest empty sphere falls from {before} to {after}" * (before != after))
            )
        else:
            size = number_text(error_scale[i] ** 2)
            sentences.append(
                f"left-out errors here are {size} times the mean for their distance, and it is "
                f"{near}; " + _fall(choices.gain[i])
            )
    return tuple(sentences)


def _fall(gain: float) -> str:
    """How much of the criterion's mean a point takes away."""
    return f"the mean over all allowed points falls by {100 * gain:.2g} %"


def _differences(space: DesignSpace, point: Floats, site: Floats) -> str:
    """In which parameters a point differs most from another."""
    gap = space.coordinates(point[None]) - space.coordinates(site[None])
    size = np.bincount(space.owner, weights=gap[0] ** 2, minlength=len(space.parameters))
    order = np.argsort(-size, kind="stable")[:DIFFERENCES_NAMED]
    texts = []
    for j in order[size[order] > 0].tolist():
        parameter = space.parameters[j]
        texts.append(f"{parameter.name} {parameter.text(site[j])} to {parameter.text(point[j])}")
    return ", ".join(texts)
