"""What a watch says as files for other programs: a summary, OpenMetrics, a test case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .. import __version__
from .._core.results import json_ready
from ..geometry.bands import BAND_NAMES
from ..io.atomic_write import whole_file
from ..io.open_metrics import MetricFamily, open_metrics_text
from ..io.paths import display_path
from ..watch.watch_result import WatchResult
from ._junit import xml_text
from ._watch_command import WatchOptions
from .status import record_written

WATCH_SUMMARY_FORMAT = 1


def write_watch_files(options: WatchOptions, digest: str, result: WatchResult) -> list[str]:
    """Write the files that were asked for; a line on each."""
    kinds: tuple[tuple[str | None, str, Callable[[], bytes]], ...] = (
        (options.summary, "summary", lambda: _summary(options, digest, result)),
        (options.metrics, "metrics", lambda: open_metrics_text(watch_metrics(result)).encode()),
        (options.junit, "test case", lambda: _test_case(options, result)),
    )
    written = []
    for path, what, content in kinds:
        if path is not None:
            with whole_file(path, force=options.force) as stream:
                stream.write(content())
            record_written(path)
            written.append(f"{what} written to {path}")
    return written


def _summary(options: WatchOptions, digest: str, result: WatchResult) -> bytes:
    table = result.to_dict()
    content = {
        "hullwise": __version__,
        "format": WATCH_SUMMARY_FORMAT,
        "command": "watch",
        "domain": display_path(options.domain),
        "watch": digest,
        "alarm": result.alarm,
        "alarmed": result.alarmed,
        "first_alarm": result.first_alarm,
        "since": result.since,
        "p_value": result.p_value,
        "sentence": result.sentence,
        "columns_with_change": result.columns_with_change(),
        "batches": [
            {
                "name": batch.name,
                "sha256": batch.digest,
                "rows": batch.n_rows,
                "not_located": batch.n_not_located,
                "bands": {band: batch.bands.get(band, 0) for band in BAND_NAMES},
                "log_evidence": log_e,
            }
            for batch, log_e in zip(result.batches, result.log_statistics.tolist())
        ],
        "scores": [dict(zip(table, row)) for row in zip(*table.values())],
    }
    return json.dumps(json_ready(content), indent=2, ensure_ascii=False).encode() + b"\n"


def watch_metrics(result: WatchResult) -> list[MetricFamily]:
    """The state of a watch as figures."""
    one = MetricFamily.single
    bands = {band: sum(b.bands.get(band, 0) for b in result.batches) for band in BAND_NAMES}
    evidence: list[tuple[dict[str, str], float]] = [
        ({"score": str(name)}, float(value))
        for name, value in zip(result.name, result.log_evidence)
    ]
    p_value = "P-value of all scores together, valid at any time."
    return [
        one("hullwise_watch_alarmed", "gauge", "Whether it has alarmed.", int(result.alarmed)),
        one("hullwise_watch_alarm", "gauge", "Probability of a false alarm.", result.alarm),
        one("hullwise_watch_p_value", "gauge", p_value, result.p_value),
        one("hullwise_watch_batches", "counter", "Batches counted.", result.batch),
        MetricFamily(
            "hullwise_watch_rows",
            "counter",
            "Rows of all batches, by band.",
            [({"band": band}, count) for band, count in bands.items()],
        ),
        MetricFamily(
            "hullwise_watch_log_evidence",
            "gauge",
            "Natural logarithm of the evidence of each score.",
            evidence,
        ),
    ]


def _test_case(options: WatchOptions, result: WatchResult) -> bytes:
    """The alarm as the one test case of a JUnit file."""
    failures = str(int(result.alarmed))
    counts: dict[str, Any] = {"tests": "1", "failures": failures, "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", name="hullwise watch", **counts)
    suite = ElementTree.SubElement(root, "testsuite", name="hullwise watch", **counts)
    name = f"no alarm at {result.alarm:g} after {result.batch} batches"
    classname = xml_text(Path(options.domain).stem) or "watch"
    case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name, time="0")
    if result.alarmed:
        text = xml_text(result.sentence)
        ElementTree.SubElement(case, "failure", message=text).text = text
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
