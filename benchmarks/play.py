"""`hullwise play` end to end: frames a second in headless Chromium, beside busy processes, with ten
pages at once, Ctrl-C, and memory over a soak.

    python benchmarks/play.py                     # about three minutes
    python benchmarks/play.py --only soak --seconds 3600

Needs the extra play, Playwright and the system's Chromium. The window is 1280 x 800; frames are
those that the page has drawn; times of stages are the server's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from _measure import MIB

NETWORKS = ((8, 8), (32, 32), (64, 64), (64, 64, 64))
PAGES = 10
BUSY_PROCESSES = 4
WARM_SECONDS, MEASURED_SECONDS, SAMPLE_SECONDS = 2.0, 5.0, 0.25
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
STAGES = ("train", "read", "slice", "pack")
Server = tuple[subprocess.Popen[str], str]


@contextlib.contextmanager
def play_server(**environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hullwise", "play", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    )
    assert process.stdout is not None
    match = re.search(r"http://\S+", process.stdout.readline())
    assert match is not None
    try:
        yield process, match[0]
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def busy_machine(processes: int) -> Iterator[None]:
    """Other work beside the server and the browser."""
    code = "while True: sum(range(10**6))"
    burners = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """The system's, headless."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def page_value(tab: Any, expression: str) -> Any:
    """What the page's own object says."""
    return tab.evaluate(
        f"async () => {{ const {{ page }} = await import('/main.js'); return {expression}; }}"
    )


def open_page(browser: Any, url: str, widths: tuple[int, ...]) -> Any:
    """A page in training that does not stop itself."""
    tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    layers = ",".join(f"{width}relu" for width in widths)
    tab.goto(f"{url}#layers={layers}&noise=0.1")
    while not page_value(tab, "page.numbers !== null"):
        tab.wait_for_timeout(50)
    if not page_value(tab, "page.isPlaying"):
        tab.locator("#play").click()
    return tab


def cpu_seconds(pid: int) -> float:
    """User and system time of another process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_frames(tabs: list[Any], seconds: float) -> tuple[list[float], dict[str, float], int]:
    """Frames a second of each page, medians of the stages in ms, and regions in view."""
    tabs[0].wait_for_timeout(1000 * WARM_SECONDS)
    before = [(page_value(tab, "page.drawn"), time.perf_counter()) for tab in tabs]
    samples = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        tabs[0].wait_for_timeout(1000 * SAMPLE_SECONDS)
        samples.append(page_value(tabs[0], "page.numbers"))
    rates = []
    for tab, (drawn, start) in zip(tabs, before, strict=True):
        rates.append((page_value(tab, "page.drawn") - drawn) / (time.perf_counter() - start))
    stages = {key: median(s["milliseconds"][key] for s in samples) for key in STAGES}
    return rates, stages, round(median(s["pieces"] for s in samples))


def run_frames(browser: Any, server: Server, seconds: float, beside: str) -> None:
    """A line for each network."""
    process, url = server
    for widths in NETWORKS:
        tab = open_page(browser, url, widths)
        drawn, cpu = page_value(tab, "page.drawn"), cpu_seconds(process.pid)
        (rate,), stages, regions = measure_frames([tab], seconds)
        cpu = (cpu_seconds(process.pid) - cpu) / (page_value(tab, "page.drawn") - drawn)
        tab.context.close()
        times = " | ".join(f"{stages[key]:.2f}" for key in STAGES)
        name = "-".join(map(str, (2, *widths, 1)))
        print(
            f"| {name} | {beside} | {regions:,} | {rate:.0f} | {1e3 * cpu:.1f} | {times} |",
            flush=True,
        )


def run_pages(browser: Any, url: str, seconds: float) -> None:
    """Pages at once, each with the standard network."""
    tabs = [open_page(browser, url, (32, 32)) for _ in range(PAGES)]
    rates, _, _ = measure_frames(tabs, seconds)
    print(f"{PAGES} pages at once: {min(rates):.1f} to {max(rates):.1f} frames a second each")
    for tab in tabs:
        tab.context.close()


def run_stop(browser: Any) -> None:
    """Ctrl-C without a page, with three in training, and while kernels are compiled."""
    for n_pages in (0, 3):
        with play_server() as (process, url):
            tabs = [open_page(browser, url, (64, 64, 64)) for _ in range(n_pages)]
            time.sleep(1)
            print(f"Ctrl-C with {n_pages} pages: {seconds_to_stop(process):.2f} s", flush=True)
            for tab in tabs:
                tab.context.close()
    with TemporaryDirectory() as cache, play_server(NUMBA_CACHE_DIR=cache) as (process, _):
        time.sleep(3)
        print(f"Ctrl-C while kernels are compiled: {seconds_to_stop(process):.2f} s", flush=True)


def seconds_to_stop(process: subprocess.Popen[str]) -> float:
    """From Ctrl-C until the process has ended."""
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0
    return time.perf_counter() - start


def resident_bytes(pid: int) -> float:
    """Of another process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024.0 * int(line.split()[1])
    return float("nan")


def run_soak(browser: Any, seconds: float) -> None:
    """Memory of the server while one page trains and others come and go."""
    with play_server() as (process, url):
        tab = open_page(browser, url, (64, 64))
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            tab.wait_for_timeout(1000 * max(5.0, seconds / 20))
            visitor = open_page(browser, url, (32, 32))
            visitor.wait_for_timeout(500)
            visitor.context.close()
            if not page_value(tab, "page.isPlaying"):
                tab.locator("#play").click()
            heap = tab.evaluate("performance.memory.usedJSHeapSize")
            print(
                f"after {elapsed:5.0f} s: {page_value(tab, 'page.drawn'):,} frames, server "
                f"{resident_bytes(process.pid) / MIB:.1f} MiB, page {heap / MIB:.1f} MiB",
                flush=True,
            )


def main() -> None:
    """Print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="frames,busy,pages,stop,soak")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the soak")
    options = parser.parse_args()
    parts = options.only.split(",")
    with chromium() as browser:
        if {"frames", "busy", "pages"} & set(parts):
            with play_server() as server:
                print(
                    "| net | beside | regions | frames/s | server's CPU a frame (ms) "
                    "| train | read | slice | pack (ms) |"
                )
                print("|---|---|---|---|---|---|---|---|---|")
                if "frames" in parts:
                    run_frames(browser, server, MEASURED_SECONDS, "nothing")
                if "busy" in parts:
                    with busy_machine(BUSY_PROCESSES):
                        run_frames(browser, server, MEASURED_SECONDS, f"{BUSY_PROCESSES} busy")
                if "pages" in parts:
                    run_pages(browser, server[1], MEASURED_SECONDS)
        if "stop" in parts:
            run_stop(browser)
        if "soak" in parts:
            run_soak(browser, options.seconds)


if __name__ == "__main__":
    main()
