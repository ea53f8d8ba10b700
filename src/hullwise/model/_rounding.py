"""What rounding may have done to the values of a network, carried through its layers.

Signs of units are judged by it: a unit that is 0 in exact arithmetic is computed as 1e-17, passes
its ReLU as that, and must not become the scale of the layers behind it. With e the error of what
enters an affine layer h -> W h + b, that of what leaves it is at most

    e' = |W| e + u (|W| |h| + |b|),   u = `SUM_ROUNDOFF`,

and a unit multiplies it by its slope at most. In deep networks that bound grows with the product of
the layers' absolute row sums, as if all errors had conspired; there they are taken to be
independent, v' = W^2 v + u^2 (W^2 h^2 + b^2), and 64 standard deviations count (Higham & Mary
(2019), *A New Approach to Probabilistic Rounding Error Analysis*). Which of the two is a property
of the network: `RoundingErrors.worst_case`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ._piecewise_layers import Codes, Pieces, Units
from .affine_layers import Affine, Concat, Sum

if TYPE_CHECKING:
    from .network import Network

RELATIVE_TOLERANCE = 1e-12  # of a wall's largest value: less is zero
SUM_ROUNDOFF = 2.0**-49  # of the magnitudes added up: what one layer's rounding may leave of a zero
LIKELY_DEVIATIONS = 64.0  # standard deviations that independent errors are taken to stay within
SQUARE_RANGE = (
    1e100  # of weights: beyond it, and below its inverse, squares leave the floats' range
)
CACHED_NUMBERS = 2**22  # weights up to which their magnitudes are kept


class RoundingErrors:
    """Bounds on the rounding errors of a network's nodes, from the sizes of their values.

    Errors are dicts of blocks (B, T, size) by node, like the values in `Network.resume`: slot 0 is
    about points where offsets count (`origin`), the others are about tangents. They are bounds
    where `worst_case`, else variances; `bound` makes bounds of both.
    """

    def __init__(self, net: Network) -> None:
        self.net = net
        self._magnitudes: dict[int, Any] = {}
        self._gains: dict[int, float] = {}
        self._kept = sum(_weights(node.op).size for node in net.nodes) <= CACHED_NUMBERS
        self.worst_case = (
            _most_conspiracy(net) <= LIKELY_DEVIATIONS
            or not _squares_fit(net)
            or _conspiracy(net) <= LIKELY_DEVIATIONS
        )
        self._unit = SUM_ROUNDOFF if self.worst_case else SUM_ROUNDOFF**2

    def _op(self, i: int) -> Any:
        """The op of affine node i with every number in it made positive, or squared."""
        if i in self._magnitudes:
            return self._magnitudes[i]
        magnitude = absolute if self.worst_case else squared
        op = magnitude(self.net.nodes[i].op)  # type: ignore[arg-type]
        if self._kept:
            self._magnitudes[i] = op
        return op

    def factor(self, slope: Any) -> Any:
        """What a slope multiplies errors by."""
        return abs(slope) if self.worst_case else slope * slope

    def of_rounding(self, size: Any) -> Any:
        """The error of numbers of this size that are rounded once."""
        rounding = SUM_ROUNDOFF * size
        return rounding if self.worst_case else rounding * rounding

    def bound(self, error: Any) -> Any:
        """What the error stays below."""
        return error if self.worst_case else LIKELY_DEVIATIONS * np.sqrt(error)

    def advance(
        self, errors: dict[int, Floats], after: int, until: int, origin: bool = True
    ) -> None:
        """Through the affine nodes behind `after` up to `until`, as `Network.resume`."""
        nodes = self.net.nodes
        for i in range(after + 1, until + 1):
            node, op = nodes[i], self._op(i)
            inputs = [errors[j] for j in node.inputs]
            B, T = inputs[0].shape[:2]
            shaped = [
                e.reshape(B * T, *nodes[j].shape) for e, j in zip(inputs, node.inputs, strict=True)
            ]
            out = op.linear(*shaped).reshape(B, T, *node.shape)
            if origin and op.offset is not None:
                out[:, 0] = out[:, 0] + self._unit * op.offset
            errors[i] = out.reshape(B, T, -1)
            self.net.release(errors, i)

    def through_units(
        self,
        units: Units,
        error: Floats,
        slopes: Floats | None,
        entering: Callable[[], Floats],
        leaving: Floats,
    ) -> Floats:
        """The error (B, T, o) behind units from that of their input (B, T, i).

        slopes (B, o) are the largest in magnitude that each unit may have there, None for maxima;
        entering() (B, T, i) and leaving (B, T, o) are the sizes of the values on both sides.
        """
        if slopes is None:
            groups: Any = units.groups  # type: ignore[attr-defined]
            passed = np.where(groups >= 0, error[..., groups], 0.0).max(axis=-1)
            return np.asarray(passed + self.of_rounding(leaving))
        factor = slopes[:, None]
        if isinstance(units, Pieces) and units.shifted:  # a sum, which may cancel
            leaving = np.maximum(leaving, factor * entering())
            leaving[:, 0] += np.abs(units.offsets).max(axis=0)
        return np.asarray(error * self.factor(factor) + self.of_rounding(leaving))

    def gain(self, i: int) -> float:
        """The largest error behind affine node i where those before it are 1."""
        if i not in self._gains:
            node = self.net.nodes[i]
            ones = [np.ones((1, *self.net.nodes[j].shape)) for j in node.inputs]
            self._gains[i] = float(self._op(i).linear(*ones).max(initial=0.0))
        return self._gains[i]

    def offset_error(self, i: int) -> float:
        """The largest error that rounding makes of the offsets of affine node i."""
        offset = self._op(i).offset
        return 0.0 if offset is None else self._unit * float(np.max(offset, initial=0.0))


class ErrorScreen:
    """One bound for all entries of a layer and all points: cheap, and above each entry's own.

    Where no unit is that near to a knot, its sign needs no closer look.
    """

    def __init__(self, errors: RoundingErrors, input_size: float, origin: bool = True) -> None:
        self.errors, self.net, self.origin = errors, errors.net, origin
        self._at: dict[int, Any] = {0: errors.of_rounding(float(input_size))}
        self._layer, self._after = -1, 0

    def next_layer(self) -> float:
        """The bound on what enters the next layer of units; infinite where it is no float."""
        self._layer += 1
        node = self.net.layers[self._layer].node
        for i in range(self._after + 1, node):
            self._at[i] = self._affine(i)
            self.net.release(self._at, i)
        return float(self.errors.bound(self._at[self.net.nodes[node].inputs[0]]))

    def _affine(self, i: int) -> float:
        node, errors = self.net.nodes[i], self.errors
        inputs = [self._at[j] for j in node.inputs]
        if isinstance(node.op, Sum):
            out = sum(errors.factor(f) * e for f, e in zip(node.op.factors, inputs, strict=True))
        else:
            gain = 1.0 if isinstance(node.op, Concat) else errors.gain(i)
            out = gain * max(inputs) if gain else 0.0
        return float(out) + (errors.offset_error(i) if self.origin else 0.0)

    def bend(self, size: float) -> None:
        """Through the units, whose input is of this size at most."""
        node = self.net.layers[self._layer].node
        units: Any = self.net.nodes[node].op
        error, size = self._at[self.net.nodes[node].inputs[0]], float(size)
        if isinstance(units, Pieces):
            slope = float(np.abs(units.slopes).max(initial=0.0))
            error = error * self.errors.factor(slope) if slope else 0.0
            offset = float(np.abs(units.offsets).max(initial=0.0)) if self.origin else 0.0
            size = slope * size + offset
        self._at[node] = error + self.errors.of_rounding(size)
        self.net.release(self._at, node)
        self._after = node


def absolute(op: Affine) -> Affine:
    """The layer with every number in it made positive."""
    if isinstance(op, Sum):
        return Sum(tuple(abs(f) for f in op.factors))
    return _on_numbers(op, np.abs)


def squared(op: Affine) -> Affine:
    """The layer with every number in it squared: what it does to variances, at most."""
    if isinstance(op, Sum):
        return Sum(tuple(f * f for f in op.factors))
    return _on_numbers(op, np.square)


def _on_numbers(op: Affine, function: Any) -> Affine:
    real = {
        f.name: function(getattr(op, f.name))
        for f in fields(op)  # type: ignore[arg-type]
        if isinstance(getattr(op, f.name), np.ndarray) and getattr(op, f.name).dtype.kind == "f"
    }
    return replace(op, **real)  # type: ignore[type-var]


def reachable_slopes(units: Units, low: Floats, high: Floats) -> Floats | None:
    """The largest slopes (B, o) in magnitude of the pieces that inputs (B, i) in [low, high] meet.

    None for maxima.
    """
    if not isinstance(units, Pieces):
        return None
    edge = np.full((1, units.knots.shape[1]), np.inf)
    begin, end = np.vstack([-edge, units.knots]), np.vstack([units.knots, edge])
    met = (end >= low[:, None]) & (begin <= high[:, None])
    return np.asarray(np.where(met, np.abs(units.slopes), 0.0).max(axis=1))


def slopes_of_code(units: Units, code: Codes) -> Floats | None:
    """Slopes (B, o), in magnitude, of the pieces of a code; None for maxima."""
    return np.abs(units.slopes_of(code)) if isinstance(units, Pieces) else None


def _weights(op: Any) -> Floats:
    """The numbers that an op multiplies by."""
    named = [getattr(op, name, None) for name in ("W", "a")]
    real = [np.asarray(x).reshape(-1) for x in named if x is not None]
    return np.concatenate([*real, np.asarray(getattr(op, "factors", ()), dtype=np.float64)])


def _squares_fit(net: Network) -> bool:
    for node in net.nodes:
        if not node.is_piecewise and node.op is not None:
            size = np.abs(_weights(node.op))
            size = size[size > 0]
            if size.size and not 1 / SQUARE_RANGE < size.min() <= size.max() < SQUARE_RANGE:
                return False
    return True


def _most_conspiracy(net: Network) -> float:
    """`_conspiracy` at most: the root of how many terms are added up on any way through."""
    most = [1.0]
    for node in net.nodes[1:]:
        W = getattr(node.op, "W", None)
        window = getattr(node.op, "window", None)
        terms = prod(W.shape[1:]) if W is not None else prod(window.size) if window else 1
        terms *= 1 if node.is_piecewise else len(node.inputs)
        most.append(terms**0.5 * max(most[j] for j in node.inputs))
    return max(most)


def _conspiracy(net: Network) -> float:
    """How much larger errors are at worst than where they are independent, as far as it matters."""
    worst: dict[int, Floats] = {0: np.ones((1, *net.input_shape))}
    likely = dict(worst)
    for i, node in enumerate(net.nodes[1:], 1):
        op: Any = node.op
        for sums, magnitude in ((worst, absolute), (likely, squared)):
            inputs = [sums[j] for j in node.inputs]
            if node.is_piecewise:
                sums[i] = _behind_units(op, inputs[0], node.shape)
            else:
                sums[i] = magnitude(op).linear(*inputs)
        with np.errstate(all="ignore"):  # sums that overflow say nothing
            ratio = worst[i] / np.sqrt(likely[i])
        most = float(ratio[np.isfinite(ratio)].max(initial=1.0))
        if most > LIKELY_DEVIATIONS:
            return most
        for sums in (worst, likely):
            net.release(sums, i)
    return 1.0


def _behind_units(units: Any, sums: Floats, shape: Any) -> Floats:
    """Sums (1, *shape) behind units of slope 1."""
    if isinstance(units, Pieces):
        return sums
    flat = sums.reshape(-1)
    largest = np.where(units.groups >= 0, flat[units.groups], 0.0).max(axis=1)
    return np.asarray(largest.reshape(1, *shape))
