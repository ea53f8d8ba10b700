"""Proved remainders of smooth modules beside the worst that samples and an attack find.

    python benchmarks/remainders.py

Random weights, points from N(0, 1), Euclidean balls. The worst is the largest |f(x + u) - f - A u|
of 4,000 random directions on the sphere and 60 steps uphill from the best of them; the truth lies
between it and the bound.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from _measure import parser, show
from torch import nn

RADII = (1e-3, 1e-2, 3e-2, 1e-1, 3e-1)
SAMPLES, STEPS, POINTS = 4000, 60, 3


class Tokens(nn.Module):
    """Numbers as tokens, a token that answers, layers of attention."""

    def __init__(
        self, d: int, width: int, n_layers: int, activation: str, norm_first: bool
    ) -> None:
        super().__init__()
        self.scale, self.shift = (nn.Parameter(torch.randn(d, width)) for _ in range(2))
        layer = nn.TransformerEncoderLayer(
            width, 2, 2 * width, activation=activation, norm_first=norm_first, batch_first=True
        )
        self.body = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x[..., None] * self.scale + self.shift).mean(1))


def modules() -> dict[str, tuple[Any, int]]:
    torch.manual_seed(0)
    return {
        "GELU 8-32-32-2": (
            nn.Sequential(
                nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 2)
            ),
            8,
        ),
        "layer norm, 8-16-2": (
            nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.SiLU(), nn.Linear(16, 2)),
            8,
        ),
        "transformer, 5 tokens of 8, 1 layer": (Tokens(5, 8, 1, "gelu", False), 5),
        "transformer, 5 tokens of 8, 2 layers": (Tokens(5, 8, 2, "gelu", True), 5),
        "transformer, 5 tokens of 8, 2 layers, ReLU": (Tokens(5, 8, 2, "relu", True), 5),
        "transformer, 12 tokens of 16, 3 layers": (Tokens(12, 16, 3, "gelu", True), 12),
    }


def worst(net: Any, p: Any, radius: float) -> Any:
    """The largest miss of each output that samples and an attack find."""
    rng = np.random.default_rng(0)
    t = torch.tensor(rng.normal(size=(SAMPLES, len(p.X[0]))))
    t /= t.norm(dim=1, keepdim=True)
    x, f, A = torch.tensor(p.X[0]), torch.tensor(p.outputs[0]), torch.tensor(p.slopes[0])

    def off(t: Any) -> Any:
        return (net(x + radius * t) - f - radius * t @ A.T).abs()

    with torch.no_grad():
        sampled = off(t)
    best = sampled.amax(0)
    t = t[sampled.argmax(0)].clone().requires_grad_()
    for _ in range(STEPS):
        (slope,) = torch.autograd.grad(off(t).diagonal().sum(), t)
        with torch.no_grad():
            t += 0.1 * slope / slope.norm(dim=1, keepdim=True)
            t /= t.norm(dim=1, keepdim=True)
            best = torch.maximum(best, off(t).diagonal())
    return best.numpy()


def main() -> None:
    import hullwise as hw

    parser(__doc__).parse_args()
    rows = []
    for name, (module, d) in modules().items():
        net = module.double().eval()
        X = np.random.default_rng(1).normal(size=(POINTS, d))
        for degree in (2, 1):
            cells, start = [], time.process_time()
            expansions = [
                hw.model.linearize(net, X, radius=radius, degree=degree) for radius in RADII
            ]
            seconds = (time.process_time() - start) / (POINTS * len(RADII))
            for radius, p in zip(RADII, expansions, strict=True):
                ratios = [p.remainders[i] / worst(net, p[i], radius) for i in range(POINTS)]
                cells.append(f"{np.median(ratios):.3g}")
            rows.append([name, str(degree), *cells, f"{seconds:.2f}"])
    header = ["module", "degree", *(f"r = {radius:g}" for radius in RADII), "CPU s a point"]
    show(header, rows)


if __name__ == "__main__":
    main()
