"""Every region of a network on a square, against the authors' edge subdivision where it is given.

    python benchmarks/slices.py                       # ReLU networks of SPLINES' sizes, a ResNet
    python benchmarks/slices.py --peer FOLDER         # FOLDER holds edge_subdivision.py and NN.py

He weights, biases N(0, 0.5^2), the square [-1, 1]^2. The peer is Berzins (2023), Polyhedral Complex
Extraction from ReLU Networks using Edge Subdivision, the author's PyTorch code on the CPU, in
its float32; it gives vertices and edges, of which Euler's formula gives the regions. The residual
network has 3 x 32 x 32 inputs, 4 to 16 channels in three blocks and random weights; its plane goes
through three smooth random images. Medians of CPU seconds after compilation.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _measure import parser, repeated, show

HEAD = ("network", "regions", "CPU, s", "wall, s", "peer regions", "peer CPU, s", "ratio")
SHAPES = ((32, 3), (64, 4), (128, 3), (128, 5))


def dense(width: int, depth: int) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise([2, *[width] * depth, 10]))
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in pairs]
    return W, [rng.normal(size=o) * 0.5 for _, o in pairs]


def residual(channels: int = 4) -> Any:
    """Convolutions with strides, three residual blocks, a mean and a linear layer."""
    from hullwise.model._piecewise_layers import relu
    from hullwise.model.affine_layers import Average, Conv, Linear, Rearrange, Sum, Window
    from hullwise.model.builder import Builder

    rng, b = np.random.default_rng(0), Builder((3, 32, 32))

    def conv(at: int, o: int, k: int, stride: int) -> int:
        c, pad = b.shape(at)[0], (k // 2, k // 2)
        W = rng.normal(size=(o, c, k, k)) * np.sqrt(2 / (c * k * k))
        window = Window((k, k), (stride, stride), (pad, pad), (1, 1))
        return b.add(f"conv{len(b.nodes)}", Conv(W, rng.normal(size=o) * 0.1, window), at)

    def act(at: int) -> int:
        return b.add(f"relu{len(b.nodes)}", relu(int(np.prod(b.shape(at)))), at)

    at = act(conv(0, channels, 3, 2))
    for o, stride in ((channels, 1), (2 * channels, 2), (4 * channels, 2)):
        way = conv(act(conv(at, o, 3, stride)), o, 3, 1)
        skip = at if stride == 1 else conv(at, o, 1, stride)
        at = act(b.add(f"add{len(b.nodes)}", Sum((1.0, 1.0)), skip, way))
    at = b.add("mean", Average(Window((4, 4), (4, 4), ((0, 0), (0, 0)), (1, 1))), at)
    at = b.add("flat", Rearrange((4 * channels,)), at)
    W = rng.normal(size=(10, 4 * channels)) / np.sqrt(4 * channels)
    return b.network(b.add("out", Linear(W, np.zeros(10)), at))


def images() -> Any:
    """Three smooth random images in [0, 1]."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(1).normal(size=(3, 3, 32, 32))
    smooth = np.stack([gaussian_filter(one, (0, 3, 3), mode="wrap") for one in noise])
    low, high = smooth.min(axis=(1, 2, 3), keepdims=True), smooth.max(axis=(1, 2, 3), keepdims=True)
    return ((smooth - low) / (high - low)).reshape(3, -1)


def peer(folder: Path, W: list[Any], b: list[Any]) -> tuple[int, float]:
    """The author's code on the same network: regions and CPU seconds."""
    import torch

    sys.path.insert(0, str(folder))
    from edge_subdivision import skeletal_subdivision  # type: ignore[import-not-found]
    from NN import Net  # type: ignore[import-not-found]

    hidden = W[:-1]  # it cuts by its last layer too
    net = Net([hidden[0].shape[1], *[len(one) for one in hidden]])
    with torch.no_grad():
        for layer, weight, bias in zip(net.fcs, hidden, b, strict=False):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        done = repeated(lambda: skeletal_subdivision(net, verbose=False), 1)
    vertices, edges = done.result[0], done.result[1]
    return len(edges) - len(vertices) + 1, done.cpu


def said(done: Any) -> list[str]:
    return [f"{done.result.n_regions:,}", f"{done.cpu:.3g}", f"{done.wall:.3g}"]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--peer", type=Path, metavar="FOLDER", help="folder of edge_subdivision.py")
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--shapes", type=int, default=len(SHAPES), help="how many of the networks")
    options = p.parse_args()
    import hullwise as hw

    square = [0.0, 0.0], np.eye(2)
    hw.model.from_arrays(*dense(4, 2)).slice(*square)
    rows = []
    for width, depth in SHAPES[: options.shapes]:
        W, b = dense(width, depth)
        net = hw.model.from_arrays(W, b)
        done = repeated(lambda net=net: net.slice(*square), options.repeat)
        row = [f"2-{'-'.join([str(width)] * depth)}", *said(done)]
        if options.peer:
            found, cpu = peer(options.peer, W, b)
            row += [f"{found:,}", f"{cpu:.3g}", f"{cpu / done.cpu:.3g}"]
        rows.append([*row, *[""] * (len(HEAD) - len(row))])
    if options.shapes == len(SHAPES):
        net, points = residual(), images()
        done = repeated(lambda: net.slice_through(*points, margin=0), 1)
        what = f"residual, {net.n_units:,} units, 3,072 inputs"
        rows.append([what, *said(done), "", "", ""])
    show(HEAD, rows)


if __name__ == "__main__":
    main()
