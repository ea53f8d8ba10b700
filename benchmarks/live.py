"""Frames of a network that trains: read, slice, polygons and values; beside another version's.

    python benchmarks/live.py                    # networks of two inputs, trained on two spirals
    python benchmarks/live.py --before FOLDER    # FOLDER: src of another checkout of hullwise
    python benchmarks/live.py --busy 4           # beside four processes that only count

A frame is what a page needs of a network after a step: the network, its slice on |u|, |v| <= 1.3,
the polygons as flat arrays and the outputs at their corners. Weights change a little before each.
The other version, in a process of its own, reads the module for each frame and slices it; the two
take turns, frame by frame, and should give the same vertices, outputs, codes and edges. Medians;
CPU is process time. `--memory`: time and peak memory of a slice of 2-128-128-128-1 instead.
"""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from _measure import parser, show

HEAD = ("network", "regions", "refresh, ms", "CPU, ms", "wall, ms", "frames a second")
PAIRED = ("CPU before, ms", "wall before, ms", "CPU ratio", "same")
WIDTHS = ((2, 32, 32, 1), (2, 64, 64, 1), (2, 64, 64, 64, 1))
TRAINING_STEPS = 1500
PLANE = [0.0, 0.0], np.eye(2), 1.3


def trained(widths: tuple[int, ...], steps: int) -> Any:
    """A ReLU network, trained on two spirals with Adam."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers: list[Any] = []
    for i, o in itertools.pairwise(widths):
        layers += [nn.Linear(i, o), nn.ReLU()]
    module = nn.Sequential(*layers[:-1])
    rng = np.random.default_rng(0)
    turn, arm = np.sqrt(rng.random(500)) * 3 * np.pi, rng.integers(0, 2, 500)
    angle = turn + np.pi * arm
    rows = np.c_[np.cos(angle) * turn, np.sin(angle) * turn] / (3 * np.pi)
    x = torch.tensor(rows + rng.normal(size=(500, 2)) * 0.02, dtype=torch.float32)
    y = torch.tensor(arm, dtype=torch.float32)[:, None]
    optimiser = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(steps):
        i = torch.randint(0, 500, (64,))
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(module(x[i]), y[i]).backward()
        optimiser.step()
    return module


def nudge(module: Any, frame: int) -> None:
    """Other weights for each frame, the same in every process."""
    import torch

    generator = torch.Generator().manual_seed(frame)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(1e-4 * torch.randn(p.shape, generator=generator))


def fingerprint(s: Any) -> str:
    arrays = s.vertices, s.outputs, s.codes, s.edges, s.edge_units, s.complex.halves
    return hashlib.sha1(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def serve_frames(widths: tuple[int, ...], steps: int) -> None:
    """Frames of the version that is imported, one for each line read: CPU, wall, fingerprint."""
    import hullwise as hw

    module = trained(widths, steps)
    live = hw.model.LiveSlice(module) if hasattr(hw.model, "LiveSlice") else None
    for frame, _ in enumerate(sys.stdin):
        nudge(module, frame)
        cpu, wall = time.process_time(), time.perf_counter()
        if live is None:
            s = hw.model.read(module).slice(*PLANE)
            cells = s.complex.loops
        else:
            net = live.refresh()
            refreshed = time.perf_counter() - wall
            s = net.slice(*PLANE)
            cells = s.corners
        assert len(cells[1]) == len(s.complex.first)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        refreshed = 0.0 if live is None else refreshed
        print(cpu, wall, refreshed, s.n_regions, fingerprint(s), flush=True)


class FrameServer:
    """Another process that makes frames."""

    def __init__(self, widths: tuple[int, ...], steps: int, source: str | None) -> None:
        environment = {**os.environ, **({"PYTHONPATH": source} if source else {})}
        command = [sys.executable, __file__, "--serve", ",".join(map(str, widths))]
        self.process = subprocess.Popen(
            [*command, "--steps", str(steps)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.frames: list[list[str]] = []

    def frame(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        self.frames.append(self.process.stdout.readline().split())

    def median(self, column: int) -> float:
        """In milliseconds; the first frames compile and fill caches."""
        return float(np.median([float(frame[column]) for frame in self.frames[3:]])) * 1e3

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def count_forever() -> None:
    n = 0
    while True:
        n += 1


def compared(widths: tuple[int, ...], steps: int, n_frames: int, before: str | None) -> list[str]:
    servers = [FrameServer(widths, steps, None)]
    if before:
        servers.append(FrameServer(widths, steps, before))
    for _ in range(n_frames + 3):
        for server in servers:
            server.frame()
    now = servers[0]
    wall = now.median(1)
    row = ["-".join(map(str, widths)), f"{int(now.frames[-1][3]):,}", f"{now.median(2):.3f}"]
    row += [f"{now.median(0):.2f}", f"{wall:.2f}", f"{1e3 / wall:.0f}"]
    if before:
        other = servers[1]
        same = [a[4] == b[4] for a, b in zip(now.frames, other.frames, strict=True)]
        row += [f"{other.median(0):.2f}", f"{other.median(1):.2f}"]
        row += [f"{other.median(0) / now.median(0):.2f}", f"{sum(same)} of {len(same)}"]
    for server in servers:
        server.close()
    return row


def peak_of_a_large_slice() -> str:
    import hullwise as hw

    rng, widths = np.random.default_rng(0), (2, 128, 128, 128, 1)
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(widths)]
    net = hw.model.from_arrays(W, [rng.normal(size=len(w)) * 0.5 for w in W])
    start = time.process_time()
    s = net.slice([0.0, 0.0], np.eye(2))
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"2-128-128-128-1: {s.n_regions:,} regions, {cpu:.2f} s of CPU, peak {peak:,.0f} MB"


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--before", metavar="FOLDER", help="src of another checkout of hullwise")
    p.add_argument("--busy", type=int, default=0, help="processes that count beside")
    p.add_argument("--frames", type=int, default=60)
    p.add_argument("--steps", type=int, default=TRAINING_STEPS, help="of training")
    p.add_argument("--shapes", type=int, default=len(WIDTHS), help="how many of the networks")
    p.add_argument("--memory", action="store_true", help="the large slice alone")
    p.add_argument("--serve", metavar="WIDTHS", help="what the script starts for itself")
    options = p.parse_args()
    if options.serve:
        serve_frames(tuple(map(int, options.serve.split(","))), options.steps)
        return
    if options.memory:
        print(peak_of_a_large_slice())
        return
    busy = [multiprocessing.Process(target=count_forever, daemon=True) for _ in range(options.busy)]
    for process in busy:
        process.start()
    head = [*HEAD, *PAIRED] if options.before else list(HEAD)
    rows = [
        compared(widths, options.steps, options.frames, options.before)
        for widths in WIDTHS[: options.shapes]
    ]
    for process in busy:
        process.terminate()
    show(head, rows)
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}; {options.busy} busy processes.")


if __name__ == "__main__":
    main()
