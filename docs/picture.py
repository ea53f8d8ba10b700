"""Draw the README's pictures: fires and where they stand, and the regions of a small network.

Run from the root of the repository: ``python docs/picture.py``. Writes docs/images/bands-*.png and
docs/images/regions.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.spatial import ConvexHull

import hullwise as hw
from hullwise.io.table_reader import read_table
from hullwise.samples import load, network_paths

FEATURES = ("temp", "RH")
SEEN, ASKED = (2, 3, 4), (5, 6, 7, 10, 11, 12)
X_LIMITS, Y_LIMITS = (0.2, 32.4), (6.0, 112.0)

# Okabe and Ito: told apart with any colour vision; each band has its own marker as well
BANDS = {
    "core": ("#0072B2", "o", "no farther out than half of the dots*"),
    "edge": ("#009E73", "s", "no farther out than 95 % of them"),
    "beyond": ("#E69F00", "^", "farther out than 95 % of them"),
    "far": ("#D55E00", "D", "farther out than every one of them"),
}
THEMES = {
    "light": {"ground": "#ffffff", "ink": "#24292f", "faint": "#6e7781", "seen": "#57606a"},
    "dark": {"ground": "#0d1117", "ink": "#e6edf3", "faint": "#8b949e", "seen": "#9da7b3"},
}
LIFT = {"#0072B2": "#4aa3df", "#009E73": "#2fc79b"}  # the two dark hues, on a dark ground


def tables() -> tuple[hw.Cloud, np.ndarray[Any, Any]]:
    """Temperature and humidity at the fires of spring, and at those of other months."""
    fires = load("forest_fires")
    at = {name: fires.X[:, j] for j, name in enumerate(fires.columns)}
    turn = np.arctan2(at["month_y"], at["month_x"]) / (2 * np.pi)
    month = np.round(12 * turn).astype(int) % 12 + 1
    weather = np.column_stack([at[name] for name in FEATURES])
    seen = hw.Cloud(weather[np.isin(month, SEEN)], columns=FEATURES)
    return seen, weather[np.isin(month, ASKED)]


def draw(theme: str, target: Path) -> None:
    look = THEMES[theme]
    seen, asked = tables()
    loc = hw.locate(seen, asked, metric="std")
    hues = {
        band: LIFT.get(hue, hue) if theme == "dark" else hue for band, (hue, _, _) in BANDS.items()
    }
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "text.color": look["ink"]})
    figure = plt.figure(figsize=(8.6, 4.6), facecolor=look["ground"])
    axes = figure.add_axes((0.075, 0.105, 0.6, 0.88), facecolor=look["ground"])
    _rings(axes, seen, loc, hues, theme)
    _rows(axes, seen, loc, hues, look)
    _example(axes, loc, look)
    _words(figure, loc, hues, look)
    axes.set(xlim=X_LIMITS, ylim=Y_LIMITS, yticks=range(20, 101, 20))
    axes.set_aspect(_aspect(seen), anchor="SW")
    axes.set_xlabel("temperature, °C", color=look["ink"])
    axes.set_ylabel("relative humidity, %", color=look["ink"])
    axes.tick_params(colors=look["faint"], length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.savefig(target, dpi=170, facecolor=look["ground"])
    plt.close(figure)
    with Image.open(target) as image:
        image.convert("RGB").quantize(128).save(target, optimize=True)


def _aspect(seen: hw.Cloud) -> float:
    """One standard deviation is as long on both axes: right angles of the metric look right."""
    x, y = seen.spread
    return float(x / y)


def _rings(axes: Any, seen: hw.Cloud, loc: hw.Location, hues: dict[str, str], theme: str) -> None:
    """Where a row would be in each band: the hull, and what lies within so much of it."""
    x, y = np.meshgrid(np.linspace(*X_LIMITS, 200), np.linspace(*Y_LIMITS, 150))
    grid = hw.HullLocator(metric="std").fit(seen.take(np.arange(seen.n)))
    distance = -grid.score_samples(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    usual = np.sort(loc.reference)
    levels = [1e-9, usual[int(0.95 * len(usual))], usual[-1]]
    alpha = 0.16 if theme == "light" else 0.24
    axes.contourf(
        x,
        y,
        distance,
        levels=[-1, *levels],
        colors=[hues["core"], hues["edge"], hues["beyond"]],
        alpha=alpha,
        antialiased=True,
    )
    axes.contour(
        x, y, distance, levels=levels[1:], colors=[hues["edge"], hues["beyond"]], linewidths=0.8
    )


def _rows(
    axes: Any, seen: hw.Cloud, loc: hw.Location, hues: dict[str, str], look: dict[str, str]
) -> None:
    rows = seen.take(np.arange(seen.n))
    ring = rows[ConvexHull(rows).vertices]
    ring = np.concatenate([ring, ring[:1]])
    axes.plot(*ring.T, color=hues["core"], lw=1.8, zorder=3)
    axes.scatter(*rows.T, s=9, color=look["seen"], lw=0, zorder=4)
    for band, (_, marker, _) in BANDS.items():
        here = np.flatnonzero(loc.band == band)
        for b in here[loc.verdict[here] == hw.Verdict.OUTSIDE]:
            axes.annotate(
                "",
                xy=loc.nearest[b],
                xytext=loc.queries[b],
                arrowprops={
                    "arrowstyle": "-|>,head_length=0.28,head_width=0.14",
                    "color": hues[band],
                    "lw": 0.8,
                    "alpha": 0.75,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=2,
            )
        axes.scatter(
            *loc.queries[here].T,
            s=34,
            marker=marker,
            color=hues[band],
            edgecolor=look["ground"],
            lw=0.7,
            zorder=5,
        )


def _example(axes: Any, loc: hw.Location, look: dict[str, str]) -> None:
    """The farthest row in words."""
    b = int(loc.lower.argmax())
    q, p = loc.queries[b], loc.nearest[b]
    axes.annotate(
        f"smallest change that brings it inside:\n"
        f"{q[0]:.1f} °C to {p[0]:.1f} °C, {q[1]:.0f} % to {p[1]:.0f} %",
        xy=q,
        xytext=(32.4, 92),
        ha="right",
        fontsize=9,
        color=look["ink"],
        arrowprops={"arrowstyle": "-", "color": look["faint"], "lw": 0.7, "shrinkB": 5},
        zorder=6,
    )


def _words(figure: Any, loc: hw.Location, hues: dict[str, str], look: dict[str, str]) -> None:
    left, top = 0.7, 0.955
    figure.text(left, top, "Is a new row inside\nthe data?", fontsize=15, weight="bold", va="top")
    figure.text(
        left,
        top - 0.155,
        f"{loc.n_train} spring fires (dots) and their hull.\n"
        f"{len(loc)} fires of other months, each with\nits band and the way in.",
        fontsize=9,
        color=look["faint"],
        va="top",
        linespacing=1.45,
    )
    panel = figure.add_axes((left, 0.11, 0.3, 0.5))
    panel.set(xlim=(0, 1), ylim=(0, 4))
    panel.axis("off")
    for i, (band, (_, marker, rule)) in enumerate(BANDS.items()):
        y = 3.62 - i
        panel.scatter(0.035, y, s=62, marker=marker, color=hues[band], lw=0)
        count = int((loc.band == band).sum())
        panel.text(0.11, y, f"{count}  {band}", fontsize=12.5, weight="bold", va="center")
        panel.text(0.11, y - 0.36, rule, fontsize=8.6, color=look["faint"], va="center")
    figure.text(left, 0.035, "* each left out of the hull in turn", fontsize=8, color=look["faint"])


def draw_regions(target: Path) -> None:
    """The bundled network: by class with the rows, and its walls by layer."""
    net, table = (hw.model.read(network_paths()[0]), read_table(network_paths()[1]).values)
    s = net.slice([0.0, 0.0], np.eye(2))
    figure = plt.figure(figsize=(8.6, 4.3), facecolor="white")
    for place, color in ((0.005, "class"), (0.505, "layer")):
        axes = figure.add_axes((place, 0.01, 0.49, 0.98))
        rows = {"data": table[:, :2], "labels": table[:, 2].astype(int)} if color == "class" else {}
        s.plot(ax=axes, color=color, **rows)
        axes.set(title="", xticks=[], yticks=[])
        if axes.get_legend() is not None:
            axes.get_legend().remove()
    figure.savefig(target, dpi=120)
    plt.close(figure)
    with Image.open(target) as image:
        image.convert("RGB").quantize(48).save(target, optimize=True)


if __name__ == "__main__":
    folder = Path(__file__).with_name("images")
    folder.mkdir(exist_ok=True)
    for name in THEMES:
        draw(name, folder / f"bands-{name}.png")
    draw_regions(folder / "regions.png")
