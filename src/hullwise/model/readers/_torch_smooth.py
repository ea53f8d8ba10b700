"""Smooth activations of torch: refused, or pieces in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import smooth_functions as smooth
from ..output_activations import SELU_ALPHA, SELU_SCALE
from ._torch_layers import TorchCall

if TYPE_CHECKING:
    from ._layer_builder import LayerBuilder


class TorchSmooth:
    """Readings of smooth activations."""

    layers: LayerBuilder

    def _on_gelu(self, c: TorchCall) -> int:
        rough = c.get("approximate", 1, "none") == "tanh"
        make = smooth.gelu_tanh if rough else smooth.gelu
        return self.layers.smooth(c.name, c.title, c.node_in, make)

    def _on_silu(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.silu)

    _on_swish = _on_silu

    def _on_mish(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.mish)

    def _on_tanh(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.tanh)

    def _on_erf(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.error_function)

    def _on_sigmoid(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.sigmoid)

    _on_expit = _on_sigmoid

    def _on_softplus(self, c: TorchCall) -> int:
        beta = float(c.get("beta", 1, 1.0))
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.softplus, beta)

    def _on_elu(self, c: TorchCall) -> int:
        parameters = (float(c.get(*one)) for one in (("alpha", 1, 1.0), ("scale", 2, 1.0),
                                                     ("input_scale", 3, 1.0)))  # fmt: skip
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.elu, *parameters)

    def _on_selu(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.elu, SELU_ALPHA, SELU_SCALE)

    def _on_celu(self, c: TorchCall) -> int:
        alpha = float(c.get("alpha", 1, 1.0))
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.elu, alpha, 1.0, 1 / alpha)

    def _on_hardswish(self, c: TorchCall) -> int:
        return self.layers.smooth(c.name, c.title, c.node_in, smooth.hardswish)


def is_used_further(call: TorchCall) -> bool:
    """Whether anything but the model's answer takes what a call gives."""
    return any(user.op != "output" for user in call.node.users)
