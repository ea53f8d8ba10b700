"""What a command was called with: one frozen object for each, checked when it is made.

Everything that no file could make right is refused here; nothing numeric is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import click

from .status import Printer, print_nothing, print_status

FAIL_BANDS = ("core", "edge", "beyond", "far")
LEARNT_METRICS = ("agop", "rfm", "nfm")
PARAMETER_OPTIONS = {  # of what a fitted domain holds already
    "target": "--target",
    "drop": "--drop",
    "columns": "--columns",
    "group": "--group",
    "numbers": "--number",
    "categories": "--category",
    "log": "--log",
    "ordered": "--ordered",
    "periodic": "--periodic",
    "dates": "--date",
    "gaps": "--gaps",
    "gaps_are_levels": "--gaps-are-levels",
    "missing": "--missing",
    "columns_from": "--columns-from",
    "metric": "--metric",
    "n_neighbors": "--n-neighbors",
    "reference": "--reference",
}


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How tables are read: which columns are what, and what becomes of rows with gaps."""

    target: tuple[str, ...]
    drop: tuple[str, ...]
    id_column: str | None
    columns: tuple[str, ...] | None
    sep: str | None
    decimal: str
    no_header: bool

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
    periodic: Mapping[str, Sequence[float]]
    dates: Mapping[str, Sequence[str]]
    gaps: tuple[str, ...]
    gaps_are_levels: tuple[str, ...]
    missing: Literal["each", "columns", "rows"]
    columns_from: str | None
    group: str | None

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
class OutputOptions:
    """Where the answer goes, and how much is said on the way."""

    output: str | None
    force: bool
    quiet: bool

    @property
    def status(self) -> Printer:
        """What prints a line of status, or nothing under --quiet."""
        return print_nothing if self.quiet else print_status

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
class MetricOptions:
    """The metric of distances, or what it is to be learnt from."""

    metric: str
    model: str | None
    upto: str | None
    save_metric: str | None
    classes: bool

    @property
    def is_learnt(self) -> bool:
        """Whether the metric is that of a task."""
        return self.metric in LEARNT_METRICS or self.metric.startswith("nfm:")

    @property
    def is_learnt_from_rows(self) -> bool:
        """Whether it is learnt from the target of the training rows."""
        return self.metric == "rfm" or (self.metric == "agop" and not self.model)

    @property
    def layer(self) -> int | str:
        """The layer of nfm:LAYER, by number or name."""
        text = self.metric.partition(":")[2].strip()
        return int(text) if text.lstrip("-").isdecimal() else text

    def check_metric(self, target: Sequence[str]) -> None:
        """Refuse options of the metric that do not go together."""
        if self.upto is not None and self.model is None:
            raise click.UsageError("--upto belongs to --model")
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
        if self.model == "-":
            raise click.BadParameter(
                "a network cannot come from standard input", param_hint="--model"
            )
        if self.is_learnt_from_rows and not target:
            other = ", or --model, a network" if name == "agop" else ""
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
                f"{self.metric!r}: expected std, range, none, a .npy file, agop, rfm or nfm:LAYER",
                param_hint="--metric",
            )
        if self.model is not None:
            raise click.UsageError("--model belongs to --metric agop or nfm:LAYER")
        if self.save_metric is not None:
            raise click.UsageError("--save-metric keeps a metric learnt by agop, rfm or nfm:LAYER")


@dataclass(frozen=True, kw_only=True)
class PairOptions(NewRowsOptions, OutputOptions, MetricOptions):
    """What `locate` and `predict` share: two tables, a metric, a table of answers."""

    train: str
    query: str
    verify: bool

    def check_pair(self, page: str | None = None) -> None:
        """Refuse what neither command can do."""
        if self.train == self.query == "-":
            raise click.UsageError("only one of TRAIN and QUERY can be standard input")
        self.check_columns()
        self.check_output(page)
        self.check_metric(self.target)


