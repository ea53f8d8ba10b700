"""What a command was called with: one frozen object for each, checked when it is made.

Everything that no file could make right is refused here; nothing numeric is imported.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import click

from ..io.sql_query import TablePath
from ._network_options import ModelReadingOptions
from ._option_groups import (
    NewRowsOptions,
    OutputOptions,
    PairOptions,
    ReadingOptions,
    RoleOptions,
    StatusOptions,
)

FAIL_BANDS = ("core", "edge", "beyond", "far")
PARAMETER_OPTIONS = {  # of what a fitted domain holds already
    "target": "--target",
    "drop": "--drop",
    "columns": "--columns",
    "group": "--group",
    "by": "--by",
    "time": "--time",
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
class LocateOptions(PairOptions, RoleOptions):
    """`hullwise locate`.

    `explicit` are the parameters that the command line named, whatever their value.
    """

    explicit: frozenset[str]
    strict: bool
    proofs: str | None
    summary: str | None
    junit: str | None
    explain: tuple[str, ...]
    fixed: tuple[str, ...]
    n_neighbors: int
    reference: int
    membership_only: bool
    tolerance: float
    max_seconds: float | None
    report: str | None
    fail_on: str | None
    fdr: float | None
    allow: float
    scheduler: str | None

    def __post_init__(self) -> None:
        if self.allow and self.fail_on is None:
            raise click.UsageError("--allow needs --fail-on")
        self.check_pair(self.report)
        self.check_roles()
        self._check_learnt()
        self._check_files()
        self._check_path()
        if self.fail_on in FAIL_BANDS and self.membership_only:
            raise click.UsageError(
                "bands need distances: use --fail-on outside, or leave out --membership-only"
            )
        if self.fdr is not None and (self.membership_only or self.reference == 0):
            needless = "--membership-only" if self.membership_only else "--reference 0"
            raise click.UsageError(
                f"--fdr compares rows with training rows left out: leave out {needless}"
            )
        if self.fail_on in FAIL_BANDS and self.reference == 0:
            raise click.UsageError("bands need --reference of at least 1")

    @property
    def files(self) -> dict[str, str | None]:
        """The files besides the table that are written, by their options."""
        return {
            "--report": self.report,
            "--summary": self.summary,
            "--junit": self.junit,
            "--proofs": self.proofs,
            "--save-metric": self.save_metric,
        }

    def _check_files(self) -> None:
        """Refuse files of other kinds than their options write, and one file for two of them."""
        kinds = {"--summary": ".json", "--junit": ".xml", "--proofs": ".npz"}
        places: dict[str, str] = {}
        for option, path in {"-o": self.output, **self.files}.items():
            if path is None or path == "-":
                continue
            kind = kinds.get(option)
            if kind is not None and os.path.splitext(path)[1].lower() != kind:
                raise click.BadParameter(
                    f"{path!r}: expected a name that ends in {kind}", param_hint=option
                )
            other = places.setdefault(os.path.abspath(path), option)
            if other != option:
                raise click.UsageError(f"{other} and {option} name the same file")
        if self.junit is not None and self.fail_on is None:
            raise click.UsageError("--junit needs --fail-on, which says what a failure is")
        if self.fixed and not self.explain:
            raise click.UsageError("--fixed belongs to --explain")

    @property
    def is_domain_file(self) -> bool:
        """Whether TRAIN is a file of `hullwise fit`."""
        return os.path.splitext(self.train)[1].lower() == ".hull"

    @property
    def numeric_options(self) -> list[str]:
        """The options that only a table of numbers takes."""
        needed = []
        if self.metric not in ("std", "range", "none") and not self.is_learnt_from_rows:
            needed.append(f"--metric {self.metric}")
        if self.save_metric is not None:
            needed.append("--save-metric")
        if self.classes:
            needed.append("--classes")
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
            "--by": self.by,
            "--time": self.time,
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
            "--proofs": self.proofs,
            "--fixed": self.fixed,
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
        if numeric and numeric[0] not in ("--classes", "--save-metric"):
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
                "--classes belongs to --metric agop, curvature or rfm that learn from --target"
            )
        if self.scheduler is not None and self.is_learnt_from_rows:
            raise click.UsageError(
                "a metric is learnt on one machine: learn it from a sample with --save-metric "
                "M.npy, then use --metric M.npy with --scheduler"
            )


@dataclass(frozen=True, kw_only=True)
class PredictOptions(PairOptions):
    """`hullwise predict`."""

    method: str | None  # None for the best by left-out rows
    group: str | None
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
        if self.verify and self.method not in (None, "delaunay"):
            raise click.UsageError("--verify checks Delaunay simplices: use --method delaunay")
        if self.group is not None and self.group in (*self.target, *self.drop, self.id_column):
            raise click.UsageError(
                f"the column {self.group!r} of --group is also that of --target, --drop or --id"
            )

    @property
    def excluded(self) -> tuple[str, ...]:
        """The columns that are no features: also that of the groups."""
        group = () if self.group is None else (self.group,)
        return tuple(dict.fromkeys([*self.target, *self.drop, *group]))


@dataclass(frozen=True, kw_only=True)
class DissectOptions(NewRowsOptions, OutputOptions, ModelReadingOptions):
    """`hullwise dissect`."""

    model: str
    data: TablePath
    slice: str | None
    line: str | None
    max_regions: int
    max_memory: str | None
    report: str | None

    def __post_init__(self) -> None:
        self.check_network("MODEL")
        self.check_output(self.report)
        self.check_columns()


@dataclass(frozen=True, kw_only=True)
class FitOptions(RoleOptions, OutputOptions):
    """`hullwise fit`."""

    train: TablePath
    metric: str
    n_neighbors: int
    reference: int
    write_spec: str | None
    keep: Literal["rows", "half-spaces"]

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
class VerifyOptions(ReadingOptions, StatusOptions):
    """`hullwise verify`."""

    domain: str
    proofs: str
    table: str | None
    new: str | None
    exact: bool


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """`hullwise inspect`."""

    domain: str
    json: bool


@dataclass(frozen=True, kw_only=True)
class ErrorsOptions(ReadingOptions, OutputOptions, ModelReadingOptions):
    """`hullwise errors`."""

    domain: str
    table: TablePath
    truth: tuple[str, ...]
    prediction: tuple[str, ...]
    group: str | None
    peer: tuple[str, ...]
    classes: bool
    at_most: float | None
    tolerance: float | None
    confidence: float
    notion: str
    bins: int
    report: str | None

    def __post_init__(self) -> None:
        self.check_output(self.report)
        if (self.model is None) == (not self.prediction):
            raise click.UsageError(
                "the predictions come from --prediction, columns of TABLE, or from --model, a "
                "network: give one of them"
            )
        self.check_network()
        if self.tolerance is not None and self.at_most is None:
            raise click.UsageError("--tolerance belongs to --at-most")


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """`hullwise demo`."""

    report: str | None
    write: str | None
    force: bool

    def __post_init__(self) -> None:
        if self.write is not None and self.report is not None:
            raise click.UsageError("--write only writes tables: leave out --report")
