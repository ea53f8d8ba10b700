"""`--summary FILE.json`: the figures of a run for other programs; docs/summary.schema.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .. import __version__
from ..domain.domain_location import DomainLocation
from ..domain.domain_summary import DomainSummary
from ..geometry.location import Location
from ..geometry.location_summary import LocationSummary
from ..io.atomic_write import whole_file
from ._command_options import LocateOptions
from ._fail_on import FailingRows

SUMMARY_FORMAT = 1
FARTHEST_LISTED = 20
FAILING_LISTED = 1000
FILE_OPTIONS = frozenset(
    {"train", "query", "output", "summary", "junit", "report", "proofs", "save_metric", "force"}
)


def summary_of_domain(location: DomainLocation, digest: str) -> dict[str, Any]:
    """The figures of rows in a domain."""
    summary = location.summary()
    combinations = location.new_combinations()
    groups = location.groups()
    return {
        "method": "domain",
        "metric": location.metric_text,
        "training": {"rows": summary.n_train, "sha256": digest},
        "new": {"rows": len(location), "not_located": len(location.unusable)},
        **_counts(summary),
        "out": {
            "rows": summary.n_out,
            "by_distance": summary.n_out_by_distance,
            "expected_by_distance": summary.expected_out,
            "by_name": summary.n_unseen,
            "expected_by_name": summary.expected_unseen,
        },
        "chance": {
            "all": summary.chance,
            "by_distance": summary.chance_by_distance,
            "by_name": summary.chance_by_name,
        },
        "unseen_levels": [
            {"column": level.column, "level": level.level, "rows": level.rows}
            for level in summary.unseen
        ],
        "rare_levels": [
            {
                "column": level.column,
                "level": level.level,
                "rows": level.rows,
                "training_rows": level.training_rows,
            }
            for level in summary.rare
        ],
        "gaps": [asdict(count) for count in summary.gaps],
        "new_combinations": None if combinations is None else len(combinations.rows),
        "groups": None if groups is None else [_record(row) for row in _rows(groups.to_dict())],
        "columns": [
            {
                "name": column.name,
                "role": column.role,
                "rows": column.rows,
                "too_high": column.too_high,
                "too_low": column.too_low,
                "of_another_level": column.of_another_level,
            }
            for column in summary.columns
        ],
        "farthest": _farthest(location, summary.farthest),
        "notes": [str(note) for note in location.notes],
    }


def summary_of_numbers(
    location: Location, n_refused: int, task: Location | None = None
) -> dict[str, Any]:
    """The figures of rows of numbers; what the tables of other kinds have is null."""
    summary = location.summary()
    figures: dict[str, Any] = {
        "method": "numbers",
        "metric": location.metric_text,
        "training": {"rows": summary.n_train, "sha256": None},
        "new": {"rows": len(location) + n_refused, "not_located": n_refused},
        **_counts(summary),
        "out": {
            "rows": summary.n_out,
            "by_distance": summary.n_out,
            "expected_by_distance": summary.expected_out,
            "by_name": 0,
            "expected_by_name": 0.0,
        },
        "chance": {"all": summary.chance, "by_distance": summary.chance, "by_name": None},
        "unseen_levels": [],
        "rare_levels": [],
        "gaps": [],
        "new_combinations": None,
        "groups": None,
        "columns": [
            {
                "name": feature.name,
                "role": "number",
                "rows": feature.rows,
                "too_high": feature.too_high,
                "too_low": feature.too_low,
                "of_another_level": 0,
            }
            for feature in summary.features
        ],
        "farthest": _farthest(location, summary.farthest),
        "notes": list(location.notes),
    }
    if task is not None:
        figures["in_what_matters"] = {"metric": task.metric_text, **_counts(task.summary())}
    return figures


def _counts(summary: LocationSummary | DomainSummary) -> dict[str, Any]:
    return {
        "n_reference": summary.n_reference,
        "bands": dict(summary.bands),
        "verdicts": dict(summary.verdicts),
    }


def _farthest(location: Location | DomainLocation, rows: Any) -> list[dict[str, Any]]:
    """The first rows of those outside, with what puts each there."""
    shown = rows[:FARTHEST_LISTED]
    pushes = location[shown].pushed_out_by() if len(shown) else []
    return [
        {
            "row": int(row) if location.labels is None else location.labels[row],
            "band": str(location.band[row]),
            "distance": float(location.upper[row]),
            "percentile": float(location.hull_percentile[row]),
            "pushed_out_by": [{"column": name, "amount": amount} for name, amount in pushed],
        }
        for row, pushed in zip(shown.tolist(), pushes)
    ]


def _rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items()}


def write_summary(
    path: str,
    figures: Mapping[str, Any],
    failing: FailingRows | None,
    options: LocateOptions,
    notes: tuple[str, ...] = (),
) -> str:
    """Write the figures with where they come from; what there is to say of it."""
    figures = dict(figures)
    document = {
        "format": SUMMARY_FORMAT,
        "hullwise": __version__,
        "training": {"file": options.train, **figures.pop("training")},
        "new": {"file": options.query, **figures.pop("new")},
        "options": {
            name: getattr(options, name) for name in sorted(options.explicit - FILE_OPTIONS)
        },
        "notes": [*notes, *figures.pop("notes")],
        **figures,
        "fail_on": None if failing is None else _condition(failing),
    }
    with whole_file(path, force=options.force) as stream:
        text = json.dumps(_json_value(document), ensure_ascii=False, allow_nan=False, indent=1)
        stream.write(text.encode() + b"\n")
    return f"summary written to {path}"


def _explicit(options: LocateOptions) -> dict[str, Any]:
    """The options that the command line named, without files."""
    return {name: getattr(options, name) for name in sorted(options.explicit - FILE_OPTIONS)}


def _condition(failing: FailingRows) -> dict[str, Any]:
    rows = failing.meets | failing.refused
    return {
        "condition": failing.condition,
        "allowed_percent": failing.allowed,
        "is_met": failing.is_met,
        "rows": int(rows.sum()),
        "names": failing.names[rows][:FAILING_LISTED].tolist(),
    }


def _json_value(value: Any) -> Any:
    """The same as JSON has it; null for what is not known."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _json_value(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(part) for part in value]
    return value
