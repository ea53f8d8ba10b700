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
    criterion: str,
    values: Floats,
    sites: Floats,
    names: Objects,
    choices: Choices,
    n_candidates: int,
) -> tuple[str, ...]:
    """(n,) a sentence for each point (n, p); `sites` are the runs, then the points themselves."""
    sentences = []
    for i, site in enumerate(choices.nearest.tolist()):
        if site < 0:
            sentences.append("the first run: the middle of the allowed points")
            continue
        distance = number_text(choices.distance[i])
        text = (
            f"farthest of {n_candidates:,} allowed points from all runs: {distance} to the "
            f"nearest, {names[site]} ({_differences(space, values[i], sites[site])})"
        )
        before, after = choices.largest[i : i + 2]
        if np.isfinite(before):
            text += (
                f"; the largest empty sphere goes from {number_text(before)} to "
                f"{number_text(after)}"
            )
        sentences.append(text)
    return tuple(sentences)


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
