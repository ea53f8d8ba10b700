"""The network of a configuration as a torch module that `hullwise.model.read` can read."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .configuration import Configuration, HiddenLayer

__all__ = ["Absolute", "Maxout", "Residual", "build_network", "set_dropout"]

LEAKY_SLOPE = 0.1
MAXOUT_PIECES = 2


class Absolute(nn.Module):  # type: ignore[misc]
    """|x|, entry by entry."""

    def forward(self, x: Any) -> Any:
        return torch.abs(x)


class Maxout(nn.Module):  # type: ignore[misc]
    """The larger of two numbers for each unit; Goodfellow et al. (2013), Maxout Networks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Any) -> Any:
        return torch.maximum(x[:, : self.width], x[:, self.width :])


class Residual(nn.Module):  # type: ignore[misc]
    """x + block(x); He et al. (2016), Deep Residual Learning."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Any) -> Any:
        return x + self.block(x)


def build_network(configuration: Configuration, n_inputs: int, n_outputs: int) -> Any:
    """The module, its weights drawn by torch's defaults from the configuration's seed.

    torch's own stream of random numbers is left as it was.

    Examples
    --------
    >>> module = build_network(Configuration(), 2, 1)
    >>> [type(part).__name__ for part in module]
    ['Linear', 'ReLU', 'Linear', 'ReLU', 'Linear']
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(configuration.seed)
        parts: list[Any] = []
        width = n_inputs
        for layer in configuration.layers:
            block = _block(layer, width, configuration)
            if configuration.residual and layer.width == width and parts:
                parts.append(Residual(nn.Sequential(*block)))
            else:
                parts.extend(block)
            width = layer.width
        return nn.Sequential(*parts, nn.Linear(width, n_outputs))


def _block(layer: HiddenLayer, n_inputs: int, configuration: Configuration) -> list[Any]:
    pieces = MAXOUT_PIECES if layer.unit == "maxout" else 1
    units = {
        "relu": nn.ReLU,
        "abs": Absolute,
        "leaky": lambda: nn.LeakyReLU(LEAKY_SLOPE),
        "maxout": lambda: Maxout(layer.width),
    }
    block: list[Any] = [nn.Linear(n_inputs, pieces * layer.width)]
    if configuration.normalisation == "batch":
        block.append(nn.BatchNorm1d(pieces * layer.width))
    block.append(units[layer.unit]())
    if configuration.dropout:
        block.append(nn.Dropout(configuration.dropout))
    return block


def set_dropout(module: Any, rate: float) -> None:
    """Change the rate of every dropout of a module."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = rate
