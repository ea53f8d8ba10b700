"""Properties of networks proved or refuted, and distances to the decision boundary beside peers.

    python benchmarks/verification.py --networks FOLDER [--images mnist.npz]

FOLDER holds networks of the verification competitions: `acasxu_*.onnx` with `acasxu_properties/`,
`mnistfc_256x2.onnx`, and convolutional ones of CIFAR-10, `marabou_cifar10_small.onnx`,
`oval_cifar_base_kw.onnx` and `resnet_2b.onnx`. Beside each lies `NAME.npz` with inputs X and the
outputs Y that another program computed in float32: those are compared first, and the X of the three
are the points of their distances (noise: no images come with them). PGD (Madry
et al., 2018: the least radius of a bisection at which one of its restarts, two towards each other
class, finds one) and DeepFool (Moosavi-Dezfooli et al., 2016, with the bisection that brings its
point back to the boundary) are attacks: they bound the distance from above only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from _measure import clocked, parser, show

COLOUR_NETWORKS = ("marabou_cifar10_small", "oval_cifar_base_kw", "resnet_2b")
PGD_STEPS = 40
PGD_RESTARTS = 2  # for each other class, the first from x itself
PGD_BISECTIONS = 8


def recorded(folder: Path) -> list[list[str]]:
    """How far the outputs as read are from those recorded beside each network."""
    import hullwise as hw

    rows = []
    for path in sorted(folder.glob("*.npz")):
        net = hw.model.read(path.with_suffix(".onnx"))
        with np.load(path) as data:
            X, Y = (data[name].astype(float).reshape(len(data[name]), -1) for name in "XY")
        size = np.abs(Y).max()
        rows.append([
            path.stem, f"{net.n_inputs:,}", f"{net.n_units:,}", str(len(X)),
            f"{np.abs(net(X) - Y).max() / size:.1e}",
        ])  # fmt: skip
    return rows


def acas(folder: Path, seconds: float) -> list[list[str]]:
    import hullwise as hw

    rows = []
    for path in sorted(folder.glob("acasxu_*.onnx")):
        net = hw.model.read(path)
        for number in range(1, 11):
            claim = hw.model.read_vnnlib(folder / "acasxu_properties" / f"prop_{number}.vnnlib")
            done = clocked(
                lambda net=net, claim=claim: hw.verify_property(
                    net, None, claim, max_seconds=seconds
                )
            )
            result = done.result
            check = None
            if result.status != "open" and result.n_boxes <= 50_000:
                check = clocked(result.verify)
            rows.append([
                path.stem, str(number), result.status, f"{result.n_boxes:,}", f"{done.cpu:.2f}",
                "" if check is None else "ok" if check.result.ok else check.result.fault,
                "" if check is None else f"{check.cpu:.2f}",
            ])  # fmt: skip
    return rows


def ascent(g: Any, norm: float) -> Any:
    """The step of length 1 that climbs most along g."""
    if norm == np.inf:
        return np.sign(g)
    if norm == 2:
        return g / max(np.linalg.norm(g), 1e-300)
    step = np.zeros_like(g)
    step[np.abs(g).argmax()] = np.sign(g[np.abs(g).argmax()])
    return step


def into_ball(u: Any, radius: float, norm: float) -> Any:
    """The nearest point of the ball about 0; for the norm 1 after Duchi et al. (2008)."""
    if norm == np.inf:
        return np.clip(u, -radius, radius)
    if np.linalg.norm(u, ord=norm) <= radius:
        return u
    if norm == 2:
        return u * radius / np.linalg.norm(u)
    size = np.sort(np.abs(u))[::-1]
    excess = (np.cumsum(size) - radius) / np.arange(1, len(u) + 1)
    return np.sign(u) * np.maximum(np.abs(u) - excess[(size > excess).sum() - 1], 0)


def deepfool(net: Any, x: Any, norm: float) -> float:
    """The distance of DeepFool's point, brought back to the boundary."""
    own = int(net(x[None])[0].argmax())
    u = np.zeros_like(x)
    for _ in range(100):
        y = net((x + u)[None])[0]
        if y.argmax() != own:
            break
        J = net.pull({len(net.nodes) - 1: np.eye(len(y))[None]}, net.codes((x + u)[None]))[0]
        rest = np.arange(len(y)) != own
        G, gap = J[rest] - J[own], y[own] - y[rest]
        dual = np.linalg.norm(G, ord={1: np.inf, 2: 2, np.inf: 1}[norm], axis=1)
        j = int((gap / np.maximum(dual, 1e-300)).argmin())
        u = u + 1.02 * gap[j] / dual[j] * ascent(G[j], norm)
    else:
        return np.inf
    low, high = 0.0, 1.0
    for _ in range(40):
        t = (low + high) / 2
        low, high = (t, high) if net((x + t * u)[None])[0].argmax() == own else (low, t)
    return high * float(np.linalg.norm(u, ord=norm))


