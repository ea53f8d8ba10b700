"""The ranges of neurons' inputs over rows, and a network clipped to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from ._piecewise_layers import Codes, Pieces
from ._rounding import reachable_slopes
from .network import Network
from .nodes import Node

UnitRange = tuple[Floats, Floats]  # lowest and highest input of each entry of a layer
CLIP_WIDTH_SLACK = 1e-9  # of the width of a range: rounding differs between batches
CLIP_SCALE_SLACK = 1e-12  # of the layer's largest input, for the same


@dataclass(frozen=True, eq=False)
class UnitExtremes:
    """The `keep` smallest and largest inputs (keep, i) of each layer over n rows, in no order."""

    n: int
    low: tuple[Floats, ...]
    high: tuple[Floats, ...]


def unit_extremes(net: Network, X: Floats, keep: int) -> UnitExtremes:
    """Of rows X (n, d). Cost: a forward pass, and memory for `keep` rows of all layers."""
    low: list[Floats | None] = [None] * len(net.layers)
    high: list[Floats | None] = [None] * len(net.layers)

    def visit(layer: int, z: Floats, code: Codes) -> None:
        low[layer] = _smallest(low[layer], z[:, 0], keep)
        high[layer] = _smallest(high[layer], -z[:, 0], keep)

    for rows in net.blocks(len(X)):
        net.push(X[rows, None], visit=visit)
    ends = [(a, -b) for a, b in zip(low, high, strict=True) if a is not None and b is not None]
    return UnitExtremes(len(X), tuple(a for a, _ in ends), tuple(b for _, b in ends))


def _smallest(smallest: Floats | None, z: Floats, keep: int) -> Floats:
    if keep == 1:
        least: Floats = z.min(axis=0, keepdims=True)
        return least if smallest is None else np.minimum(smallest, least)
    both = z if smallest is None else np.concatenate([smallest, z])
    return both.copy() if len(both) <= keep else np.partition(both, keep - 1, axis=0)[:keep]


def unit_ranges(parts: Sequence[UnitExtremes], quantile: float) -> list[UnitRange]:
    """Of all rows of the parts, a share `quantile` of them left out at each end."""
    parts = [part for part in parts if part.n]
    place = n_trimmed(sum(part.n for part in parts), quantile)
    low = [np.concatenate(ends) for ends in zip(*(part.low for part in parts), strict=True)]
    high = [np.concatenate(ends) for ends in zip(*(part.high for part in parts), strict=True)]
    return [
        (np.partition(a, place, axis=0)[place], -np.partition(-b, place, axis=0)[place])
        for a, b in zip(low, high, strict=True)
    ]


def n_trimmed(n: int, quantile: float) -> int:
    """How many of n rows a quantile leaves out at each end."""
    return int(n * quantile)


def range_widths(low: Floats, high: Floats, errors: Any = 0.0) -> Floats:
    """Widths of ranges, those of constant entries replaced by the median of the others, or 1.

    Constant is what varies by no more than the errors of its ends.
    """
    width = high - low
    varies = width > 2 * errors
    return np.where(varies, width, np.median(width[varies]) if varies.any() else 1.0)


def clip_inputs(net: Network, ranges: Sequence[UnitRange]) -> Network:
    """The network with every entry that a layer of units is given clipped to its range."""
    nodes: list[Node] = []
    at: dict[int, int] = {}
    left = iter(ranges)
    for i, node in enumerate(net.nodes):
        inputs = tuple(at[j] for j in node.inputs)
        if node.is_piecewise:
            low, high = next(left)
            clip: Any = Pieces(
                "clip",
                knots=np.stack([low, high]),
                slopes=np.stack([np.zeros_like(low), np.ones_like(low), np.zeros_like(low)]),
                offsets=np.stack([low, np.zeros_like(low), high]),
            )
            nodes.append(Node(f"{node.name} guard", clip, inputs, nodes[inputs[0]].shape))
            inputs = (len(nodes) - 1,)
        at[i] = len(nodes)
        nodes.append(Node(node.name, node.op, inputs, node.shape))
    return Network(tuple(nodes), net.source, net.output_activations)


@dataclass(frozen=True, eq=False)
class Clips:
    """Entries clipped (m, n_layers), how far in widths (m,), and the outputs (m, n_outputs)."""

    counts: NDArray[np.int64]
    excess: Floats
    outputs: Floats


def range_errors(network: Network, ranges: Sequence[UnitRange], size: Floats) -> list[Floats]:
    """What rounding may have done to the input of each layer that the clipped network clips.

    size (d,) is that of the network's input.
    """
    rounding, after = network.rounding_errors, 0
    errors = {0: rounding.of_rounding(size[None, None])}
    out = []
    for i, layer in enumerate(network.layers):
        rounding.advance(errors, after, layer.node - 1)
        units: Any = network.nodes[layer.node].op
        low, high = ranges[i // 2]
        error = errors[network.nodes[layer.node].inputs[0]]
        if i % 2 == 0:
            out.append(np.asarray(rounding.bound(error)[0, 0]))
        slopes = reachable_slopes(units, low[None], high[None])
        ends = np.stack([low, high])
        leaving = np.abs(units.push(ends[:, None], units.code(ends), True)).max(axis=0)[None]
        entering = partial(np.maximum, np.abs(low)[None, None], np.abs(high)[None, None])
        errors[layer.node] = rounding.through_units(units, error, slopes, entering, leaving)
        network.release(errors, layer.node)
        after = layer.node
    return out


def count_clips(network: Network, ranges: Sequence[UnitRange], X: Floats, size: Floats) -> Clips:
    """What the clipped network does to rows X (m, d): clips are counted where they are made.

    size (d,) is that of the rows that the ranges were taken from.
    """
    errors = range_errors(network, ranges, size)
    widths = [range_widths(*ends, error) for ends, error in zip(ranges, errors, strict=True)]
    slack = [
        CLIP_WIDTH_SLACK * (high - low)
        + CLIP_SCALE_SLACK * max(np.abs(low).max(), np.abs(high).max())
        + 2 * error
        for (low, high), error in zip(ranges, errors, strict=True)
    ]
    result = Clips(
        np.zeros((len(X), len(ranges)), dtype=np.int64),
        np.zeros(len(X)),
        np.empty((len(X), network.n_outputs)),
    )
    for rows in network.blocks(len(X)):

        def visit(layer: int, z: Floats, code: Codes, rows: slice = rows) -> None:
            i, odd = divmod(layer, 2)
            if odd:  # the units themselves, behind their clips
                return
            low, high = ranges[i]
            beyond = np.maximum(low - z[:, 0], z[:, 0] - high)
            out = beyond > slack[i]
            result.counts[rows, i] = out.sum(axis=1)
            result.excess[rows] += np.where(out, beyond / widths[i], 0.0).sum(axis=1)

        result.outputs[rows] = network.push(X[rows, None], visit=visit)[:, 0]
    return result
