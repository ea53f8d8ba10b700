"""`hullwise serve` on loopback: what HTTP adds to a row, rows a second, four clients, memory.

    python benchmarks/serve.py            # about a minute
    python benchmarks/serve.py --soak 1000000

Single rows are drawn like the training rows, 1.3 times as far from the mean. Clients are processes
that keep their connection. CPU seconds are the service's own, read from /proc: they say more than
the clock where other work runs.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _measure import MIB, compile_first

CLIENTS = 4
SHAPES = ((2_000, 8, 10_000), (100_000, 20, 2_000))  # training rows, columns, rows of a batch
ARROW = "application/vnd.apache.arrow.stream"
TICKS = os.sysconf("SC_CLK_TCK")


def columns(n: int, d: int, random_state: int, width: float = 1.0) -> dict[str, Any]:
    """A table of d columns, one of them a category."""
    rng = np.random.default_rng(random_state)
    table: dict[str, Any] = {f"x{j}": width * rng.normal(size=n) for j in range(d - 1)}
    return table | {"job": np.array(list("abcd"))[rng.integers(0, 4, n)].tolist()}


def records(n: int, d: int) -> list[dict[str, Any]]:
    table = columns(n, d, 1, 1.3)
    lists = [c if isinstance(c, list) else c.tolist() for c in table.values()]
    return [dict(zip(table, cells)) for cells in zip(*lists)]


@contextlib.contextmanager
def service(path: Path) -> Iterator[tuple[int, int]]:
    """Port and process number of a running service."""
    command = [sys.executable, "-m", "hullwise", "serve", str(path), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    match = re.search(r":(\d+)/", process.stdout.readline())
    assert match is not None
    try:
        yield int(match[1]), process.pid
    finally:
        process.terminate()
        process.wait(60)


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Bytes that a process holds."""
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return 1024.0 * int(match[1])


def ask(port: int, bodies: Sequence[bytes], kind: str = "application/json") -> list[float]:
    """Seconds of each request."""
    link = http.client.HTTPConnection("127.0.0.1", port)
    seconds = []
    for body in bodies:
        start = time.perf_counter()
        link.request("POST", "/locate", body, {"Content-Type": kind})
        response = link.getresponse()
        answer = response.read()
        assert response.status == 200, answer[:200]
        seconds.append(time.perf_counter() - start)
    return seconds


def at_once(port: int, bodies: Sequence[bytes], n_clients: int) -> float:
    """Wall seconds of several clients that each send all bodies."""
    barrier = multiprocessing.Barrier(n_clients + 1)
    clients = [
        multiprocessing.Process(target=_client, args=(port, bodies, barrier))
        for _ in range(n_clients)
    ]
    for client in clients:
        client.start()
    barrier.wait()
    start = time.perf_counter()
    for client in clients:
        client.join()
    return time.perf_counter() - start


def _client(port: int, bodies: Sequence[bytes], barrier: Any) -> None:
    ask(port, bodies[:3])
    barrier.wait()
    ask(port, bodies)


def arrow_body(m: int, d: int) -> bytes:
    import pyarrow as pa

    table, sink = pa.table(columns(m, d, 2)), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def measure(n: int, d: int, m: int, n_rows: int, soak: int) -> Iterator[tuple[str, str, str]]:
    """What was measured, and what was asked for."""
    import hullwise as hw

    domain = hw.Domain().fit(columns(n, d, 0))
    rows = records(n_rows, d)
    bodies = [json.dumps(row).encode() for row in rows]
    for row in rows[:20]:
        domain.locate_one(row)
    start = time.process_time()
    seconds = []
    for row in rows:
        begin = time.perf_counter()
        domain.locate_one(row)
        seconds.append(time.perf_counter() - begin)
    alone, alone_cpu = median(seconds), (time.process_time() - start) / len(rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "seen.hull"
        domain.save(path)
        with service(path) as (port, pid):
            ask(port, bodies[:20])
            used = cpu_seconds(pid)
            times = ask(port, bodies)
            own = (cpu_seconds(pid) - used) / len(bodies)
            yield "`locate_one`, ms: wall; CPU", f"{1e3 * alone:.2f}; {1e3 * alone_cpu:.2f}", ""
            yield (
                "one row in JSON, ms: wall; CPU",
                f"{1e3 * median(times):.2f}; {1e3 * own:.2f}",
                "",
            )
            added = f"{1e3 * (median(times) - alone):.2f}; {1e3 * (own - alone_cpu):.2f}"
            yield "HTTP adds, ms: wall; CPU", added, "3"
            yield "rows a second, one by one", f"{len(times) / sum(times):,.0f}", "300"
            one = at_once(port, bodies, 1)
            used = cpu_seconds(pid)
            four = at_once(port, bodies, CLIENTS)
            shared = (cpu_seconds(pid) - used) / len(bodies) / CLIENTS
            yield "four clients at once over one: wall", f"{four / one:.2f}", "2"
            yield "rows a second, four clients", f"{CLIENTS * len(bodies) / four:,.0f}", ""
            yield "CPU ms of a row, four clients; one", f"{1e3 * shared:.2f}; {1e3 * own:.2f}", ""
            batch = arrow_body(m, d)
            ask(port, [batch], ARROW)
            used = cpu_seconds(pid)
            wall = min(ask(port, [batch] * 3, ARROW))
            cpu = (cpu_seconds(pid) - used) / 3
            text = f"{m / wall:,.0f}; {m / cpu:,.0f}"
            yield "rows a second in Arrow: wall; of one core's CPU", text, "20,000"
            before = resident(pid)
            for _ in range(max(1, soak // len(bodies))):
                ask(port, bodies)
            n_soak = max(1, soak // len(bodies)) * len(bodies)
            grown = f"{before / MIB:.0f} to {resident(pid) / MIB:.0f}"
            yield f"memory over {n_soak:,} requests, MiB", grown, "flat"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300, help="rows of each client")
    parser.add_argument("--soak", type=int, default=3000, help="requests over which memory is read")
    options = parser.parse_args()
    compile_first()
    for n, d, m in SHAPES:
        print(f"\n{n:,} training rows, {d} columns; load average {os.getloadavg()[0]:.1f}\n")
        print("| what | measured | target |\n| :-- | --: | --: |")
        for what, measured, target in measure(n, d, m, options.rows, options.soak):
            print(f"| {what} | {measured} | {target} |", flush=True)


if __name__ == "__main__":
    main()
