"""Why each point is suggested, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Objects
from ..table.decoding import number_text
from ._criteria import Choices
from .design_space import DesignSpace

DIFFERENCES_NAMED = 2


@dataclass(frozen=True, eq=False)
class Reason:
    """What the sentences are made of.

    Attributes
    ----------
    space : DesignSpace
    criterion : str
    values : (n, p) float64
        The points.
    sites : (s + n, p) float64
        The runs, then the points themselves.
    names : (s + n,) object
    choices : Choices
    error_scale : (n,) float64 or None
    count : int
        Points that the criterion's mean is over.
    """

    space: DesignSpace
    criterion: str
    values: Floats
    sites: Floats
    names: Objects
    choices: Choices
    error_scale: Floats | None
    count: int


def reason_texts(reason: Reason) -> tuple[str, ...]:
    """(n,) a sentence for each point."""
    return tuple(_text(reason, i) for i in range(len(reason.values)))


def _text(reason: Reason, i: int) -> str:
    choices, site = reason.choices, int(reason.choices.nearest[i])
    if site < 0:
        return "the first run of all: the middle of the allowed points"
    near = (
        f"{reason.names[site]} is the nearest, {number_text(choices.distance[i])} away "
        f"({_differences(reason.space, reason.values[i], reason.sites[site])})"
    )
    if reason.criterion == "fill":
        fall = _change(choices.largest[i : i + 2])
        text = f"farthest of {reason.count:,} allowed points from all runs: {near}"
        return text + (f"; the largest empty sphere falls from {fall}" if fall else "")
    if reason.criterion == "bend":
        assert reason.error_scale is not None
        return (
            f"{near}; runs near here that are left out miss by {reason.error_scale[i]:.3g} times "
            "what is usual at their distance; the criterion's mean over "
            f"{reason.count:,} points falls by {100 * choices.gain[i]:.2g} %"
        )
    what = {
        "risk": "the mean minimax risk of {} queries, in units of the noise's variance, falls",
        "hull": "the mean distance of {} queries to the hull of the runs falls",
    }[reason.criterion].format(f"{reason.count:,}")
    change = _change(choices.level[i : i + 2])
    return f"{what} {f'from {change}' if change else 'hardly'}; {near}"


def _change(pair: Floats) -> str:
    """Two numbers as people read them; nothing where they look alike."""
    before, after = (number_text(float(number)) for number in pair)
    return f"{before} to {after}" if before != after else ""


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
