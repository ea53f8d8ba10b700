"""Slices of many regions: memory and CPU time a region, one wide layer against deep networks.

    python benchmarks/slice_sizes.py                # minutes
    python benchmarks/slice_sizes.py --largest      # 5 million regions too: some 10 minutes, 6 GB

ReLU networks of two inputs, He weights, biases N(0, 0.3^2), the square [-1, 1]^2. Each slice is
made in a process of its own after a small one: its CPU seconds, and the peak of its memory beyond
what was there before. Euler's number, the area and the codes at 2,000 centroids are compared with
the network. The peer is edge subdivision (Berzins 2023) in NumPy, written from its description
(`_edge_subdivision.py`), in the same run.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
from _measure import MIB, forget_peak, memory, parser, show

HEAD = ("network", "regions", "V - E + F", "CPU, s", "us a region", "bytes a region", "codes")
SHAPES = (
    *("1024", "2048"),
    *("64-64-64-64-64-64", "128-128-128-128", "256-256-256", "256-256-256-256-256"),
)
PEERS = ("256", "64-64-64")
LARGEST = "-".join(["512"] * 10)
CHECKED_REGIONS = 2000


def weights(widths: list[int]) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise([2, *widths, 1]))
    W, b = [], []
    for i, o in pairs:
        W.append(rng.normal(size=(o, i)) * np.sqrt(2 / i))
        b.append(rng.normal(size=o) * 0.3)
    return W, b


def measure(shape: str) -> dict[str, Any]:
    """One slice, in this process."""
    import hullwise as hw

    square = [0.0, 0.0], np.eye(2)
    for small in ([4, 4], [150]):
        net = hw.model.from_arrays(*weights(small))
        net.slice(*square)
        for _ in net.slice_parts(*square, max_memory="4 MB"):
            pass
    net = hw.model.from_arrays(*weights([int(width) for width in shape.split("-")]))
    forget_peak()
    before, cpu, wall = memory("VmRSS"), time.process_time(), time.perf_counter()
    s = net.slice(*square, max_regions=10**8)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = memory("VmHWM") - before
    rng = np.random.default_rng(0)
    rows = rng.integers(0, s.n_regions, CHECKED_REGIONS)
    rows = rows[s.areas[rows] > 1e-11]
    same = (net.codes(s.points(s.centroids[rows])) == s.codes_of(rows)).all(axis=1)
    assert abs(s.areas.sum() - 4) < 1e-9
    return {
        "regions": s.n_regions,
        "euler": len(s.vertices) - len(s.complex.edges) + s.n_regions,
        "cpu": cpu,
        "wall": wall,
        "peak": peak,
        "right": f"{int(same.sum())} of {len(rows)}",
    }


def measure_peer(shape: str) -> dict[str, Any]:
    from _edge_subdivision import edge_subdivision

    edge_subdivision(*weights([8]), [-1.0, -1.0], [1.0, 1.0])
    forget_peak()
    before, cpu = memory("VmRSS"), time.process_time()
    X, E = edge_subdivision(
        *weights([int(width) for width in shape.split("-")]), [-1.0, -1.0], [1.0, 1.0]
    )
    cpu = time.process_time() - cpu
    peak = memory("VmHWM") - before
    return {"regions": len(E) - len(X) + 1, "euler": "", "cpu": cpu, "peak": peak, "right": ""}


def in_a_process(shape: str, option: str) -> list[str]:
    command = [sys.executable, __file__, option, shape]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    one = json.loads(done.stdout.splitlines()[-1])
    name = (
        f"2-{shape}-1" if len(shape) < 30 else f"2-{shape.split('-')[0]} x {shape.count('-') + 1}-1"
    )
    n = one["regions"]
    peer = "edge subdivision, " if option == "--peer-one" else ""
    return [
        peer + name, f"{n:,}", str(one["euler"]), f"{one['cpu']:.3g}",
        f"{1e6 * one['cpu'] / n:.3g}",
        f"{one['peak'] / n:,.0f}" if one["peak"] > 64 * MIB else f"({one['peak'] / MIB:.0f} MiB)",
        one["right"],
    ]  # fmt: skip


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--largest", action="store_true", help="5 million regions too")
    p.add_argument("--one", metavar="WIDTHS", help="measure this network in this process")
    p.add_argument("--peer-one", metavar="WIDTHS", help="the same for the peer")
    options = p.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
    elif options.peer_one:
        print(json.dumps(measure_peer(options.peer_one)))
    else:
        shapes = [*SHAPES, *([LARGEST] if options.largest else [])]
        rows = [in_a_process(shape, "--one") for shape in shapes]
        show(HEAD, rows + [in_a_process(shape, "--peer-one") for shape in PEERS])


if __name__ == "__main__":
    main()
