"""How many regions there can be: closed forms, in exact integers.

They bound the number of regions that networks of some widths can have in the whole input space,
whatever the weights, and lie many orders of magnitude above what a given network has; count that
with `Network.slice` or `Network.regions`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import comb, factorial, log10, prod
from operator import index
from typing import Any

import numpy as np

from .._core.results import RecordResult
from ..errors import DataError
from ._piecewise_layers import Largest, Pieces
from .affine_layers import Linear, Rearrange, Scale
from .network import Network
from .nodes import UnitLayer


def zaslavsky(n: int, d: int, *, bounded: bool = False, central: bool = False) -> int:
    """Regions that n hyperplanes in general position cut d dimensions in.

    Parameters
    ----------
    n : int
        Hyperplanes.
    d : int
        Dimensions, at least 1.
    bounded : bool, default=False
        Count the bounded regions only.
    central : bool, default=False
        All hyperplanes go through one point (a layer without bias), and are general otherwise.

    Returns
    -------
    int
        The sum of C(n, i) over i = 0 to d; bounded: C(n - 1, d); central: 2 times the sum of
        C(n - 1, i) over i = 0 to d - 1, none of them bounded. Hyperplanes in special position
        make fewer, so the value is an upper bound for any n.

    Raises
    ------
    DataError
        If n is negative or d less than 1.

    Notes
    -----
    Cost: O(min(n, d)) products of integers of up to n bits. Source: Zaslavsky (1975), Facing Up to
    Arrangements; also Stanley (2004), An Introduction to Hyperplane Arrangements, Proposition 2.4.

    Examples
    --------
    >>> from hullwise.model import zaslavsky
    >>> zaslavsky(3, 2), zaslavsky(3, 2, bounded=True), zaslavsky(16, 2, central=True)
    (7, 1, 32)
    """
    n, d = _as_whole(n, "n", 0), _as_whole(d, "d", 1)
    if central and bounded:
        return 0
    if bounded:
        return comb(n - 1, d) if n else 0
    if central:
        return 2 * _partial_sum(n - 1, d - 1) if n else 1
    return _partial_sum(n, d)


@dataclass(frozen=True, repr=False)
class RegionBounds(RecordResult):
    """What is known of the number of regions from the widths alone; see `region_bounds`.

    Attributes
    ----------
    n_inputs : int
        Dimensions of the input space, or of the plane that is asked about.
    widths : tuple of int
        Units in each layer.
    montufar_upper : int
        No network of this shape has more regions.
    serra_upper : int or None
        The same, tighter behind narrow layers. None unless the layers are ReLU and in a chain.
    montufar_lower : int or None
        Some network of these widths has at least so many. This says nothing of the network at
        hand. None unless it is fully connected, ReLU and a chain.
    hanin_rolnick : int or None
        (units)^n_inputs / n_inputs!, rounded: the size to expect, not a bound. None where there
        are maxima (pooling).

    Examples
    --------
    >>> from hullwise.model import region_bounds
    >>> bounds = region_bounds([8, 8], n_inputs=2)
    >>> bounds.montufar_lower, bounds.serra_upper
    (592, 1369)
    """

    n_inputs: int
    widths: tuple[int, ...]
    montufar_upper: int
    serra_upper: int | None
    montufar_lower: int | None
    hanin_rolnick: int | None

    def __repr__(self) -> str:
        shape = "-".join(map(str, (self.n_inputs, *self.widths)))
        return (
            f"RegionBounds({shape}: at most {_short_integer(self.montufar_upper)}, "
            f"tighter {_short_integer(self.serra_upper)}; the most at least "
            f"{_short_integer(self.montufar_lower)}; expect about "
            f"{_short_integer(self.hanin_rolnick)})"
        )


def region_bounds(net: Network | Sequence[int], n_inputs: int | None = None) -> RegionBounds:
    """Published bounds on the number of regions (activation patterns) in the whole input space.

    Parameters
    ----------
    net : Network or sequence of int
        A network, or the widths of fully connected ReLU layers.
    n_inputs : int, optional
        The dimensions of the input space, needed with widths. For a network a smaller number asks
        about its slices: 2 for planes, 1 for lines.

    Returns
    -------
    RegionBounds

    Raises
    ------
    DataError
        If widths come without n_inputs, or a number is out of range.

    Notes
    -----
    With n_0 inputs and layers of n_1 to n_L units:

    - `montufar_upper`: the product over l of the sum of C(n_l, j) over j = 0 to
      min(n_0, ..., n_l). Montufar (2017), Notes on the Number of Linear Regions of Deep Neural
      Networks. Our extension to other networks, with the same proof: units of p knots make
      p^j C(n_l, j), maxima of k entries count as k (k - 1) / 2 hyperplanes, and only layers that
      every path goes through narrow those after them (a skip connection goes round the others).
    - `serra_upper`: the sum over (j_1, ..., j_L) of the product of C(n_l, j_l), where
      0 <= j_l <= min(n_0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, n_l). Serra, Tjandraatmadja &
      Ramalingam (2018), Bounding and Counting Linear Regions of Deep Neural Networks, Theorem 1.
    - `montufar_lower`: the product over l < L of floor(n_l / n_0)^n_0, times the sum of C(n_L, j)
      over j = 0 to n_0. Montufar, Pascanu, Cho & Bengio (2014), On the Number of Linear Regions of
      Deep Neural Networks, Theorem 5, which is about n_l >= n_0. Where a layer is narrower we take
      its width for n_0: weights of the other inputs may be zero.
    - `hanin_rolnick`: Hanin & Rolnick (2019), Deep ReLU Networks Have Surprisingly Few Activation
      Patterns, bound the expected number in a unit of volume at random weights by
      (T N)^n_0 / n_0! for N >= n_0 units (by 2^N for fewer), with a constant T of the weights and
      biases. T = 1 and a volume of one are our reading: a rule of thumb. On He-initialised networks
      with 2 inputs we count .38 to .46 times it in the square of half-width 1.

    Cost: O(sum of widths times min(n_0, width)) at most, in products of integers of N bits.

    Examples
    --------
    >>> from hullwise.model import region_bounds
    >>> region_bounds([32, 32, 32], n_inputs=2)
    RegionBounds(2-32-32-32: at most 1.5e+08, ...; expect about 4608)
    >>> region_bounds([1, 5], n_inputs=3).serra_upper
    7
    """
    if isinstance(net, Network):
        d = net.n_inputs if n_inputs is None else _as_whole(n_inputs, "n_inputs", 1)
        if d > net.n_inputs:
            raise DataError(f"n_inputs is {d}, but the network takes {net.n_inputs} inputs")
        return _of_network(net, d)
    if isinstance(net, str) or not hasattr(net, "__iter__"):
        raise DataError(f"{net!r} is neither a Network nor a sequence of widths")
    widths = tuple(_as_whole(w, "a width", 1) for w in net)
    if n_inputs is None:
        raise DataError("widths alone do not say how many inputs there are; give n_inputs")
    d = _as_whole(n_inputs, "n_inputs", 1)
    stages = [_Stage(w, 1, min(d, *widths[: i + 1])) for i, w in enumerate(widths)]
    return _bounds(d, widths, stages, relu_chain=True, dense=True, knots=sum(widths))


@dataclass(frozen=True)
class _Stage:
    """A layer of n groups of p parallel hyperplanes, in at most `dim` dimensions."""

    n: int
    p: int
    dim: int

    @property
    def regions(self) -> int:
        """Of a general arrangement of such groups: the sum of p^j C(n, j) over j = 0 to dim."""
        return _partial_sum(self.n, self.dim, self.p)


def _of_network(net: Network, d: int) -> RegionBounds:
    narrow = np.minimum.accumulate([min(size, d) for size in _bottleneck_sizes(net)]).tolist()
    units: list[tuple[UnitLayer, Any]] = [(layer, net.nodes[layer.node].op) for layer in net.layers]
    stages = []
    for layer, op in units:
        n, p = (layer.n_units, len(op.knots)) if isinstance(op, Pieces) else (_pairs(op), 1)
        stages.append(_Stage(n, p, narrow[layer.node - 1]))
    pieces = [op for _, op in units if isinstance(op, Pieces)]
    knots = sum(op.knots.size for op in pieces) if len(pieces) == len(units) else None
    relu_units = knots is not None and all(
        len(op.knots) == 1 and not op.slopes[0].any() for op in pieces
    )
    chain = all(node.inputs == (i,) for i, node in enumerate(net.nodes[1:]))
    widths = tuple(layer.n_units for layer in net.layers)
    return _bounds(
        d, widths, stages, relu_chain=relu_units and chain, dense=_dense(net), knots=knots
    )


def _bottleneck_sizes(net: Network) -> Iterator[int]:
    """The size of each node that every path goes through; of the input for the others."""
    first = [min(node.inputs, default=0) for node in net.nodes]
    after = [*np.minimum.accumulate(first[::-1])[::-1].tolist()[1:], len(net.nodes)]
    for i, node in enumerate(net.nodes):
        yield prod(node.shape) if after[i] >= i else net.n_inputs


def _pairs(op: Any) -> int:
    """Pairs of entries within the groups of maxima."""
    sizes = (op.groups >= 0).sum(axis=1) if isinstance(op, Largest) else []
    return sum(comb(int(k), 2) for k in sizes)


def _dense(net: Network) -> bool:
    """Whether every affine layer has weights of its own for each pair of entries."""

    def free(node: Any) -> bool:
        if isinstance(node.op, Linear):
            return len(node.shape) == 1
        return node.op is None or node.is_piecewise or isinstance(node.op, Scale | Rearrange)

    return all(map(free, net.nodes))


def _bounds(
    d: int,
    widths: tuple[int, ...],
    stages: list[_Stage],
    *,
    relu_chain: bool,
    dense: bool,
    knots: int | None,
) -> RegionBounds:
    """`relu_chain`: a chain of ReLU layers; `dense`: fully connected; `knots` of all units."""
    return RegionBounds(
        n_inputs=d,
        widths=widths,
        montufar_upper=prod(stage.regions for stage in stages),
        serra_upper=_serra(d, stages) if relu_chain else None,
        montufar_lower=_montufar_lower(d, widths) if relu_chain and dense else None,
        hanin_rolnick=None if knots is None else _hanin_rolnick(knots, d),
    )


def _serra(d: int, stages: list[_Stage]) -> int:
    """Theorem 1 by recursion: `count_by_dim[e]` regions have an image of at most e dimensions.

    A layer of n units makes C(n, j) pieces of a region with e dimensions for each j <= min(e, n),
    whose images have min(e, n - j) dimensions. Those that keep e are summed up at once, so that
    the cost is O(n) products for each layer and not O(n min(n, d)).
    """
    count_by_dim = {d: 1}
    for stage in stages:
        n, fell = stage.n, dict[int, int]()
        for e, count in count_by_dim.items():  # the affine layers between may be narrower
            fell[min(e, stage.dim)] = fell.get(min(e, stage.dim), 0) + count
        dims = sorted(fell)
        tail = [*list(accumulate(fell[e] for e in reversed(dims)))[::-1], 0]
        choose = _binomials(n, min(n, dims[-1]))
        up_to = list(accumulate(choose))
        count_by_dim = {e: fell[e] * up_to[min(e, n - e)] for e in dims if e <= n}
        for j, c in enumerate(choose):  # those of more than n - j dimensions fall to n - j
            regions = tail[bisect_left(dims, max(j, n - j + 1))]
            if regions:
                count_by_dim[n - j] = count_by_dim.get(n - j, 0) + c * regions
    return sum(count_by_dim.values())


def _montufar_lower(d: int, widths: tuple[int, ...]) -> int:
    if not widths:
        return 1
    used = min(d, *widths)
    folds: int = prod((w // used) ** used for w in widths[:-1])
    return folds * _partial_sum(widths[-1], used)


def _hanin_rolnick(n: int, d: int) -> int:
    return round(Fraction(n**d, factorial(d))) if n >= d else 1 << n


def _binomials(n: int, to: int, base: int = 1) -> list[int]:
    """base^j C(n, j) for j = 0 to `to`."""
    return list(accumulate(range(to), lambda last, j: last * base * (n - j) // (j + 1), initial=1))


def _partial_sum(n: int, to: int, base: int = 1) -> int:
    """The sum of base^j C(n, j) over j = 0 to `to`."""
    return int((1 + base) ** n) if to >= n else sum(_binomials(n, to, base))


def _as_whole(value: Any, name: str, least: int) -> int:
    try:
        number = index(value)
    except TypeError:
        raise DataError(f"{name} is {value!r}, not a whole number") from None
    if number < least:
        raise DataError(f"{name} is {number}; it is at least {least}")
    return number


def _short_integer(value: int | None) -> str:
    """As 1234 or 1.5e+08, for integers of any length."""
    if value is None:
        return "unknown"
    if value < 10**6:
        return str(value)
    power = int(log10(value))
    lead = 10 ** (log10(value) - power)
    return f"{lead:.1f}e+{power:02d}" if lead < 9.95 else f"1.0e+{power + 1:02d}"