@dataclass(frozen=True, kw_only=True)
class LocateOptions(PairOptions, RoleOptions):
    """`hullwise locate`.

    `explicit` are the parameters that the command line named, whatever their value.
    """

    explicit: frozenset[str]
    strict: bool
    n_neighbors: int
    reference: int
    membership_only: bool
    tolerance: float
    max_seconds: float | None
    report: str | None
    fail_on: str | None
    allow: float
    scheduler: str | None

    def __post_init__(self) -> None:
        if self.allow and self.fail_on is None:
            raise click.UsageError("--allow needs --fail-on")
        self.check_pair(self.report)
        self.check_roles()
        self._check_learnt()
        self._check_path()
        if self.fail_on in FAIL_BANDS and self.membership_only:
            raise click.UsageError(
                "bands need distances: use --fail-on outside, or leave out --membership-only"
            )
        if self.fail_on in FAIL_BANDS and self.reference == 0:
            raise click.UsageError("bands need --reference of at least 1")

    @property
    def is_domain_file(self) -> bool:
        """Whether TRAIN is a file of `hullwise fit`."""
        return os.path.splitext(self.train)[1].lower() == ".hull"

    @property
    def numeric_options(self) -> list[str]:
        """The options that only a table of numbers takes."""
        needed = []
        if self.metric not in ("std", "range", "none"):
            needed.append(f"--metric {self.metric}")
        if self.scheduler is not None:
            needed.append("--scheduler")
        if self.membership_only:
            needed.append("--membership-only")
        if "tolerance" in self.explicit:
            needed.append("--tolerance")
        return needed

    @property
    def domain_options(self) -> list[str]:
        """The options that make a table one of columns that are not all numbers."""
        names = {
            "--group": self.group,
            "--number": self.numbers,
            "--category": self.categories,
            "--log": self.log,
            "--ordered": self.ordered,
            "--periodic": self.periodic,
            "--date": self.dates,
            "--gaps": self.gaps,
            "--gaps-are-levels": self.gaps_are_levels,
            "--missing": "missing" in self.explicit,
            "--columns-from": self.columns_from,
        }
        return [name for name, value in names.items() if value]

    def _check_path(self) -> None:
        """Refuse options of tables of numbers beside those of other tables, or of a fitted one."""
        numeric, other = self.numeric_options, self.domain_options
        if numeric and other:
            raise click.UsageError(
                f"{numeric[0]} needs a table of numbers: leave out {other[0]}, or {numeric[0]}"
            )
        if not self.is_domain_file:
            return
        if numeric:
            raise click.UsageError(
                f"{numeric[0]} needs the table of training rows itself: pass it in place of "
                f"{self.train}"
            )
        fitted = [PARAMETER_OPTIONS[name] for name in PARAMETER_OPTIONS if name in self.explicit]
        if fitted:
            raise click.UsageError(
                f"{self.train} is fitted already: {fitted[0]} belongs to hullwise fit"
            )

    def _check_learnt(self) -> None:
        if self.is_learnt and self.membership_only:
            raise click.UsageError(
                "the two readings compare distances: leave out --membership-only or --metric "
                f"{self.metric}"
            )
        if self.classes and not self.is_learnt_from_rows:
            raise click.UsageError(
                "--classes belongs to --metric agop or rfm that learn from --target"
            )
        if self.scheduler is not None and self.is_learnt_from_rows:
            raise click.UsageError(
                "a metric is learnt on one machine: learn it from a sample with --save-metric "
                "M.npy, then use --metric M.npy with --scheduler"
            )


@dataclass(frozen=True, kw_only=True)
class PredictOptions(PairOptions):
    """`hullwise predict`."""

    method: str
    bound: bool
    smoothness: tuple[float, ...]
    lipschitz: tuple[float, ...]

    def __post_init__(self) -> None:
        self.check_pair()
        if not self.bound and (self.smoothness or self.lipschitz):
            raise click.UsageError("--smoothness and --lipschitz belong to --bound")
        for name in ("smoothness", "lipschitz"):
            if len(getattr(self, name)) not in (0, 1, len(self.target)):
                raise click.UsageError(f"--{name} is given once, or once for each --target")
        if self.classes and len(self.target) > 1:
            raise click.UsageError(
                "--classes predicts one --target at a time: leave the others out with --drop"
            )
        if self.classes and self.bound:
            raise click.UsageError("--bound is about numbers: leave out --classes")
        if self.classes and self.method == "linear-shepard":
            raise click.UsageError("linear-shepard has negative weights: they are no class shares")
        if self.verify and self.method != "delaunay":
            raise click.UsageError("--verify checks Delaunay simplices: use --method delaunay")


@dataclass(frozen=True, kw_only=True)
class DissectOptions(NewRowsOptions, OutputOptions):
    """`hullwise dissect`."""

    model: str
    data: str
    upto: str | None
    slice: str | None
    line: str | None
    max_regions: int
    report: str | None

    def __post_init__(self) -> None:
        if self.model == "-":
            raise click.BadParameter(
                "a network cannot come from standard input", param_hint="MODEL"
            )
        self.check_output(self.report)
        self.check_columns()


@dataclass(frozen=True, kw_only=True)
class FitOptions(RoleOptions, OutputOptions):
    """`hullwise fit`."""

    train: str
    metric: str
    n_neighbors: int
    reference: int
    write_spec: str | None

    def __post_init__(self) -> None:
        self.check_roles()
        output = self.output
        if output is not None and os.path.splitext(output)[1].lower() != ".hull":
            raise click.BadParameter(
                f"{output!r}: expected a name that ends in .hull", param_hint="-o"
            )
        if self.write_spec is not None and not self.write_spec.lower().endswith(".toml"):
            raise click.BadParameter(
                f"{self.write_spec!r}: expected a name that ends in .toml",
                param_hint="--write-spec",
            )


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """`hullwise inspect`."""

    domain: str
    json: bool


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """`hullwise demo`."""

    report: str | None
    write: str | None
    force: bool

    def __post_init__(self) -> None:
        if self.write is not None and self.report is not None:
            raise click.UsageError("--write only writes tables: leave out --report")
