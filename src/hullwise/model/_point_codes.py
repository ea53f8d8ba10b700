"""Activation codes at points: a unit within rounding of a knot has the lower code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats, Mask
from ._piecewise_layers import Codes
from ._rounding import ErrorScreen, reachable_slopes

if TYPE_CHECKING:
    from .network import Network


def codes_and_outputs(net: Network, X: Floats) -> tuple[Codes, Floats]:
    """Codes (m, n_units) and outputs (m, n_outputs) at rows X (m, d).

    Cost: a forward pass, and three more for rows where a unit is as near to a knot as rounding.
    """
    codes = np.empty((len(X), net.n_units), dtype=net.code_dtype)
    outputs = np.empty((len(X), net.n_outputs))
    for rows in net.blocks(len(X)):
        outputs[rows], close = _by_signs(net, X[rows], codes[rows])
        if close.any():
            near = np.flatnonzero(close)
            codes[rows][near] = _within_rounding(net, X[rows][near])
    return codes, outputs


def _by_signs(net: Network, X: Floats, codes: Codes) -> tuple[Floats, Mask]:
    """Outputs; codes by the signs as computed; rows where rounding may decide one."""
    outputs, after = {0: X[:, None]}, 0
    screen = ErrorScreen(net.rounding_errors, float(np.abs(X).max(initial=0.0)))
    close = np.zeros(len(X), dtype=bool)
    for layer in net.layers:
        units: Any = net.nodes[layer.node].op
        if layer.node - 1 > after:
            net.resume(outputs, after, codes, until=layer.node - 1)
        z = outputs[net.nodes[layer.node].inputs[0]][:, 0]
        codes[:, layer.columns], near = units.code_or_close(z, screen.next_layer())
        if near is not None:
            close |= near
        screen.bend(max(z.max(initial=0.0), -z.min(initial=0.0)))
        net.resume(outputs, layer.node - 1, codes, until=layer.node)
        after = layer.node
    end = len(net.nodes) - 1
    return net.resume(outputs, after, codes)[:, 0] if end > after else outputs[end][:, 0], close


def _within_rounding(net: Network, X: Floats) -> Codes:
    """Codes with the error of every entry carried along."""
    rounding = net.rounding_errors
    outputs, after = {0: X[:, None]}, 0
    errors = {0: rounding.of_rounding(np.abs(X)[:, None])}
    codes = np.zeros((len(X), net.n_units), dtype=net.code_dtype)
    for layer in net.layers:
        units: Any = net.nodes[layer.node].op
        if layer.node - 1 > after:
            net.resume(outputs, after, codes, until=layer.node - 1)
            rounding.advance(errors, after, layer.node - 1)
        entry = net.nodes[layer.node].inputs[0]
        z, error = outputs[entry], errors[entry]
        noise = rounding.bound(error[:, 0])
        codes[:, layer.columns] = units.code(z[:, 0], noise=noise)
        net.resume(outputs, layer.node - 1, codes, until=layer.node)
        slopes = reachable_slopes(units, z[:, 0] - noise, z[:, 0] + noise)
        leaving = np.abs(outputs[layer.node])
        errors[layer.node] = rounding.through_units(
            units, error, slopes, partial(np.abs, z), leaving
        )
        net.release(errors, layer.node)
        after = layer.node
    return codes
