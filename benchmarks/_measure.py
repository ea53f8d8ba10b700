"""What the benchmarks share: clocks, peak memory, the LP that serves as peer, and tables."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

MIB = 2.0**20


@dataclass(frozen=True)
class Clocked:
    """A result, the wall seconds and the CPU seconds (all threads) it took."""

    result: Any
    wall: float
    cpu: float


def clocked(work: Callable[[], Any]) -> Clocked:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Clocked(result, time.perf_counter() - wall, time.process_time() - cpu)


def repeated(work: Callable[[], Any], times: int) -> Clocked:
    """The last result with the median wall and CPU seconds of `times` runs."""
    runs = []
    result = None
    for _ in range(times):
        result = None  # the last answer must not be held while the next one is made
        run = clocked(work)
        result = run.result
        runs.append((run.wall, run.cpu))
    return Clocked(result, median(w for w, _ in runs), median(c for _, c in runs))


def memory(field: str) -> float:
    """A line of /proc/self/status in bytes, NaN where there is none.

    `VmRSS` is what this process holds now, `VmHWM` its peak, `VmSize` its addresses.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return 1024.0 * int(line.split()[1])
    return float("nan")


def forget_peak() -> None:
    """Let `VmHWM` begin anew, where Linux allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def compile_first() -> None:
    """Compile the kernels in another process, so that this one only loads them."""
    code = "from hullwise.geometry.warm_up import compile_locate; compile_locate()"
    subprocess.run([sys.executable, "-c", code], check=True)


def warm() -> None:
    """Load the kernels into this process."""
    compile_first()
    from hullwise.geometry.warm_up import compile_locate

    compile_locate()


INTERPOLANTS = (
    "DelaunayRegressor",
    "VoronoiRegressor",
    "BoxSplineRegressor",
    "MaxBoxRegressor",
    "ShepardRegressor",
    "LinearShepardRegressor",
    "InverseDistanceRegressor",
    "NearestRegressor",
)


def warm_interpolants(names: Sequence[str] = INTERPOLANTS) -> None:
    """The same for the kernels of interpolants: compiled elsewhere, loaded here."""
    code = f"from _measure import try_interpolants; try_interpolants({list(names)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    try_interpolants(names)


def try_interpolants(names: Sequence[str]) -> None:
    """Every one on a small table, with queries inside and outside, on a face of many rows too."""
    import hullwise as hw

    grid = np.indices((3, 3, 3)).reshape(3, -1).T.astype(float)
    loose = np.random.default_rng(0).normal(size=(40, 3))
    for X in (grid, loose):
        for name in names:
            regressor = getattr(hw, name)().fit(X, X[:, 0])
            regressor.weights(np.array([[0.9, 1.1, 1.0], [9.0, 1.0, 1.2]]))


@dataclass(frozen=True)
class Peer:
    """HiGHS's word on some queries: 1 inside, -1 outside, 0 neither; CPU seconds a query."""

    verdict: Any
    cpu: float


def lp_verdicts(X: Any, Q: Any) -> Peer:
    """Is there w >= 0 with sum w = 1 and w X = q? One LP for each query, by HiGHS."""
    from scipy.optimize import linprog

    A = np.vstack([np.asarray(X, dtype=np.float64).T, np.ones(len(X))])
    cost = np.zeros(len(X))

    def ask(q: Any) -> int:
        b = np.append(np.asarray(q, dtype=np.float64), 1.0)
        answer = linprog(cost, A_eq=A, b_eq=b, bounds=(0, None), method="highs")
        # `success` is False on a time-out too: only status 2 says that no combination exists
        return {0: 1, 2: -1}.get(answer.status, 0)

    run = clocked(lambda: np.array([ask(q) for q in Q]))
    return Peer(run.result, run.cpu / len(Q))


def verified(location: Any, X: Any, count: int, exact: bool = False) -> tuple[int, int]:
    """How many of `count` random rows hold when re-checked: (right, checked)."""
    m = len(location)
    rows = np.sort(np.random.default_rng(1).choice(m, min(count, m), replace=False))
    return int(location[rows].verify(X, exact=exact).sum()), len(rows)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> str:
    """A Markdown table; the first `left` columns are text, the others numbers."""
    marks = [":--" if i < left else "--:" for i in range(len(head))]
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def show(head: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> None:
    print(table(head, rows, left) + "\n", flush=True)


def met(holds: bool) -> str:
    return "yes" if holds else "**no**"


def parser(doc: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=(doc or "").strip().splitlines()[0],
        epilog="\n".join((doc or "").splitlines()[1:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def read_mnist(folder: Path) -> tuple[Any, Any]:
    """Training and test images of mnist.npz, float32, pixel / 255."""
    with np.load(folder / "mnist.npz") as file:
        return _unit(file["X_train"]), _unit(file["X_test"])


def _unit(pixels: Any) -> Any:
    """Block by block, so that no second copy of the whole table is ever made."""
    out = np.zeros(pixels.shape, dtype=np.float32)
    for start in range(0, len(pixels), 4096):
        np.divide(pixels[start : start + 4096], np.float32(255), out=out[start : start + 4096])
    return out


def processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def machine() -> str:
    """The machine and the versions, one line each."""
    import numba
    import scipy
    import sklearn
    from threadpoolctl import threadpool_info

    import hullwise

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    blas = sorted(
        {
            f"{i['internal_api']} {i['version']} ({i.get('architecture', 'unknown')})"
            for i in threadpool_info()
            if i["user_api"] == "blas"
        }
    )
    return "\n".join(
        (
            f"- {cores} cores: {processor()}, {platform.machine()}, {platform.system()}",
            f"- hullwise {hullwise.__version__}, Python {platform.python_version()}, "
            f"numpy {np.__version__}, scipy {scipy.__version__}, numba {numba.__version__}, "
            f"scikit-learn {sklearn.__version__}",
            f"- BLAS: {', '.join(blas)}",
            f"- load average before the first benchmark: {_load()}",
        )
    )
