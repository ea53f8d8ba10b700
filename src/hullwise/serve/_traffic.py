"""What a service has done since it started, as figures for a monitor. A layer of ASGI."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from time import perf_counter
from typing import Any

from .. import __version__
from ..geometry.bands import BAND_NAMES
from ..io.open_metrics import HistogramFamily, MetricFamily, open_metrics_text

OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
LATENCY_LIMITS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
MEASURED_PATHS = frozenset({"/locate", "/explain"})


class Traffic:
    """Counts of requests and rows; touched from one event loop only."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()  # by status
        self.rows: Counter[str] = Counter()  # by band
        self.unlocated_rows = 0
        self.latencies = [0] * (len(LATENCY_LIMITS) + 1)
        self.seconds = 0.0

    def count_rows(self, bands: dict[str, int], n_unusable: int) -> None:
        """Rows of one answer."""
        self.rows.update(bands)
        self.unlocated_rows += n_unusable

    def count_request(self, status: int, seconds: float | None) -> None:
        """One request; `seconds` where it was one for rows."""
        self.requests[status] += 1
        if seconds is not None:
            self.latencies[bisect_left(LATENCY_LIMITS, seconds)] += 1
            self.seconds += seconds

    def metrics_text(self, n_running: int, n_waiting: int) -> str:
        """All figures as OpenMetrics text."""
        statuses = [({"status": str(code)}, n) for code, n in sorted(self.requests.items())]
        by_band = [({"band": band}, float(self.rows[band])) for band in BAND_NAMES]
        running = ("hullwise_searches", "gauge", "Searches that run.", n_running)
        waiting = ("hullwise_requests_waiting", "gauge", "Requests for a thread.", n_waiting)
        return open_metrics_text(
            [
                MetricFamily("hullwise", "gauge", "Version.", [({"version": __version__}, 1)]),
                MetricFamily("hullwise_requests", "counter", "Requests answered.", statuses),
                MetricFamily("hullwise_rows", "counter", "Rows located, by band.", by_band),
                MetricFamily.single(
                    "hullwise_rows_unlocated", "counter", "Rows with a cell that cannot be read.",
                    self.unlocated_rows,
                ),
                MetricFamily.single(*running),  # type: ignore[arg-type]
                MetricFamily.single(*waiting),  # type: ignore[arg-type]
                HistogramFamily(
                    "hullwise_request_seconds",
                    "Seconds from the head of a request for rows to its answer.",
                    LATENCY_LIMITS,
                    self.latencies,
                    self.seconds,
                ),
            ]
        )  # fmt: skip


class TrafficCount:
    """The layer that counts requests."""

    def __init__(self, app: Any, traffic: Traffic) -> None:
        self.app, self.traffic = app, traffic

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def send_counted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            is_measured = scope["path"] in MEASURED_PATHS
            seconds = perf_counter() - start if is_measured else None
            self.traffic.count_request(status, seconds)