def pgd(net: Any, x: Any, norm: float, start: float) -> float:
    """The least radius at which projected gradient steps find another class."""
    rng = np.random.default_rng(0)
    own = int(net(x[None])[0].argmax())

    rivals = np.array([j for j in range(net.n_outputs) if j != own])
    targets = np.repeat(rivals, PGD_RESTARTS)
    seeds = np.zeros((len(targets), 1, net.n_outputs))
    seeds[np.arange(len(targets)), 0, targets] = 1
    seeds[:, 0, own] = -1

    def succeeds(radius: float) -> bool:
        U = rng.uniform(-1, 1, (len(targets), len(x)))
        U *= radius / np.linalg.norm(U, ord=norm, axis=1, keepdims=True)
        U[::PGD_RESTARTS] = 0.0
        for share in np.geomspace(0.5, 0.01, PGD_STEPS):
            if (net(x + U).argmax(axis=1) != own).any():
                return True
            G = net.pull({len(net.nodes) - 1: seeds}, net.codes(x + U))[:, 0]
            steps = np.array([ascent(g, max(norm, 2)) for g in G])
            U = np.array([into_ball(u, radius, norm) for u in U + radius * share * steps])
        return bool((net(x + U).argmax(axis=1) != own).any())

    low, high = 0.0, 2 * start
    if not succeeds(high):
        return np.inf
    for _ in range(PGD_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if succeeds(middle) else (middle, high)
    return high


def distances(path: Path, X: Any, norm: float, max_regions: int) -> list[str]:
    import hullwise as hw

    net = hw.model.read(path)
    own, fool, descent = [], [], []
    cpu = np.zeros(3)
    for x in X:
        done = clocked(lambda x=x: hw.dissect(net, x).decision(max_regions=max_regions, norm=norm))
        own.append(done.result)
        fooled = clocked(lambda x=x: deepfool(net, x, norm))
        climbed = clocked(lambda x=x, u=done.result.upper: pgd(net, x, norm, u))
        fool.append(fooled.result)
        descent.append(climbed.result)
        cpu += done.cpu, fooled.cpu, climbed.cpu
    upper = np.array([one.upper for one in own])
    lower = np.array([one.lower for one in own])
    ratio = [np.median(np.array(peer) / upper) for peer in (fool, descent)]
    return [
        path.stem, str(norm), str(len(X)), f"{np.median(lower / upper):.3f}",
        f"{sum(one.exact for one in own)}", *(f"{r:.3f}" for r in ratio),
        *(f"{1e3 * c / len(X):,.0f}" for c in cpu),
    ]  # fmt: skip


def main() -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("--networks", type=Path, required=True, metavar="FOLDER")
    options_parser.add_argument("--images", type=Path, help="mnist.npz; else uniform noise")
    options_parser.add_argument("--points", type=int, default=10)
    options_parser.add_argument("--colour-points", type=int, default=2)
    options_parser.add_argument("--max-regions", type=int, default=5)
    options_parser.add_argument("--seconds", type=float, default=120.0, help="for each property")
    options = options_parser.parse_args()
    read = recorded(options.networks)
    show(["network", "inputs", "units", "rows", "|f - Y| / max |Y|"], read)
    head = [
        "network",
        "property",
        "answer",
        "boxes",
        "CPU s",
        "checked",
        "CPU s to check",
    ]
    show(head, acas(options.networks, options.seconds))
    rng = np.random.default_rng(0)
    digits = rng.uniform(0, 1, (options.points, 784))
    if options.images:
        with np.load(options.images) as data:
            digits = data["X_test"][: options.points] / 255.0
    images = [("mnistfc_256x2", digits)]
    for name in COLOUR_NETWORKS:
        with np.load(options.networks / f"{name}.npz") as data:
            X = data["X"][: options.colour_points].astype(float)
        images.append((name, X.reshape(len(X), -1)))
    rows = [
        distances(
            options.networks / f"{name}.onnx", X.reshape(len(X), -1), norm, options.max_regions
        )
        for name, X in images
        for norm in (1, 2, np.inf)
    ]
    show(
        ["network", "norm", "points", "lower / upper", "settled", "DeepFool / upper",
         "PGD / upper", "CPU ms", "DeepFool's", "PGD's"],
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
