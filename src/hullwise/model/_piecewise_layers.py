"""Layers that are piecewise affine: the code of a piece, its slopes, its walls.

Balestriero & Baraniuk (2018): each unit is a max of affine pieces (a difference of two such
where it is not convex). A layer's *code* says for every unit which piece its input lies on. Its
*walls* are the affine functions of the layer's input whose signs are that code: z - t for every
knot t of a unit, z_winner - z_other for every other entry of a maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Mask
from .affine_layers import Shape
from .smooth_functions import SmoothFunction

Codes = NDArray[np.integer[Any]]


class Units(Protocol):
    """A layer of units on flat inputs (B, i): outputs (B, o), codes (B, o)."""

    kind: str

    def shape(self, *shapes: Shape) -> Shape:
        """Of the output."""

    @property
    def n_walls(self) -> int:
        """Walls of the layer, in the order of `walls`."""

    def code(self, z: Floats, along: Floats | None = None, noise: Floats | None = None) -> Codes:
        """Codes (B, o) of inputs (B, i).

        What is nearer to a wall than the noise of its entries, (i,) or (B, i), counts as on it: it
        has the lowest code there, or with directions `along` (B, i) that of the side it goes to
        when z moves along them.
        """

    def code_or_close(self, z: Floats, noise: float) -> tuple[Codes, Mask | None]:
        """Codes by the signs as computed, and the rows where this noise in z would lower one.

        None where there is no such row.
        """

    def push(self, block: Floats, code: Codes, origin: bool) -> Floats:
        """Blocks (B, T, i) through the pieces (B, o): (B, T, o).

        Slot 0 takes the pieces' offsets where `origin` says that it holds points; all other slots
        are tangents.
        """

    def pull(self, block: Floats, code: Codes, width: int) -> Floats:
        """The adjoint of the slopes: blocks (B, T, o) to (B, T, width of the input)."""

    def walls(self, block: Floats, code: Codes, origin: bool) -> Floats:
        """The walls of blocks (B, T, i), signed so that the piece is where all are >= 0.

        (B, T, n_walls); a wall that is none (a maximum's winner against itself) is 0 throughout.
        """

    def wall_norms(self, block: Floats, code: Codes) -> Floats:
        """Squared norms (B, n_walls) over the tangents (B, T, i) of the walls."""

    def wall_units(self) -> NDArray[np.int64]:
        """The unit of each wall: (n_walls)."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """y = slopes[r] z + offsets[r] with r the number of knots below z; continuous.

    knots (p, o) rising, slopes and offsets (p + 1, o). A unit exactly at a knot has the lower code.
    """

    kind: str
    knots: Floats
    slopes: Floats
    offsets: Floats
    stands_for: SmoothFunction | None = None  # what the pieces take the place of
    error: float = 0.0  # how far they are off that at most

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if int(np.prod(shape)) != self.knots.shape[1]:
            raise ValueError(f"has {self.knots.shape[1]} units and is given shape {shape}")
        return shape

    @property
    def n_walls(self) -> int:
        return int(self.knots.size)

    def code(self, z: Floats, along: Floats | None = None, noise: Floats | None = None) -> Codes:
        gaps = z[:, None, :] - self.knots
        above = gaps > 0
        if noise is not None:
            near = np.abs(gaps) <= noise[..., None, :]
            above = np.where(near, False if along is None else along[:, None, :] > 0, above)
        if len(self.knots) == 1:
            return np.asarray(above[:, 0].view(np.uint8))
        return np.asarray(above.sum(axis=1, dtype=np.uint8))

    def code_or_close(self, z: Floats, noise: float) -> tuple[Codes, Mask | None]:
        code = self.code(z)
        if self._at_zero and np.count_nonzero(z > noise) == np.count_nonzero(code):
            return code, None
        gaps = z[:, None, :] - self.knots
        close = np.asarray(((gaps > 0) & (gaps <= noise)).any(axis=(1, 2)))
        return code, close if close.any() else None

    @cached_property
    def _at_zero(self) -> bool:
        """Whether every unit has one knot, at zero."""
        return len(self.knots) == 1 and not self.knots.any()

    def slopes_of(self, code: Codes) -> Floats:
        """Slopes (B, o) of the pieces."""
        return self._of(self.slopes, code)

    def push(self, block: Floats, code: Codes, origin: bool) -> Floats:
        out = block * self._of(self.slopes, code)[:, None, :]
        if origin and self.shifted:
            out[:, 0] += self._of(self.offsets, code)
        return out

    def _of(self, values: Floats, code: Codes) -> Floats:
        """values (p + 1, o) on the pieces: (B, o)."""
        if len(values) == 2:
            return np.asarray(np.where(code, values[1], values[0]))
        return np.asarray(values[code, np.arange(code.shape[1])])

    @cached_property
    def shifted(self) -> bool:
        """Whether any piece has an offset."""
        return bool(self.offsets.any())

    def pull(self, block: Floats, code: Codes, width: int) -> Floats:
        return block * self._of(self.slopes, code)[:, None, :]

    def walls(self, block: Floats, code: Codes, origin: bool) -> Floats:
        B, T, o = block.shape
        out = np.repeat(block[:, :, None, :], len(self.knots), axis=2)
        if origin:
            out[:, 0] -= self.knots
        sign = np.where(code[:, None, :] > np.arange(len(self.knots))[:, None], 1.0, -1.0)
        out *= sign[:, None]
        return out.reshape(B, T, -1)

    def wall_norms(self, block: Floats, code: Codes) -> Floats:
        return np.tile(np.einsum("bti,bti->bi", block, block), len(self.knots))

    def wall_units(self) -> NDArray[np.int64]:
        return np.tile(np.arange(self.knots.shape[1]), len(self.knots))


@dataclass(frozen=True, eq=False)
class Largest:
    """The largest of k entries of the flat input: max pooling, the maximum of two tensors.

    groups (o, k) names them, -1 no entry (a window over the edge). The code is the place of the
    first largest one within its group.
    """

    kind: str
    groups: NDArray[np.int64]
    to: Shape

    def shape(self, *shapes: Shape) -> Shape:
        return self.to

    @property
    def n_walls(self) -> int:
        return int(self.groups.size)

    def code(self, z: Floats, along: Floats | None = None, noise: Floats | None = None) -> Codes:
        entries = self.entries(z, -np.inf)
        if noise is not None:
            spread = self.entries(noise, 0.0)
            near = entries + spread >= (entries - spread).max(axis=2, keepdims=True)
            ties = 0.0 if along is None else self.entries(along, -np.inf)
            entries = np.where(near, ties, -np.inf)
        return np.asarray(entries.argmax(axis=2).astype(self._code_type))

    @property
    def _code_type(self) -> Any:
        return np.uint8 if self.groups.shape[1] <= 256 else np.uint16

    def code_or_close(self, z: Floats, noise: float) -> tuple[Codes, Mask | None]:
        entries = self.entries(z, -np.inf)
        code = entries.argmax(axis=2)
        best = np.take_along_axis(entries, code[:, :, None], axis=2)
        equal = np.count_nonzero(entries == best)
        close = entries >= best - 2 * noise
        code = code.astype(self._code_type)
        if np.count_nonzero(close) == equal:
            return code, None
        return code, np.asarray((close & (entries < best)).any(axis=(1, 2)))

    def entries(self, z: Floats, missing: float) -> Floats:
        """Of inputs (..., i) those of each maximum: (..., o, k)."""
        return np.where(self.groups >= 0, z[..., self.groups], missing)

    def _winners(self, code: Codes) -> NDArray[np.int64]:
        return self.groups[np.arange(len(self.groups)), code]

    def push(self, block: Floats, code: Codes, origin: bool) -> Floats:
        return np.take_along_axis(block, self._winners(code)[:, None, :], axis=2)

    def pull(self, block: Floats, code: Codes, width: int) -> Floats:
        B, T, o = block.shape
        out = np.zeros((B, T, width))
        rows, slots = np.arange(B)[:, None, None], np.arange(T)[None, :, None]
        np.add.at(out, (rows, slots, self._winners(code)[:, None, :]), block)
        return out

    def walls(self, block: Floats, code: Codes, origin: bool) -> Floats:
        won = self.push(block, code, origin)[..., None]
        rest = np.where(self.groups >= 0, won - block[..., self.groups], 0.0)
        return np.asarray(rest.reshape(*block.shape[:2], -1))

    def wall_norms(self, block: Floats, code: Codes) -> Floats:
        walls = self.walls(block, code, False)
        return np.asarray(np.einsum("bti,bti->bi", walls, walls))

    def wall_units(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.groups)), self.groups.shape[1])


def relu(n: int) -> Pieces:
    """max(z, 0) on n units."""
    return pieces("relu", n, [0.0], [0.0, 1.0])


def pieces(kind: str, n: int, knots: Any, slopes: Any, at: float = 0.0, value: Any = 0.0) -> Pieces:
    """n equal or unlike units from knots (p,) or (p, n), slopes (p + 1,) or (p + 1, n).

    The offsets follow from continuity and from the output `value` at the input `at`.
    """
    t = np.broadcast_to(np.asarray(knots, float).reshape(len(knots), -1), (len(knots), n))
    s = np.broadcast_to(np.asarray(slopes, float).reshape(len(slopes), -1), (len(slopes), n))
    offsets = np.zeros((len(s), n))
    for r in range(len(t)):
        offsets[r + 1] = offsets[r] + (s[r] - s[r + 1]) * t[r]
    here = (np.asarray(at) > t).sum(axis=0)
    units = np.arange(n)
    offsets += np.asarray(value) - (s[here, units] * at + offsets[here, units])
    return Pieces(kind, np.ascontiguousarray(t), np.ascontiguousarray(s), offsets)
