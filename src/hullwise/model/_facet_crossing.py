"""The walls of many regions at once with what rounding may leave of a zero, and what lies across.

Across a facet no value at a point is looked at. All walls that vanish on the whole facet flip or
stay together and no others can: their units' new pieces are those of the *germ* that leaves the
facet, found layer by layer from the derivative along the outward normal, which deeper layers get
through the new pieces. So ties of copied, dead and bias-free units are decided as they are just
beyond the facet, and a unit that rests exactly at its knot there has the lower code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .._core.types import Floats, Mask
from ._piecewise_layers import Codes, Pieces
from ._rounding import slopes_of_code
from .network import Network
from .tangents import first_tangents


@dataclass(frozen=True, eq=False)
class WallRows:
    """Walls of B regions, relative to a point of each: G (B, k, t), c (B, k), values A u + b.

    slopes, values (B, k): what rounding may leave of a zero in a row's length and in c.
    maps (B, n_outputs, 1 + t): the outputs at the point, then their slopes; map_slopes, map_values
    (B, n_outputs) are the same for them.
    """

    G: Floats
    c: Floats
    slopes: Floats
    values: Floats
    maps: Floats
    map_slopes: Floats
    map_values: Floats


class WallCoordinates:
    """A network on the space that its first units see, in coordinates about points.

    Where one narrow layer comes first these are fewer than the inputs; lengths are the same.
    """

    def __init__(self, net: Network, basis: bool = True) -> None:
        self.net = net
        self._rounding = net.rounding_errors
        self._nodes = [layer.node for layer in net.layers]
        if basis and net.layers:
            start = first_tangents(net)
            self.basis, self._tangents, self._after = start.basis, start.outputs, start.after
        else:
            self.basis, self._tangents = None, {0: np.eye(net.n_inputs)[None]}
            self._after = self._nodes[0] - 1 if self._nodes else 0
            if self._after:
                net.resume(self._tangents, 0, origin=False, until=self._after)
        self.d = next(iter(self._tangents.values())).shape[1]

    def point(self, x: Floats, u: Floats) -> Floats:
        """The input at coordinates u (t,) or (k, t) about x."""
        return x + (u if self.basis is None else u @ self.basis)

    def _push_to_first_units(self, block: Floats, origin: bool) -> dict[int, Floats]:
        outputs = {0: block}
        if self._after:
            self.net.resume(outputs, 0, origin=origin, until=self._after)
        return outputs

    def _first_errors(self, size: Floats, origin: bool) -> dict[int, Floats]:
        """The errors at the first units of inputs of this size (B, T, d)."""
        errors = {0: self._rounding.of_rounding(size)}
        self._rounding.advance(errors, 0, self._after, origin)
        return errors

    def _layers(
        self, outputs: dict[int, Floats], errors: dict[int, Floats], code: Codes, origin: bool
    ) -> Iterator[tuple[int, Any, Floats, Floats]]:
        """(layer, units, their input, its error) one layer after another; code is read after."""
        after = self._after
        for i, node in enumerate(self._nodes):
            if node - 1 > after:
                self.net.resume(outputs, after, code, origin=origin, until=node - 1)
                self._rounding.advance(errors, after, node - 1, origin)
            entry = self.net.nodes[node].inputs[0]
            units: Any = self.net.nodes[node].op
            z, error = outputs[entry], errors[entry]
            yield i, units, z, error
            self.net.resume(outputs, node - 1, code, origin=origin, until=node)
            slopes = slopes_of_code(units, code[:, self.net.layers[i].columns])
            leaving = _size(outputs[node], origin)
            entering = partial(_size, z, origin)
            errors[node] = self._rounding.through_units(units, error, slopes, entering, leaving)
            self.net.release(errors, node)
            after = node
        end = len(self.net.nodes) - 1
        if end > after:
            self.net.resume(outputs, after, code, origin=origin)
            self._rounding.advance(errors, after, end, origin)

    def rows(self, X: Floats, code: Codes) -> WallRows:
        """The walls of the pieces `code` (B, n_units), about the points X (B, d)."""
        B = len(X)
        at = self._push_to_first_units(X[:, None], True)
        outputs = {
            j: np.concatenate([at[j], np.broadcast_to(b, (B, *b.shape[1:]))], axis=1)
            for j, b in self._tangents.items()
        }
        errors = self._first_errors(np.stack([np.abs(X), np.ones_like(X)], axis=1), True)
        G, noise = [], []
        for i, units, z, error in self._layers(outputs, errors, code, True):
            G.append(units.walls(z, code[:, self.net.layers[i].columns], True))
            noise.append(wall_errors(units, error))
        t, end = self.d, len(self.net.nodes) - 1
        walls = np.concatenate(G, axis=2) if G else np.zeros((B, 1 + t, 0))
        bounds = self._rounding.bound(np.concatenate(noise, axis=2) if G else np.zeros((B, 2, 0)))
        out_bounds = self._rounding.bound(errors[end])
        return WallRows(
            G=np.ascontiguousarray(walls[:, 1:].transpose(0, 2, 1)),
            c=walls[:, 0].copy(),
            slopes=np.ascontiguousarray(bounds[:, 1]),
            values=np.ascontiguousarray(bounds[:, 0]),
            maps=outputs[end].transpose(0, 2, 1),
            map_slopes=out_bounds[:, 1],
            map_values=out_bounds[:, 0],
        )

    def generic_pattern(self, X: Floats, along: Floats) -> Codes:
        """Codes (B, n_units) just beyond X (B, d) in the directions `along` (B, d)."""
        outputs = self._push_to_first_units(np.stack([X, along], axis=1), True)
        errors = self._first_errors(np.stack([np.abs(X), np.ones_like(X)], axis=1), True)
        code = np.zeros((len(X), self.net.n_units), dtype=self.net.code_dtype)
        for i, units, z, error in self._layers(outputs, errors, code, True):
            noise = self._rounding.bound(error[:, 0])
            code[:, self.net.layers[i].columns] = units.code(z[:, 0], z[:, 1], noise)
        return self.pattern_at(X, code)

    def pattern_at(self, X: Floats, code: Codes | None = None) -> Codes:
        """Codes at X (B, d); units that rest at a knot all through the region on the lower side."""
        code = self.net.codes(X) if code is None else code
        for _ in range(1 + len(self.net.layers)):
            rows = self.rows(X, code)
            still = np.linalg.norm(rows.G, axis=2) <= rows.slopes
            still &= np.abs(rows.c) <= rows.values
            new = self.neighbour_pattern(code, still, np.zeros((len(X), self.d)))
            if (new == code).all():
                break
            code = new
        return code

    def neighbour_pattern(self, code: Codes, vanish: Mask, normals: Floats) -> Codes:
        """The codes (B, n_units) across a facet of each region, along normals (B, t) out of it.

        vanish (B, k) are the walls that are zero on the whole facet.
        """
        B, new, at = len(code), code.copy(), 0
        outputs = {
            j: np.einsum("bt,tw->bw", normals, b[0])[:, None].copy()
            for j, b in self._tangents.items()
        }
        errors = self._first_errors(np.ones((B, 1, self.net.n_inputs)), False)
        for i, units, z, error in self._layers(outputs, errors, new, False):
            columns = self.net.layers[i].columns
            mine = vanish[:, at : at + units.n_walls]
            at += units.n_walls
            if mine.any():
                noise = self._rounding.bound(error[:, 0])
                new[:, columns] = _crossed_pieces(units, code[:, columns], mine, z[:, 0], noise)
            if at == vanish.shape[1]:  # the rest of the network decides nothing
                break
        return new


def _size(block: Floats, origin: bool) -> Floats:
    """(B, 2, w): of the point and of the tangents; (B, 1, w) without a point."""
    if not origin:
        return np.abs(block)
    length = np.sqrt(np.einsum("btw,btw->bw", block[:, 1:], block[:, 1:]))
    return np.stack([np.abs(block[:, 0]), length], axis=1)


def wall_errors(units: Any, errors: Floats) -> Floats:
    """Errors of a layer's walls from those of its input (B, T, i)."""
    if isinstance(units, Pieces):
        return np.tile(errors, len(units.knots))
    entries = units.entries(errors, 0.0)
    largest = entries.max(axis=3, keepdims=True)
    return np.asarray((entries + largest).reshape(*errors.shape[:2], -1))


def _crossed_pieces(units: Any, code: Codes, vanish: Mask, slope: Floats, noise: Floats) -> Codes:
    """New pieces (B, o) where walls vanish (B, n_walls) and the input moves by slope (B, i)."""
    if isinstance(units, Pieces):
        tied = vanish.reshape(len(code), *units.knots.shape)
        places = np.arange(len(units.knots))[:, None]
        below = ((code[:, None, :] > places) & ~tied).sum(axis=1)
        up = np.where(slope > noise, tied.sum(axis=1), 0)
        return np.asarray((below + up).astype(code.dtype))
    tied = vanish.reshape(len(code), *units.groups.shape)
    np.put_along_axis(tied, code[:, :, None].astype(np.int64), True, axis=2)
    tied &= units.groups >= 0
    slopes = np.where(tied, units.entries(slope, -np.inf), -np.inf)
    room = units.entries(noise, 0.0).max(axis=2)
    return np.asarray(
        (slopes >= (slopes.max(axis=2) - 2 * room)[:, :, None]).argmax(axis=2)
    ).astype(code.dtype)
