"""Smooth activations as straight pieces with a stated error, where the caller asks for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...errors import Hint, ModelError
from .._piecewise_layers import Pieces, pieces
from ..affine_layers import Scale
from ..smooth_functions import SmoothFunction, gelu, hardswish, known_interpolant, silu
from ._basic_layers import BasicLayers
from ._refusals import Refusal, refuse

MOST_PIECES = 254  # knots of a unit: codes count them in a byte
GATE_TITLE = "product of two branches"
SMOOTH_KINDS = {  # as torch and ONNX call them, in small letters
    *("gelu", "silu", "mish", "tanh", "sigmoid", "expit", "softplus", "elu", "selu", "celu"),
    *("hardswish", "swish", "erf"),
}


def smooth_hint(title: str) -> Hint | None:
    """What helps against a layer that messages call so, where pieces can take its place."""
    return Hint.STRAIGHT_PIECES if title.partition(" ")[0].lower() in SMOOTH_KINDS else None


class SmoothLayers(BasicLayers):
    """A builder that puts pieces in the place of smooth units if it has an error for them."""

    unit_error: float | None = None

    def smooth(
        self,
        name: str,
        title: str,
        node: int,
        make: Callable[..., SmoothFunction],
        *parameters: float,
    ) -> int:
        """Straight pieces in the place of a smooth function, within `unit_error` of it.

        Raises
        ------
        ModelError
            If no error is allowed, or it would take more pieces than a code can count.
        """
        if self.unit_error is None:
            refuse(name, title, Refusal.CURVED, hint=Hint.STRAIGHT_PIECES)
        function, line = known_interpolant(make, parameters, self.unit_error)
        if len(line.knots) > MOST_PIECES:
            raise ModelError(
                f"layer {name!r}: an error of {self.unit_error:g} takes {len(line.knots)} pieces "
                f"of each {function.name}, and {MOST_PIECES} are possible; give a larger error="
            )
        n = math.prod(self.shape(node))
        self.check_array((2 + 3 * len(line.knots), n), name)
        units = pieces(function.name, n, line.knots, line.slopes, line.knots[0], line.first_value)
        return self.add(name, replace(units, stands_for=function, error=line.error), node)

    def gated(self, name: str, first: int, second: int) -> int | None:
        """A product of two nodes that is one activation.

        z sigmoid(z), z hard_sigmoid(z), or z (1 + erf(z / sqrt(2))), a GELU twice.
        """
        for gate, node in ((first, second), (second, first)):
            written_out = self._gelu_written_out(name, gate, node)
            if written_out is not None:
                return written_out
            op = self.nodes[gate].op
            if isinstance(op, Pieces) and self.nodes[gate].inputs == (node,):
                if op.stands_for is not None and op.stands_for.name == "sigmoid":
                    return self.smooth(name, GATE_TITLE, node, silu)
                if op.kind == "hard_sigmoid" and _is_standard(op):
                    return self.smooth(name, GATE_TITLE, node, hardswish)
        return None

    def _gelu_written_out(self, name: str, gate: int, node: int) -> int | None:
        """f y c (1 + erf(k y)), as 2 f c / l gelu(l y) with l = k sqrt(2); None: it is none."""
        c, d, inner = self._affine_of(gate)
        op = self.nodes[inner].op
        named = isinstance(op, Pieces) and op.stands_for is not None
        if not named or op.stands_for.name != "erf" or c == 0 or abs(c - d) > 1e-6 * abs(c):  # type: ignore[union-attr]
            return None
        k, shift, inside = self._affine_of(self.nodes[inner].inputs[0])
        f, offset, outside = self._affine_of(node)
        if inside != outside or shift or offset or not k:
            return None
        width = k * math.sqrt(2)
        z = self.scale(f"{name} (inside)", inside, width)
        return self.scale(name, self.smooth(name, GATE_TITLE, z, gelu), 2 * f * c / width)

    def _affine_of(self, node: int) -> tuple[float, float, int]:
        """a, b and y where a node is a y + b with the same a and b for all entries."""
        a, b = 1.0, 0.0
        while isinstance(op := self.nodes[node].op, Scale):
            shift = np.zeros(1) if op.b is None else op.b
            if np.ptp(op.a) or np.ptp(shift):
                break
            b += a * float(shift.flat[0])
            a *= float(op.a.flat[0])
            (node,) = self.nodes[node].inputs
        return a, b, node


def _is_standard(op: Pieces) -> bool:
    """Whether a hard sigmoid is clip(z + 3, 0, 6) / 6, in float32 too."""
    knots = np.abs(np.abs(op.knots) - 3).max() <= 1e-6
    return bool(knots and op.knots.shape[0] == 2 and np.abs(op.slopes[1] - 1 / 6).max() <= 1e-7)
