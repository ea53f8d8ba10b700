"""Options that several commands take, as frozen objects; nothing numeric is imported here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import click

from ..io.sql_query import TablePath
from ._network_options import ModelReadingOptions
from .status import Printer, print_nothing, print_status

LEARNT_METRICS = ("agop", "curvature", "rfm", "nfm")


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How text files are read."""

    sep: str | None
    decimal: str
    no_header: bool


@dataclass(frozen=True, kw_only=True)
class TableOptions(ReadingOptions):
    """Which columns of a table are what."""

    target: tuple[str, ...]
    drop: tuple[str, ...]
    id_column: str | None
    columns: tuple[str, ...] | None

    @property
    def excluded(self) -> tuple[str, ...]:
        """The columns that are no features, targets first."""
        return tuple(dict.fromkeys([*self.target, *self.drop]))

    def check_columns(self) -> None:
        """Refuse a column that is to be two things at once."""
        for column in self.target:
            if column in (self.id_column, *self.drop):
                raise click.UsageError(
                    f"the column {column!r} of --target is also that of --id or --drop"
                )


@dataclass(frozen=True, kw_only=True)
class NewRowsOptions(TableOptions):
    """The same of a table of new rows, some of which may not be usable."""

    bad_rows: Literal["refuse", "keep"]


@dataclass(frozen=True, kw_only=True)
class RoleOptions(TableOptions):
    """What the columns of a table are, as far as it is declared."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    log: tuple[str, ...]
    ordered: Mapping[str, Sequence[str]]
    periodic: Mapping[str, float | Sequence[float]]
    dates: Mapping[str, Sequence[str]]
    gaps: tuple[str, ...]
    gaps_are_levels: tuple[str, ...]
    missing: Literal["each", "columns", "rows"]
    columns_from: str | None
    group: str | None
    by: str | None
    time: str | None

    @property
    def declared(self) -> dict[str, Sequence[str]]:
        """The columns that each option names."""
        return {
            "--target": self.target,
            "--drop": self.drop,
            "--id": [] if self.id_column is None else [self.id_column],
            "--columns": self.columns or (),
            "--number": self.numbers,
            "--category": self.categories,
            "--log": self.log,
            "--ordered": list(self.ordered),
            "--periodic": list(self.periodic),
            "--date": list(self.dates),
            "--group": [] if self.group is None else [self.group],
            "--by": [] if self.by is None else [self.by],
            "--time": [] if self.time is None else [self.time],
            "--gaps-are-levels": self.gaps_are_levels,
        }

    def check_roles(self) -> None:
        """Refuse a column that is to be two things at once."""
        owner: dict[str, str] = {}
        for option, columns in self.declared.items():
            if option in ("--columns", "--gaps-are-levels"):
                continue
            for column in columns:
                if owner.setdefault(column, option) != option:
                    raise click.UsageError(
                        f"the column {column!r} of {option} is also that of {owner[column]}"
                    )


@dataclass(frozen=True, kw_only=True)
class StatusOptions:
    """How much is said on the way."""

    quiet: bool

    @property
    def status(self) -> Printer:
        """What prints a line of status, or nothing under --quiet."""
        return print_nothing if self.quiet else print_status


@dataclass(frozen=True, kw_only=True)
class OutputOptions(StatusOptions):
    """Where the answer goes."""

    output: str | None
    force: bool

    def check_output(self, page: str | None = None) -> None:
        """Refuse a table whose name does not say its format, or that is also the page."""
        output = self.output
        if None not in (output, page) and os.path.abspath(str(output)) == os.path.abspath(
            str(page)
        ):
            raise click.UsageError("-o and --report name the same file")
        if output is None or output == "-" or os.path.lexists(output):
            return
        if os.path.splitext(output)[1].lower() not in (".csv", ".parquet", ".jsonl"):
            raise click.BadParameter(
                f"{output!r}: expected a name that ends in .csv, .parquet or .jsonl",
                param_hint="-o",
            )


@dataclass(frozen=True, kw_only=True)
class MetricOptions(ModelReadingOptions):
    """The metric of distances, or what it is to be learnt from."""

    metric: str
    save_metric: str | None
    classes: bool

    @property
    def is_learnt(self) -> bool:
        """Whether the metric is that of a task."""
        return self.metric in LEARNT_METRICS or self.metric.startswith("nfm:")

    @property
    def is_learnt_from_rows(self) -> bool:
        """Whether it is learnt from the target of the training rows."""
        of_target = self.metric in ("agop", "curvature") and not self.model
        return of_target or self.metric == "rfm"

    @property
    def layer(self) -> int | str:
        """The layer of nfm:LAYER, by number or name."""
        text = self.metric.partition(":")[2].strip()
        return int(text) if text.lstrip("-").isdecimal() else text

    def check_metric(self, target: Sequence[str]) -> None:
        """Refuse options of the metric that do not go together."""
        self.check_network()
        if not self.is_learnt:
            self._check_plain()
            return
        name, _, layer = self.metric.partition(":")
        if name == "nfm" and not layer.strip(": "):
            raise click.BadParameter(
                f"{self.metric!r}: expected nfm:LAYER, such as nfm:0 for the first linear layer",
                param_hint="--metric",
            )
        if name == "nfm" and self.model is None:
            raise click.UsageError(
                f"--metric {self.metric} needs --model, the network of that layer"
            )
        if name == "rfm" and self.model is not None:
            raise click.UsageError("--metric rfm learns from --target: leave out --model")
        if self.is_learnt_from_rows and not target:
            other = ", or --model, a network" if name in ("agop", "curvature") else ""
            raise click.UsageError(
                f"--metric {name} needs --target, the column to learn it from{other}"
            )
        if self.save_metric is not None and not self.save_metric.lower().endswith(".npy"):
            raise click.BadParameter(
                f"{self.save_metric!r}: expected a name that ends in .npy",
                param_hint="--save-metric",
            )

    def _check_plain(self) -> None:
        if self.metric not in ("std", "range", "none") and not self.metric.endswith(".npy"):
            raise click.BadParameter(
                f"{self.metric!r}: expected std, range, none, a .npy file, agop, curvature, rfm or "
                "nfm:LAYER",
                param_hint="--metric",
            )
        if self.model is not None:
            raise click.UsageError("--model belongs to --metric agop, curvature or nfm:LAYER")
        if self.save_metric is not None:
            raise click.UsageError(
                "--save-metric keeps a metric learnt by agop, curvature, rfm or nfm:LAYER"
            )


@dataclass(frozen=True, kw_only=True)
class PairOptions(NewRowsOptions, OutputOptions, MetricOptions):
    """What `locate` and `predict` share: two tables, a metric, a table of answers."""

    train: TablePath
    query: TablePath
    verify: bool

    def check_pair(self, page: str | None = None) -> None:
        """Refuse what neither command can do."""
        if self.train == self.query == "-":
            raise click.UsageError("only one of TRAIN and QUERY can be standard input")
        self.check_columns()
        self.check_output(page)
        self.check_metric(self.target)
