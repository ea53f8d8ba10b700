"""Degenerate networks whose ties hold in exact arithmetic, computed with rounding; and their check.

Whole numbers for weights make ties on open sets: units that are 0 throughout a region, copies,
combinations that cancel. Rows are then multiplied by positive factors and the columns behind them
divided by the same, which changes no code in exact arithmetic, but leaves 1e-17 where there was a
zero. The codes are known from the network of whole numbers, by rational enumeration.

    python tests/degenerate_networks.py --seed 1 --minutes 8
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np

import hullwise as hw
from hullwise.model.affine_layers import Linear
from hullwise.model.network import Network
from hullwise.model.nodes import Node
from networks import mixed
from rational import exact_codes

FACTORS = {
    "near one": lambda rng, n: np.exp(rng.normal(size=n)),
    "a power of two": lambda rng, n: 2.0 ** rng.integers(-40, 41, n),
    "any size": lambda rng, n: rng.uniform(1, 2, n) * 2.0 ** rng.integers(-400, 401, n),
}


def degenerate(seed):
    """A network of scaled rows, and the exact set of its codes in [-1, 1]^2."""
    rng = np.random.default_rng(seed)
    widths = [2, *(int(rng.integers(1, 7)) for _ in range(rng.integers(1, 5))), 1]
    most = int(rng.integers(1, 4))
    pairs = list(itertools.pairwise(widths))
    W = [rng.integers(-most, most + 1, (o, i)).astype(float) for i, o in pairs]
    b = [rng.integers(-most, most + 1, o).astype(float) * (rng.random() < 0.7) for _, o in pairs]
    exact = exact_codes([w.tolist() for w in W], [x.tolist() for x in b])
    kind = list(FACTORS)[seed % len(FACTORS)]
    W, b = [w.copy() for w in W], [x.copy() for x in b]
    for layer in range(len(W) - 1):
        factors = FACTORS[kind](rng, len(W[layer]))
        W[layer] *= factors[:, None]
        b[layer] *= factors
        W[layer + 1] /= factors
    return hw.model.from_arrays(W, b), exact, kind


def scaled_mixed(seed):
    """Clips, maxima, absolute values, a skip and leaky units with ties, scaled layer by layer.

    And the set of its codes in [-1, 1]^2, from the network of whole numbers, computed exactly.
    """
    rng = np.random.default_rng(seed)
    net = mixed(2, seed, integers=True, bias=bool(seed % 3))
    exact = _set(net.regions(1.0).codes)
    factor = float(np.exp(rng.normal())) * 2.0 ** int(rng.integers(-30, 31))
    nodes = []
    for node in net.nodes:
        op = node.op
        if node.name == "l2":  # maxima and absolute values carry a positive factor through
            op = Linear(op.W * factor, op.b * factor)
        elif node.name == "l3":
            op = Linear(op.W / factor, op.b)
        nodes.append(Node(node.name, op, node.inputs, node.shape))
    return Network(tuple(nodes)), exact


def faults(net, exact, seed):
    """What does not agree with the exact codes, by name."""
    out = []
    s = net.slice(np.zeros(2), np.eye(2))
    if _set(s.codes) != exact or len(s.codes) != len(exact):
        out.append("slice")
    inner = s.points(s.centroids)
    if (net.codes(inner) != s.codes).any():
        out.append("codes")
    if _set(net.regions(1.0).codes) != exact:
        out.append("regions")
    if _set(net.to_tree(1.0).codes) != exact:
        out.append("tree")
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-1, 1, (2, 2))
    line = net.along(*ends)
    middle = ends[0] + (line.knots[1:] + line.knots[:-1])[:, None] / 2 * (ends[1] - ends[0])
    if not _set(line.codes) <= exact or (net.codes(middle) != line.codes).any():
        out.append("line")
    if _wrong_distance(s, hw.dissect(net, inner).boundary_distance).any():
        out.append("nearest wall")
    return out


def _set(codes):
    return {tuple(code) for code in np.asarray(codes).tolist()}


def _distances(s):
    """The distance of each centroid from the nearest edge of its region that is no side."""
    out = np.full(s.n_regions, np.inf)
    halves = np.flatnonzero((s.complex.wall >= 0) & (s.complex.face >= 0))
    a = s.vertices[s.complex.start[halves]]
    step = s.vertices[s.complex.start[s.complex.twin[halves]]] - a
    face = s.complex.face[halves]
    gap = s.centroids[face] - a
    away = np.abs(step[:, 0] * gap[:, 1] - step[:, 1] * gap[:, 0]) / np.hypot(*step.T)
    np.minimum.at(out, face, away)
    return out


def _wrong_distance(s, distance):
    """Which regions' nearest wall, of the whole plane, is not the one that the square shows.

    A wall that bounds the region outside the square, or on its sides, may be nearer than those.
    """
    near, side = _distances(s), (1 - 1e-9) * (1 - np.abs(s.centroids).max(axis=1))
    inside = np.isfinite(near)
    wrong = ~np.isclose(distance, near, rtol=1e-9, atol=0)
    return np.where(inside, wrong & ((distance > near) | (distance < side)), distance < side)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()
    end, seed, wrong, regions = time.monotonic() + 60 * options.minutes, options.seed, {}, 0
    start = seed
    while time.monotonic() < end:
        net, exact, kind = degenerate(seed)
        regions += len(exact)
        for fault in faults(net, exact, seed):
            wrong.setdefault(fault, []).append((seed, kind))
        seed += 1
    print(f"{seed - start:,} networks, {regions:,} regions, seeds {start} to {seed - 1}")
    for fault, seeds in wrong.items():
        print(f"{fault}: {len(seeds):,} wrong, such as {seeds[:8]}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
