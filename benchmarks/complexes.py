"""Cell complexes in 3 to 6 dimensions, against edge subdivision and a decision tree of regions.

    python benchmarks/complexes.py                    # against edge subdivision, in one run
    python benchmarks/complexes.py --peers PYTHON     # an interpreter with affinitree and relucent
    python benchmarks/complexes.py --large            # sizes and memory of large ones

He weights, biases N(0, 0.3^2), the box [-1, 1]^d. CPU seconds, the least of `--repeat` runs, all
programs by turns, kernels compiled before. Edge subdivision (Berzins 2023) gives vertices and
edges; its author's code is PyTorch without a licence, so what is timed is `_edge_subdivision.py`,
written from the paper in NumPy with signs packed in bits; it took a quarter to a half of the time
that was noted for the author's. Beside vertices and edges hullwise gives the cells with their
corners, facets and codes. affinitree makes a decision tree of the regions, relucent walks over
their facets with linear programs; both give regions alone, and another count than hullwise's is
shown. SplineCam is for planes only and needs graph-tool, which is in no package index.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _edge_subdivision import edge_subdivision
from _measure import MIB, clocked, forget_peak, memory, parser, show

SHAPES = ((3, 8, 8, 1), (3, 16, 16, 1), (4, 16, 16, 1), (5, 12, 12, 1), (6, 10, 10, 1))
LARGE = ((3, 64, 64, 1), (3, 128, 128, 1), (4, 40, 40, 1), (5, 20, 20, 1), (6, 14, 14, 1))
PARTS_TIMED = ("cells", "peer", "lattice", "counts", "volumes")
HEAD = ("network", "regions", "vertices", "edges", "cells, vertices, edges, s",
        "edge subdivision, s", "ratio", "all faces, s", "counts of faces, s", "volumes, s",
        "affinitree, s", "relucent, s")  # fmt: skip
AFFINITREE = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from affinitree import AffFunc, AffTree, Architecture, Polytope, builder
W, b = json.load(open(sys.argv[1]))
d = len(W[0][0])
arch = Architecture(d)
for i, (w, c) in enumerate(zip(W, b)):
    arch.linear(AffFunc.from_mats(np.array(w), np.array(c)))
    if i < len(W) - 1:
        arch.relu()
rows, ends = np.vstack([np.eye(d), -np.eye(d)]), np.ones(2 * d)
box = AffTree.from_poly(Polytope.from_mats(rows, ends), AffFunc.identity(d))
start = time.process_time()
tree = builder.from_layers(arch, precondition=box)
print(time.process_time() - start, len(list(tree.terminals())))
"""
RELUCENT = """
import json, resource, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import relucent

def cpu():
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(r.ru_utime + r.ru_stime for r in map(resource.getrusage, whose))

def main():
    layers = [(np.array(w), np.array(c)) for w, c in zip(*json.load(open(sys.argv[1])))]
    start = cpu()
    regions = relucent.Complex(layers)
    regions.bfs(cube_radius=1.0, cube_mode="clipped", nworkers=1, verify=False, verbose=0)
    print(cpu() - start, len(regions))

if __name__ == "__main__":
    main()
"""


def he(widths: tuple[int, ...], seed: int = 0) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in pairs]
    return W, [rng.normal(size=o) * 0.3 for _, o in pairs]


