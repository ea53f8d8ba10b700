"""Draw the pictures of the pages for people: a watch, patients, molecules, runs, a network.

Run from the root of the repository: ``python docs/people.py``. Each page's own code is run, and
what it leaves is drawn, once on a light ground and once on a dark one, into docs/images.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from commands import blocks, commands, run
from picture import BANDS, LIFT, THEMES
from scipy.spatial import ConvexHull

import hullwise as hw

HERE = Path(__file__).parent
IMAGES = HERE / "images"
Names = dict[str, Any]


def names_of(page: str) -> Names:
    """What the code of a page leaves, run in the present folder."""
    names: Names = {}
    for kind, content in blocks((HERE / page).read_text(encoding="utf-8")):
        if kind == "console":
            for command in commands(content):
                run(command.text, Path.cwd())
            continue
        lines = content.splitlines()
        if any(line.startswith(">>> ") for line in lines):
            lines = [line[4:] for line in lines if line.startswith((">>> ", "... "))]
        exec(compile("\n".join(lines), page, "exec"), names)
    return names


def draw_watch(names: Names, ax: Any, look: dict[str, str]) -> None:
    watch = hw.Monitor(names["domain"], history="sqlite:///bikes.db")
    for week in range(21 + len(watch.batches), 31):
        watch.update(f"weeks/week_{week}.csv")
    watch.result().plot(ax)
    labels = ["test", *(f"week {week}" for week in range(22, 31))]
    ax.set_xticks(range(1, len(labels) + 1), labels, rotation=40, ha="right", fontsize=8)


def draw_patients(names: Names, ax: Any, look: dict[str, str]) -> None:
    names["groups"].plot(ax)


def draw_molecules(names: Names, ax: Any, look: dict[str, str]) -> None:
    measured, candidates = names["measured"], names["candidates"]
    ax.scatter(measured["weight"], measured["TPSA"], s=5, color=look["seen"], label="measured")
    draw_bands(ax, candidates[["weight", "TPSA"]].to_numpy(), names["answers"].location.band, look)
    ax.set(xlabel="weight", ylabel="TPSA")


def draw_surrogate(names: Names, ax: Any, look: dict[str, str]) -> None:
    seen = names["runs"][["width", "height"]].to_numpy()
    corners = ConvexHull(seen).vertices
    ax.fill(*seen[corners].T, facecolor="none", edgecolor=look["faint"], lw=1)
    ax.scatter(*seen.T, s=9, color=look["seen"], label="runs")
    asked = names["asked"][["width", "height"]].to_numpy()
    draw_bands(ax, asked, names["answers"].location.band, look)
    ax.set(xlabel="width, mm", ylabel="height, mm")


def draw_network(names: Names, ax: Any, look: dict[str, str]) -> None:
    x, y = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-2, 2, 81))
    grid = np.column_stack([x.ravel(), y.ravel()])
    certainty = names["certainty"](grid).reshape(x.shape)
    shade = ax.contourf(x, y, certainty, levels=np.linspace(0.33, 1, 9), cmap="Blues", alpha=0.6)
    ax.figure.colorbar(shade, ax=ax, label="certainty of the softmax", ticks=[0.4, 0.6, 0.8, 1])
    out = np.isin(hw.locate(names["X"], grid, n_neighbors=1).band, ["far"]).reshape(x.shape)
    ax.contour(x, y, out.astype(float), levels=[0.5], colors=[BANDS["far"][0]], linewidths=1.5)
    ax.scatter(*names["X"].T, s=3, color=look["ink"], label="training rows")
    ax.plot([], [], color=BANDS["far"][0], label="from here on far")
    ax.set(xlabel="x", ylabel="y")


def draw_bands(ax: Any, points: Any, band: Any, look: dict[str, str]) -> None:
    """Points by band, each with its own marker and colour."""
    dark = look is THEMES["dark"]
    for name, (hue, marker, _) in BANDS.items():
        mine = np.asarray(band) == name
        colour = LIFT.get(hue, hue) if dark else hue
        ax.scatter(
            *points[mine].T, s=30, marker=marker, facecolor="none", edgecolor=colour, label=name
        )


PICTURES: dict[str, tuple[str, Callable[[Names, Any, dict[str, str]], None]]] = {
    "bikes-watch": ("in_production.md", draw_watch),
    "patients": ("my_patients.md", draw_patients),
    "molecules": ("my_qsar_model.md", draw_molecules),
    "surrogate": ("my_surrogate.md", draw_surrogate),
    "network": ("my_network.md", draw_network),
}


def draw(name: str, folder: Path) -> None:
    """One picture on both grounds."""
    page, paint = PICTURES[name]
    names = names_of(page)
    for theme, look in THEMES.items():
        style = {"text.color": look["ink"], "axes.labelcolor": look["ink"]}
        style |= {
            "xtick.color": look["ink"],
            "ytick.color": look["ink"],
            "axes.edgecolor": look["faint"],
        }
        style |= {"figure.facecolor": look["ground"], "axes.facecolor": look["ground"]}
        with plt.rc_context(style):
            figure, ax = plt.subplots(figsize=(6.6, 3.9), dpi=110, layout="constrained")
            paint(names, ax, look)
            if ax.get_legend() is None and ax.get_legend_handles_labels()[0]:
                ax.legend(
                    frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=5
                )
            figure.savefig(folder / f"{name}-{theme}.png")
            plt.close(figure)


if __name__ == "__main__":
    for picture in PICTURES:
        with tempfile.TemporaryDirectory() as place:
            here = Path.cwd()
            os.chdir(place)
            try:
                draw(picture, IMAGES)
            finally:
                os.chdir(here)
