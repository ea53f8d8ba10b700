"""What every drawing in SVG is made of, with classes only: colours are the page's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

SMALLEST_LOGARITHM_ARGUMENT = 1e-16


@dataclass(frozen=True)
class Axis:
    """Values to pixels; on a logarithmic axis all below its end lie on the end."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = (float(np.log10(x)) for x in (low, high, max(value, low)))
        share = min(max((v - low) / (high - low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = int(np.ceil(np.log10(self.low))), int(np.floor(np.log10(self.high)))
            every = max(1, -(-(last - first) // 7))
            return [10.0**k for k in range(first, last + 1, every)]
        raw = (self.high - self.low) / 5
        unit = 10.0 ** np.floor(np.log10(raw))
        step = next(float(unit * k) for k in (1, 2, 5, 10) if unit * k >= raw * 0.999)
        first, last = int(np.ceil(self.low / step - 1e-9)), int(np.floor(self.high / step + 1e-9))
        return [k * step for k in range(first, last + 1)]


def fit_axis(values: Sequence[float], start: float, end: float, log: bool) -> Axis:
    finite = [v for v in values if np.isfinite(v) and (v > SMALLEST_LOGARITHM_ARGUMENT or not log)]
    low, high = (min(finite), max(finite)) if finite else (0.1, 1.0)
    if log:
        low, high = 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high))
        low = max(low, high * 1e-8)
        return Axis(low, high if high > low else low * 10, start, end, True)
    low = min(low, 0.0)
    return Axis(low, high + 0.04 * (high - low) if high > low else low + 1, start, end, False)


def fit_x_axis(values: Sequence[float], start: float, end: float, log: bool) -> Axis:
    """As `fit_axis`, but a linear one need not begin at 0."""
    if log:
        return fit_axis(values, start, end, True)
    finite = [v for v in values if np.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    return Axis(low, high if high > low else low + 1, start, end, False)


def inner_ticks(axis: Axis) -> list[float]:
    return [v for v in axis.ticks() if axis.low <= v <= axis.high]


def format_tick(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-").replace("e+0", "e")


def svg_document(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def svg_text(x: float, y: float, text: str, anchor: str, name: str = "") -> str:
    shown = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{shown}>{escape(text)}</text>'


def grid_line(axis: Axis, value: float, left: float, right: float) -> str:
    y = axis.at(value)
    text = svg_text(left - 6, y + 4, format_tick(round(value, 12)), "end")
    return f'<path class="grid" d="M{left:g},{y:.1f}H{right:g}"/>{text}'
