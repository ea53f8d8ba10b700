"""The nearest wall of a large network: tangents at random say which walls need an exact look.

The slope g of a wall has |g|^2 T = sum of (g . r)^2 / chi^2 for T tangents r of independent normal
numbers, chi^2 distributed with T degrees of freedom. So |g| is at most the root of that sum over a
quantile of chi^2, but with the quantile's probability. Walls are looked at exactly, a backward pass
each, in the order of the least distance they may have, until none that is left can be nearer. The
quantile is such that any wall of a point is underestimated with `MISSED_PROBABILITY` at most.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from scipy import stats

from .._core.types import Floats, Ints
from ._piecewise_layers import Codes
from .network import Network
from .tangents import FirstTangents

N_RANDOM_TANGENTS = 16  # more cost as many passes as they save exact looks
MISSED_PROBABILITY = 1e-9  # that a point has a nearer wall than the one that is returned


def random_tangents(net: Network) -> FirstTangents:
    """Tangents whose squares add up to those of all inputs' tangents, on average."""
    rng = np.random.default_rng(0)
    block = rng.normal(size=(1, N_RANDOM_TANGENTS, net.n_inputs)) / np.sqrt(N_RANDOM_TANGENTS)
    return FirstTangents({0: block}, 0, None)


def n_walls(net: Network) -> int:
    """Walls of a region, of all units of all layers."""
    ops: list[Any] = [net.nodes[layer.node].op for layer in net.layers]
    return sum(op.n_walls for op in ops)


def most_length_ratio(n: int) -> float:
    """How much longer any of so many slopes may be than the random tangents say."""
    quantile = stats.chi2.ppf(MISSED_PROBABILITY / n, N_RANDOM_TANGENTS)
    return float(np.sqrt(N_RANDOM_TANGENTS / quantile))


def nearest_of_sampled(
    net: Network, code: Codes, values: Floats, most_lengths: Floats, errors: Floats
) -> tuple[float, int]:
    """Distance to the nearest wall of one region, code (n_units), and which it is, -1 for none.

    values (k,) of all walls at the point; lengths of their slopes at most; what rounding may leave
    of a slope that is zero.
    """
    possible = np.flatnonzero(most_lengths > errors)
    least = values[possible] / most_lengths[possible]
    best, which = np.inf, -1
    for i in np.argsort(least, kind="stable"):
        if least[i] > best:
            break
        wall = int(possible[i])
        length = float(np.linalg.norm(slope_of_wall(net, code, wall)))
        if length > errors[wall] and (values[wall] / length, wall) < (best, which):
            best, which = values[wall] / length, wall
    return best, which


def slope_of_wall(net: Network, code: Codes, wall: int) -> Floats:
    """The slope (d,) of a wall of the region with code (n_units). Cost: a backward pass."""
    return np.asarray(wall_slopes(net, code[None], np.array([wall]))[0])


def wall_slopes(net: Network, codes: Codes, which: Ints) -> Floats:
    """The slope (m, d) of wall `which` of each region, into it; 0 for wall -1."""
    out = np.zeros((len(codes), net.n_inputs))
    ops: list[Any] = [net.nodes[one.node].op for one in net.layers]
    ends = np.cumsum([0, *(op.n_walls for op in ops)])
    for i, layer in enumerate(net.layers):
        mine = np.flatnonzero((which >= ends[i]) & (which < ends[i + 1]))
        node = net.nodes[layer.node].inputs[0]
        width = prod(net.nodes[node].shape)
        for rows in net.blocks(len(mine)):
            points = mine[rows]
            code = codes[points]
            seed = _wall_seed(ops[i], width, code[:, layer.columns], which[points] - ends[i])
            out[points] = net.pull({node: seed[:, None]}, code)[:, 0]
    return out


def _wall_seed(op: Any, width: int, code: Codes, wall: Ints) -> Floats:
    """The wall as a linear function (B, width) of the units' input, signed to be >= 0."""
    B = len(code)
    seed, rows = np.zeros((B, width)), np.arange(B)
    unit = op.wall_units()[wall]
    own = code[rows, unit]
    if hasattr(op, "groups"):
        place = wall % op.groups.shape[1]
        seed[rows, op.groups[unit, own]] += 1
        seed[rows, op.groups[unit, place]] -= 1
    else:
        seed[rows, unit] = np.where(own > wall // width, 1.0, -1.0)
    return seed
