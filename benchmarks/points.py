"""Affine maps and nearest walls of many points, against the passes that any method needs.

    python benchmarks/points.py --data FOLDER         # the 10,000 test images of mnist.npz
    python benchmarks/points.py                       # random images of the same size

A 784-256-256-10 ReLU network with random weights. *Needed by any method*: one forward pass and one
backward pass for each of the 10 outputs, all points in blocks of 1,000, in PyTorch in float64.
hullwise: `dissect(net, X)`, its `A` and `b`, and `boundary_distance` over all 512 units. Medians of
CPU seconds. The largest difference between the two affine maps is relative to the largest slope.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _measure import parser, read_mnist, repeated, show

HEAD = ("what", "CPU, s", "wall, s", "of the passes needed")
WIDTHS = (784, 256, 256, 10)


def arrays() -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise(WIDTHS))
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in pairs]
    return W, [rng.normal(size=o) * 0.1 for _, o in pairs]


def needed(W: list[Any], b: list[Any], X: Any) -> Any:
    """One forward pass and one backward pass an output: the slopes (m, 10, 784)."""
    import torch

    layers: list[Any] = []
    for weight, bias in zip(W, b, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        linear.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        layers += [linear, torch.nn.ReLU()]
    module, out = torch.nn.Sequential(*layers[:-1]), np.empty((len(X), WIDTHS[-1], WIDTHS[0]))
    for start in range(0, len(X), 1000):
        x = torch.tensor(X[start : start + 1000], requires_grad=True)
        total = module(x).sum(dim=0)
        for i in range(WIDTHS[-1]):
            (slope,) = torch.autograd.grad(total[i], x, retain_graph=True)
            out[start : start + 1000, i] = slope.numpy()
    return out


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", help="folder of mnist.npz")
    p.add_argument("--m", type=int, default=10_000)
    p.add_argument("--repeat", type=int, default=3)
    options = p.parse_args()
    import hullwise as hw

    if options.data and (options.data / "mnist.npz").exists():
        X = read_mnist(options.data)[1][: options.m].astype(np.float64)
    else:
        X = np.random.default_rng(1).uniform(size=(options.m, WIDTHS[0]))
    W, b = arrays()
    net = hw.model.from_arrays(W, b)

    def dissected(walls: bool) -> Any:
        p = hw.dissect(net, X)
        return p.A, p.b, p.boundary_distance if walls else None

    passes = repeated(lambda: needed(W, b, X), options.repeat)
    maps = repeated(lambda: dissected(False), options.repeat)
    gap = np.abs(maps.result[0] - passes.result).max() / np.abs(passes.result).max()
    passes, maps = replace(passes, result=None), replace(maps, result=None)
    rows = [
        ("one forward, 10 backward passes (torch)", passes),
        ("dissect: A, b", maps),
        ("dissect: A, b, boundary distances", repeated(lambda: dissected(True), options.repeat)),
    ]
    show(
        HEAD,
        [
            (what, f"{one.cpu:.3g}", f"{one.wall:.3g}", f"{one.cpu / passes.cpu:.2f} times")
            for what, one in rows
        ],
    )
    print(f"{len(X):,} points; largest difference of the slopes {gap:.1e}")


if __name__ == "__main__":
    main()
