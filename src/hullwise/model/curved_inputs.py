"""Curved functions of two inputs in front of a network: exact, and as many flat pieces.

A network of x², xy or sin x is not piecewise affine in x and y: its regions have curved sides and
no slice of it is exact. Each curved function here is phi(c . x) for a direction c (products by way
of squares), and its chord through equally spaced knots is a unit of pieces like any other: behind
these the network is sliced exactly, for functions that are off by at most h²/8 max |phi''|.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._core.options import check_int
from .._core.types import Floats
from ..errors import DataError, ModelError
from ._arguments import border, check_network
from ._piecewise_layers import Pieces
from .affine_layers import Concat, Linear
from .network import Network
from .nodes import Node

INPUT_FUNCTIONS = ("x", "y", "x2", "y2", "xy", "sinx", "siny")
MAX_CHORDS = 256  # pieces of a unit that a code of one byte tells apart
CHORD_LAYER = "chords of curved inputs"


@dataclass(frozen=True)
class _Curve:
    """phi(direction . x), its derivative, the slope of a chord, the largest of |phi''| anywhere.

    The slope is a formula: a difference of values would lose all digits where a view is deep.
    """

    direction: tuple[float, float]
    phi: Callable[[Floats], Floats]
    derivative: Callable[[Floats], Floats]
    chord_slope: Callable[[Floats, Floats], Floats]
    curvature: float


def _square(a: float, b: float) -> _Curve:
    return _Curve((a, b), np.square, lambda t: 2 * t, lambda s, t: s + t, 2.0)


def _sine_chord_slope(s: Floats, t: Floats) -> Floats:
    half = (t - s) / 2
    return np.asarray(np.cos((s + t) / 2) * np.sinc(half / np.pi))


def _sine(a: float, b: float) -> _Curve:
    return _Curve((a, b), np.sin, np.cos, _sine_chord_slope, 1.0)


@dataclass(frozen=True, repr=False)
class CurvedInputs:
    """Functions of two inputs, in the order in which a network takes them.

    Parameters
    ----------
    names : sequence of {"x", "y", "x2", "y2", "xy", "sinx", "siny"}
        Each at most once.

    Raises
    ------
    DataError
        For an unknown name, one given twice, or none at all.

    Notes
    -----
    Calling it gives the functions themselves, (m, 2) to (m, p); `jacobians` their derivatives.
    `network` puts them in front of a network as chords. A product is a difference of squares:
    ``xy = ((x + y)² - x² - y²) / 2`` where both squares are inputs already, else
    ``((x + y)² - (x - y)²) / 4``.

    Examples
    --------
    >>> import hullwise as hw
    >>> inputs = hw.model.CurvedInputs(["x2", "y2"])
    >>> inputs([[3.0, -2.0]])
    array([[9., 4.]])
    >>> ring = hw.model.from_arrays([[[1.0, 1.0]], [[1.0]]], [[-1.0], [0.0]])  # max(0, u + v - 1)
    >>> net = inputs.network(ring, [-2, -2], [2, 2], n_pieces=8)
    >>> net([[1.0, 1.0]]), net([[1.25, 1.0]])  # 1.5625 is drawn as 1.625
    (array([[1.]]), array([[1.625]]))
    >>> inputs.error_bounds([-2, -2], [2, 2], n_pieces=8)
    array([0.0625, 0.0625])
    """

    names: tuple[str, ...]

    def __init__(self, names: Sequence[str]) -> None:
        chosen = tuple(names)
        unknown = [name for name in chosen if name not in INPUT_FUNCTIONS]
        if unknown:
            raise DataError(
                f"{unknown[0]!r} is no function of the inputs; expected "
                f"{', '.join(INPUT_FUNCTIONS)}"
            )
        if not chosen or len(set(chosen)) < len(chosen):
            raise DataError("give at least one function of the inputs, and each of them once")
        object.__setattr__(self, "names", chosen)

    @property
    def is_curved(self) -> bool:
        """Whether any of them is not affine."""
        return not set(self.names) <= {"x", "y"}

    @cached_property
    def _parts(self) -> tuple[list[_Curve], Floats]:
        """The curves, and what makes the functions of (x, y, curves): (p, 2 + q)."""
        squares = {"x2", "y2"} <= set(self.names)
        made_of: dict[str, list[tuple[_Curve, float]]] = {
            "x2": [(_square(1, 0), 1.0)],
            "y2": [(_square(0, 1), 1.0)],
            "xy": [(_square(1, 1), 0.25), (_square(1, -1), -0.25)],
            "sinx": [(_sine(1, 0), 1.0)],
            "siny": [(_sine(0, 1), 1.0)],
        }
        curves: list[_Curve] = []
        weights = np.zeros((len(self.names), 2 + 2 * len(self.names)))
        for row, name in zip(weights, self.names, strict=True):
            for curve, weight in made_of.get(name, []):
                row[2 + len(curves)] = weight
                curves.append(curve)
            if name in ("x", "y"):
                row["xy".index(name)] = 1.0
        if squares and "xy" in self.names:
            self._share_squares(curves, weights)
        return curves, weights[:, : 2 + len(curves)]

    def _share_squares(self, curves: list[_Curve], weights: Floats) -> None:
        """The product from (x + y)² and the squares that are there: one family of walls less."""
        product = self.names.index("xy")
        sum_, difference = np.flatnonzero(weights[product])
        del curves[difference - 2]
        weights[:, difference:-1] = weights[:, difference + 1 :].copy()
        weights[product] = 0.0
        weights[product, sum_] = 0.5
        for name in ("x2", "y2"):
            (own,) = np.flatnonzero(weights[self.names.index(name)])
            weights[product, own] = -0.5

    @border("evaluating the functions of the inputs")
    def __call__(self, X: Any) -> Floats:
        """The functions (m, p) at points X (m, 2)."""
        X = _points(X)
        curves, weights = self._parts
        inner = [curve.phi(X @ np.array(curve.direction)) for curve in curves]
        out = np.column_stack([X, *inner]) @ weights.T
        if "xy" in self.names:
            out[:, self.names.index("xy")] = X[:, 0] * X[:, 1]
        return np.asarray(out)

    @border("differentiating the functions of the inputs")
    def jacobians(self, X: Any) -> Floats:
        """Their derivatives (m, p, 2) at points X (m, 2)."""
        X = _points(X)
        curves, weights = self._parts
        inner = np.zeros((len(X), 2 + len(curves), 2))
        inner[:, :2] = np.eye(2)
        for j, curve in enumerate(curves):
            direction = np.array(curve.direction)
            inner[:, 2 + j] = curve.derivative(X @ direction)[:, None] * direction
        return np.asarray(weights @ inner)

    def _steps(self, low: Floats, high: Floats, n_pieces: int) -> tuple[Floats, Floats]:
        """Where the knots of each curve begin, and how far apart they are: (q,), (q,)."""
        C = np.array([curve.direction for curve in self._parts[0]]).reshape(-1, 2)
        begin = np.minimum(C * low, C * high).sum(axis=1)
        end = np.maximum(C * low, C * high).sum(axis=1)
        return begin, (end - begin) / n_pieces

    @border("bounding the error of chords")
    def error_bounds(self, low: Any, high: Any, n_pieces: int = 32) -> Floats:
        """How far each function (p,) is at most from its chords within the rectangle [low, high].

        h²/8 times the largest second derivative, h the distance of the knots; of a product, which
        is a weighted sum of squares too high by h²/4 at most, the larger of what the positive and
        the negative weights allow.
        """
        low, high, n_pieces = _rectangle(low, high, n_pieces)
        curves, weights = self._parts
        _, step = self._steps(low, high, n_pieces)
        each = step**2 / 8 * np.array([curve.curvature for curve in curves])
        parts = weights[:, 2:] * each
        return np.asarray(
            np.maximum(np.maximum(parts, 0).sum(axis=1), np.maximum(-parts, 0).sum(axis=1))
        )

    @border("putting curved inputs in front of the network")
    def network(self, net: Network, low: Any, high: Any, n_pieces: int = 32) -> Network:
        """The network of the functions as one of x and y, its curved inputs drawn in chords.

        Parameters
        ----------
        net : Network
            Of p inputs, these functions.
        low, high : array-like (2,)
            The rectangle in which the chords lie; beyond it the outer ones go straight on.
        n_pieces : int, default=32
            Chords of each curved function, at most 256.

        Returns
        -------
        Network
            Of two inputs. Where any function is curved its first layer of units is that of the
            chords, named ``"chords of curved inputs"``; its walls are the knots', which are no
            walls of the network, and its codes no part of the network's own.

        Raises
        ------
        ModelError
            If the network takes another number of inputs.
        DataError
            If the rectangle is empty or n_pieces out of range.

        Notes
        -----
        Exact for the chords: the functions themselves are off by at most `error_bounds`. Cost:
        O(p n_pieces), the network's own layers are shared. A slice of it has at least as many
        cells as the knots' walls make, about n_pieces² for x² and y².
        """
        check_network(net, "CurvedInputs.network")
        if net.n_inputs != len(self.names) or len(net.input_shape) != 1:
            raise ModelError(
                f"the network takes {net.n_inputs} inputs, but there are {len(self.names)} "
                f"functions of x and y: {', '.join(self.names)}"
            )
        low, high, n_pieces = _rectangle(low, high, n_pieces)
        if self.names == ("x", "y"):
            return net
        front = self._front_nodes(low, high, n_pieces)
        shift = len(front) - 1
        behind = (
            Node(node.name, node.op, tuple(j + shift for j in node.inputs), node.shape)
            for node in net.nodes[1:]
        )
        return Network((*front, *behind), net.source, net.output_activations)

    def _front_nodes(self, low: Floats, high: Floats, n_pieces: int) -> tuple[Node, ...]:
        curves, weights = self._parts
        p, q = len(self.names), len(curves)
        inputs = Node("input", None, (), (2,))
        if not q:
            return inputs, Node("chosen inputs", Linear(weights), (0,), (p,))
        C = np.array([curve.direction for curve in curves])
        begin, step = self._steps(low, high, n_pieces)
        knots = begin + step * np.arange(n_pieces + 1)[:, None]
        own = list(zip(curves, knots.T, strict=True))
        values = np.column_stack([curve.phi(t[:-1]) for curve, t in own])
        slopes = np.column_stack([curve.chord_slope(t[:-1], t[1:]) for curve, t in own])
        chords: Any = Pieces("chords", knots[1:-1].copy(), slopes, values - slopes * knots[:-1])
        return (
            inputs,
            Node("directions", Linear(C), (0,), (q,)),
            Node(CHORD_LAYER, chords, (1,), (q,)),
            Node("inputs and chords", Concat(0), (0, 2), (2 + q,)),
            Node("functions of inputs", Linear(weights), (3,), (p,)),
        )

    def __repr__(self) -> str:
        return f"CurvedInputs({', '.join(self.names)})"


def _points(X: Any) -> Floats:
    points = np.asarray(X, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise DataError(f"X has shape {points.shape}; give finite points (m, 2)")
    return points


def _rectangle(low: Any, high: Any, n_pieces: int) -> tuple[Floats, Floats, int]:
    low, high = (np.asarray(end, dtype=np.float64) for end in (low, high))
    if low.shape != (2,) or high.shape != (2,) or not np.isfinite([*low, *high]).all():
        raise DataError("low and high are the corners (2,) of a rectangle, of finite numbers")
    if not (low < high).all():
        raise DataError(f"the rectangle from {low} to {high} is empty; low is below high")
    n_pieces = check_int("n_pieces", n_pieces, 2)
    if n_pieces > MAX_CHORDS:
        raise DataError(f"n_pieces is {n_pieces}; it is at most {MAX_CHORDS}")
    return low, high, n_pieces
