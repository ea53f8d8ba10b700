"""The parts of a network's graph: its nodes, and where its layers of units stand in a code."""

from __future__ import annotations

from dataclasses import dataclass

from ._piecewise_layers import Units
from .affine_layers import Affine, Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One layer: `op` on the outputs of `inputs` (indices of earlier nodes; 0 is the input)."""

    name: str
    op: Affine | Units | None
    inputs: tuple[int, ...]
    shape: Shape

    @property
    def is_piecewise(self) -> bool:
        """Whether its units have pieces."""
        return hasattr(self.op, "code")


@dataclass(frozen=True, eq=False)
class UnitLayer:
    """One layer of units: where its codes stand in the whole code."""

    name: str
    kind: str
    node: int
    n_units: int
    start: int

    @property
    def columns(self) -> slice:
        return slice(self.start, self.start + self.n_units)
