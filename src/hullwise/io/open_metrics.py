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
        lines = [f"# TYPE {self.name} {self.kind}", f"# HELP {self.name} {_escaped(self.help)}"]
        for labels, value in self.samples:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{self.name}{suffix}{f'{{{inner}}}' if inner else ''} {value}")
        return lines


def open_metrics_text(families: Iterable[MetricFamily]) -> str:
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
