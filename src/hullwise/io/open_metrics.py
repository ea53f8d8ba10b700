"""Figures as OpenMetrics text (version 1.0), which Prometheus and its like read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True)
class MetricFamily:
    """A figure under one name, with a sample for each set of labels."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]

    @classmethod
    def single(
        cls, name: str, kind: Literal["gauge", "counter"], help: str, value: float
    ) -> MetricFamily:
        """A figure without labels."""
        return cls(name, kind, help, [(NO_LABELS, value)])

    def lines(self) -> list[str]:
        """The family as lines of text."""
        suffix = "_total" if self.kind == "counter" else ""
        lines = _heading(self.name, self.kind, self.help)
        lines += [_sample(self.name + suffix, labels, value) for labels, value in self.samples]
        return lines


@dataclass(frozen=True)
class HistogramFamily:
    """How many values of a figure were at most each limit.

    Attributes
    ----------
    name, help : str
    limits : sequence of float
        Ascending; one more, without an end, follows.
    counts : sequence of int
        Values above the limit before and up to this one; one more than limits.
    total : float
        The sum of all values.

    Examples
    --------
    >>> print("\\n".join(HistogramFamily("s", "Seconds.", [0.1, 1], [4, 2, 1], 3.5).lines()))
    # TYPE s histogram
    # HELP s Seconds.
    s_bucket{le="0.1"} 4
    s_bucket{le="1.0"} 6
    s_bucket{le="+Inf"} 7
    s_count 7
    s_sum 3.5
    """

    name: str
    help: str
    limits: Sequence[float]
    counts: Sequence[int]
    total: float

    def lines(self) -> list[str]:
        """The family as lines of text."""
        lines, n_below = _heading(self.name, "histogram", self.help), 0
        for limit, count in zip([*map(float, self.limits), "+Inf"], self.counts, strict=True):
            n_below += count
            lines.append(_sample(f"{self.name}_bucket", {"le": str(limit)}, n_below))
        lines.append(_sample(f"{self.name}_count", NO_LABELS, n_below))
        lines.append(_sample(f"{self.name}_sum", NO_LABELS, self.total))
        return lines


def _heading(name: str, kind: str, help: str) -> list[str]:
    return [f"# TYPE {name} {kind}", f"# HELP {name} {_escaped(help)}"]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{f'{{{inner}}}' if inner else ''} {value}"


def open_metrics_text(families: Iterable[MetricFamily | HistogramFamily]) -> str:
    """All families as one text.

    Examples
    --------
    >>> print(open_metrics_text([MetricFamily("rows", "counter", "Rows.", [({"band": "far"}, 3)])]))
    # TYPE rows counter
    # HELP rows Rows.
    rows_total{band="far"} 3
    # EOF
    <BLANKLINE>
    """
    return "\n".join([*(line for family in families for line in family.lines()), "# EOF", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
