"""What a name in a graph stands for while the graph is read: numbers, a layer, or what follows.

Rows of a batch lie along the first axis of a value. A graph whose input is declared for one row
(1, ...) or without a batch is read as one row; else as `n_rows` rows, and whatever mixes them is
refused. A node of the network holds one row's share: (k, *rest) where the value is
(n_rows * k, *rest), so that axes have the same numbers in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...affine_layers import Shape
from ...output_activations import OutputActivation
from .._entrywise import Entrywise


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers (float64, whole or truth values) or texts that do not depend on the input."""

    array: NDArray[Any]

    @property
    def shape(self) -> Shape:
        return self.array.shape


@dataclass(frozen=True, eq=False)
class Signal:
    """A value made of the input by affine and piecewise affine layers.

    table, where it is not None, holds for each place the entry's number from 1 in the node's whole
    batch (0: a zero): the rows are then not along the first axis.
    """

    node: int
    shape: Shape
    table: NDArray[np.int64] | None = None
    whole: bool = False  # declared as whole numbers: the input of a file that casts it first


@dataclass(frozen=True, eq=False)
class Derived:
    """What stands behind the functions at the end: probabilities, labels.

    Attributes
    ----------
    base : Signal
        What enters the first of them.
    source : str
        Its name in the graph; empty within a function.
    activations : tuple of OutputActivation
        They, in order.
    names : tuple of str
        Operators and names of the layers, for messages.
    in_order : bool
        Whether these are still the functions' outputs, all and in order (not a label of them).
    shape : tuple of int or None
        Unknown behind what makes labels.
    """

    base: Signal
    source: str
    activations: tuple[OutputActivation, ...]
    names: tuple[tuple[str, str], ...]
    in_order: bool
    shape: Shape | None


@dataclass(frozen=True, eq=False)
class Steps:
    """What jumps: a comparison, a sign, a mask, and what is made of them until they meet again.

    `layer` and `title` are those of the first one, for messages; `function` is of one row.
    """

    layer: str
    title: str
    function: Entrywise
    shape: Shape


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list of values."""

    items: tuple[Constant | Signal, ...]
    shape: Shape | None = None


@dataclass(frozen=True, eq=False)
class Unread:
    """An output that is not followed: the places of maxima. Using it is refused."""

    layer: str
    title: str
    shape: Shape | None = None


Value = Constant | Signal | Derived | Steps | Sequence | Unread