def regions_of_peer(
    python: Path, program: str, W: list[Any], b: list[Any], n_regions: int, seconds: float
) -> str:
    """CPU seconds of a peer, whose regions have to be as many; more than `seconds` is too long."""
    with tempfile.TemporaryDirectory() as folder:
        network, script = Path(folder, "network.json"), Path(folder, "peer.py")
        network.write_text(json.dumps([[w.tolist() for w in W], [c.tolist() for c in b]]))
        script.write_text(program)  # a file: relucent starts processes
        command = [str(python), str(script), str(network)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"> {seconds:.0f}"
    if done.returncode:
        return "failed"
    cpu, n = done.stdout.splitlines()[-1].split()
    return f"{float(cpu):.3g}" + ("" if int(n) == n_regions else f" ({int(n):,} regions)")


def compare(options: Any) -> None:
    import hullwise as hw

    rows = []
    for widths in SHAPES:
        W, b = he(widths)
        net, d = hw.model.from_arrays(W, b), widths[0]
        low, high = -np.ones(d), np.ones(d)
        times: dict[str, list[float]] = {name: [] for name in PARTS_TIMED}
        for _ in range(options.repeat + 1):
            run = clocked(lambda net=net: _with_edges(hw.model.cell_complex(net, 1.0)))
            times["cells"].append(run.cpu)
            run_peer = clocked(lambda W=W, b=b, x=(low, high): edge_subdivision(W, b, *x))
            times["peer"].append(run_peer.cpu)
            faces = clocked(lambda net=net: hw.model.cell_complex(net, 1.0, method="lattice"))
            times["lattice"].append(faces.cpu)
            times["counts"].append(clocked(lambda c=run.result: c.n_faces).cpu)
            times["volumes"].append(clocked(lambda c=run.result: c.volumes).cpu)
            assert run.result.n_faces == faces.result.n_faces
        c, (X, E) = run.result, run_peer.result
        assert (len(X), len(E)) == (len(c.vertices), len(c.edges))
        least = {name: min(seconds[1:]) for name, seconds in times.items()}
        peers = [
            regions_of_peer(options.peers, program, W, b, c.n_regions, options.peer_seconds)
            if options.peers else "-"
            for program in (AFFINITREE, RELUCENT)
        ]  # fmt: skip
        rows.append(
            [
                _name(widths),
                *(f"{n:,}" for n in (c.n_regions, len(X), len(E))),
                *(f"{least[name]:.4f}" for name in ("cells", "peer")),
                f"{least['peer'] / least['cells']:.2f}",
                *(f"{least[name]:.4f}" for name in ("lattice", "counts", "volumes")),
                *peers,
            ]
        )
    show(HEAD, rows)


def _with_edges(c: Any) -> Any:
    assert len(c.edges)
    return c


def _name(widths: tuple[int, ...]) -> str:
    return "-".join(map(str, widths))


def large() -> None:
    rows = []
    for widths in LARGE:
        command = [sys.executable, __file__, "--one", ",".join(map(str, widths))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append([_name(widths), *done.stdout.split()])
    show(("network", "regions", "CPU, s", "peak, bytes a region", "kept, bytes a region"), rows)


def one(widths: tuple[int, ...]) -> None:
    import hullwise as hw

    hw.model.cell_complex(hw.model.from_arrays(*he((widths[0], 4, 4, 1))), 1.0)
    net = hw.model.from_arrays(*he(widths))
    forget_peak()
    before, start = memory("VmRSS"), time.process_time()
    c = hw.model.cell_complex(net, 1.0, max_regions=20_000_000)
    cpu = time.process_time() - start
    peak, table = memory("VmHWM") - before, c.structure
    kept = sum(x.nbytes for x in (table.vertices, table.corners.ids, table.masks, c.outputs))
    kept += 8 * (table.n_cells * 5) + table.facet_walls.ids.nbytes + table.cut_edges.nbytes
    print(f"{c.n_regions:,} {cpu:.2f} {peak / c.n_regions:,.0f} {kept / c.n_regions:,.0f}")
    print(f"{peak / MIB:,.0f} MiB", file=sys.stderr)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--repeat", type=int, default=7)
    p.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="interpreter with affinitree and relucent"
    )
    p.add_argument("--peer-seconds", type=float, default=60.0)
    p.add_argument("--large", action="store_true")
    p.add_argument("--one", metavar="D,N,...", help="one large network, in this process")
    options = p.parse_args()
    if options.one:
        one(tuple(int(n) for n in options.one.split(",")))
    elif options.large:
        large()
    else:
        compare(options)


if __name__ == "__main__":
    main()
