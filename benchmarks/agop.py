"""The average gradient outer product of a network, against the passes that any method needs.

    python benchmarks/agop.py --data FOLDER         # 10,000 training images of mnist.npz
    python benchmarks/agop.py                       # random images of the same size

A 784-512-512-10 ReLU module of PyTorch with the weights it starts with. *Passes*: one forward and
one backward pass for each of the 10 outputs, gradients in the input, blocks of 1,000 rows, nothing
added up. hullwise: `agop(module, X)`, from the module, so reading it counts too. It computes in
float64, and so do the passes of the bar; float32 stands beside them. *Passes and products* adds
the outer products up as well, in torch. Medians of CPU seconds and of the ratios round by round;
a round runs each once, in turn, so that what else the machine does falls on all of them. One thread
each (--threads): idle threads of a product wait by spinning, and their CPU time is no work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import clocked, met, parser, read_mnist, show

WIDTHS = (784, 512, 512, 10)
BLOCK, BAR = 1000, 3.0
HEAD = ("what", "CPU, s", "wall, s", "of the float64 passes", "least and largest")


def module() -> Any:
    import torch

    torch.manual_seed(0)
    layers: list[Any] = []
    for i, o in itertools.pairwise(WIDTHS):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def passes(net: Any, X: Any, add_up: bool = False) -> Any:
    """One forward pass and one backward pass an output; the sum of outer products if asked for."""
    import torch

    total = torch.zeros((X.shape[1], X.shape[1]), dtype=torch.float64)
    for start in range(0, len(X), BLOCK):
        x = torch.tensor(X[start : start + BLOCK], requires_grad=True)
        out = net(x).sum(dim=0)
        for k in range(len(out)):
            (slope,) = torch.autograd.grad(out[k], x, retain_graph=True)
            if add_up:
                total += slope.T @ slope
    return total.numpy()


def rounds(works: dict[str, Callable[[], Any]], times: int) -> tuple[dict[str, Any], Any]:
    """Each work once a round: its runs by name, and the last results."""
    runs: dict[str, Any] = {name: [] for name in works}
    results = {}
    for _ in range(times):
        for name, work in works.items():
            run = clocked(work)
            results[name] = run.result
            runs[name].append((run.cpu, run.wall))
    return runs, results


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", help="folder of mnist.npz")
    p.add_argument("--n", type=int, default=10_000)
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--threads", type=int, default=1)
    options = p.parse_args()
    import copy

    import torch
    from threadpoolctl import threadpool_limits

    import hullwise as hw

    torch.set_num_threads(options.threads)
    images = options.data is not None and (options.data / "mnist.npz").exists()
    if images:
        X = read_mnist(options.data)[0][: options.n]
    else:
        X = np.random.default_rng(1).uniform(size=(options.n, WIDTHS[0])).astype(np.float32)
    double, single = X.astype(np.float64), module()
    net = copy.deepcopy(single).double()
    works: dict[str, Callable[[], Any]] = {
        "passes, float64 (torch)": lambda: passes(net, double),
        "passes, float32 (torch)": lambda: passes(single, X),
        "passes and products, float64 (torch)": lambda: passes(net, double, add_up=True),
        "hullwise: agop": lambda: hw.metrics.agop(net, double, ridge=0),
        "of it: reading the module": lambda: hw.model.read(net, X.shape[1]),
    }
    with threadpool_limits(options.threads):
        rounds(works, 1)  # what a first call loads does not count
        runs, results = rounds(works, options.repeat)
    base = [cpu for cpu, _ in runs["passes, float64 (torch)"]]
    rows, ratio = [], {}
    for name, found in runs.items():
        cpu, wall = (median(one) for one in zip(*found, strict=True))
        each = [run[0] / b for run, b in zip(found, base, strict=True)]
        ratio[name] = median(each)
        spread = f"{min(each):.3g} to {max(each):.3g}"
        rows.append((name, f"{cpu:.3g}", f"{wall:.3g}", f"{ratio[name]:.3g} times", spread))
    show(HEAD, rows)
    exact = results["passes and products, float64 (torch)"] / len(X)
    gap = np.abs(results["hullwise: agop"] - exact).max() / np.abs(exact).max()
    kind = "MNIST images" if images else "random images"
    print(f"{len(X):,} {kind}; largest difference from torch's {gap:.1e} of the largest entry.\n")
    mine = ratio["hullwise: agop"]
    print(
        f"Target: at most {BAR:g} times the float64 passes. It is {mine:.2f}. "
        f"Met: {met(mine <= BAR)}.\n"
        f"Of the float32 passes: {mine / ratio['passes, float32 (torch)']:.2f} times."
    )


if __name__ == "__main__":
    main()
