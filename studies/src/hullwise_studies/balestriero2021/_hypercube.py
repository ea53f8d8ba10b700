"""The vertices of a hypercube mapped to two dimensions: the paper's Figure 5.

No vertex lies in the hull of the others. In a map to two dimensions nearly all do.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Unpack

import numpy as np

from hullwise import Cloud, locate

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._plan import Plan, Settings, StudyPart
from ._running import Running, about, settings_of, study_of
from ._shares import ask
from ._spaces import EMBEDDINGS, Embedding, embedded

MAP_NEIGHBOURS = 12
CUBE_DIMENSIONS = {False: (8,), True: (8, 12)}
MAP_POINTS = 600  # points of a map in the picture


def _lle(kind: str) -> Embedding:
    def make(d: int, random_state: int, n: int) -> Any:
        from sklearn.manifold import LocallyLinearEmbedding

        return LocallyLinearEmbedding(
            n_neighbors=MAP_NEIGHBOURS,
            n_components=d,
            method=kind,
            random_state=random_state,
            eigen_solver="dense",
        )

    return make


def _spectral(d: int, random_state: int, n: int) -> Any:
    from sklearn.manifold import SpectralEmbedding

    return SpectralEmbedding(d, n_neighbors=MAP_NEIGHBOURS, random_state=random_state)


CUBE_MAPS: dict[str, Embedding] = {
    "LLE": _lle("standard"),
    "modified LLE": _lle("modified"),
    "Hessian LLE": _lle("hessian"),
    "LTSA": _lle("ltsa"),
    "spectral embedding": _spectral,
    "Isomap": EMBEDDINGS["Isomap"][0],
    "t-SNE": EMBEDDINGS["t-SNE"][0],
    "MDS": EMBEDDINGS["MDS"][0],
}


def vertices(d: int) -> Floats:
    """The 2^d vertices of the unit cube, one a row, in the order of binary numbers."""
    return ((np.arange(2**d)[:, None] >> np.arange(d)) & 1).astype(np.float64)


def alone(rows: Floats) -> dict[str, Array]:
    """For each row, its verdict in the hull of all others: 1 inside, -1 outside, 0 undecided.

    Rows that are extreme in some of 1,024 directions are set aside; a row in the hull of those is
    in the hull of all others too. Only the rest is asked one by one: O(k n d) for k of them.
    """
    n, d = rows.shape
    G = np.random.default_rng(0).normal(size=(1024, d))
    extreme = np.unique(np.argmax(rows @ G.T, axis=0))
    rest = np.setdiff1d(np.arange(n), extreme)
    verdict = np.zeros(n, dtype=np.int8)
    if len(rest):
        verdict[rest] = locate(rows[extreme], rows[rest], membership_only=True).verdict
    checked = np.zeros(2, dtype=int)
    for i in np.flatnonzero(verdict != 1):
        others = Cloud(np.delete(rows, i, axis=0), copy=False)
        answer = locate(others, rows[i : i + 1], membership_only=True)
        verdict[i] = answer.verdict[0]
        checked += [1, int(answer.verify(others)[0])]
    return {"verdict": verdict, "verified": checked}


def hypercube_plan(settings: Settings, sides: Sequence[int] | None = None) -> Plan:
    """Vertices in the hull of the others: in the cube, and in eight maps to the plane."""
    dimensions = CUBE_DIMENSIONS[settings.full] if sides is None else tuple(sides)

    def task(d: int, name: str) -> Task:
        label = f"hypercube_{d}_{name.replace(' ', '_')}"

        def work(_: Results) -> dict[str, Array]:
            points = embedded(CUBE_MAPS[name], vertices(d), 2, settings.random_state)
            return {**alone(points), "points": points}

        return Task(label, fingerprint(label, settings.random_state), work)

    def whole(d: int) -> Task:
        """All vertices are alike: flipping coordinates maps any vertex to any other."""

        def work(_: Results) -> dict[str, Array]:
            rows = vertices(d)
            return ask(rows[1:], rows[:1], None)

        return Task(f"hypercube_{d}", fingerprint("hypercube", d), work)

    tasks = [whole(d) for d in dimensions] + [task(d, m) for d in dimensions for m in CUBE_MAPS]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        for d in dimensions:
            first = int(results[f"hypercube_{d}"]["verdict"][0])
            rows.append((d, "the cube itself", 2**d, *((0, 2**d, 0) if first == -1 else (0, 0, 0))))
            for m in CUBE_MAPS:
                v = results[f"hypercube_{d}_{m.replace(' ', '_')}"]["verdict"]
                rows.append((d, m, len(v), *(int((v == s).sum()) for s in (1, -1, 0))))
        table = Table(
            "hypercube",
            "Vertices of a hypercube in the hull of the other vertices",
            ("d", "map", "vertices", "inside", "outside", "undecided"),
            tuple(rows),
            "In the cube one vertex is asked; the others are its images under symmetries of the "
            "cube. Some maps place several vertices on one point: such a vertex is inside.",
            keys=2,
        )
        charts = tuple(_picture(d, results) for d in dimensions)
        part = Part(
            "The vertices of a hypercube",
            "Each vertex of a cube lies outside the hull of the others. After a map to two "
            "dimensions nearly all lie inside, so a picture of the map says nothing about it.",
            charts,
            (table,),
        )
        shares_text = [
            f"d = {d}: from {min(inside):.3f} to {max(inside):.3f}"
            for d in dimensions
            if (inside := [r[3] / r[2] for r in rows if r[0] == d and r[1] in CUBE_MAPS])
        ]
        text = (
            "Share of the vertices inside the hull of the others after a map to two dimensions, by "
            f"map: {'; '.join(shares_text)}. In the cube itself: 0."
        )
        return part, [Finding("Maps of a hypercube", text)]

    return Plan(tasks, show)


def _picture(d: int, results: Results) -> Chart:
    """Eight small maps, two rows of four."""
    side, gap, parts = 180, 10, []
    for number, name in enumerate(CUBE_MAPS):
        answer = results[f"hypercube_{d}_{name.replace(' ', '_')}"]
        points = answer["points"]
        span = np.ptp(points, axis=0)
        places = (points - points.min(axis=0)) / np.where(span > 0, span, 1.0)
        x0, y0 = (number % 4) * (side + gap), (number // 4) * (side + 30) + 20
        pick = np.unique(np.linspace(0, len(points) - 1, min(MAP_POINTS, len(points))).astype(int))
        dots = "".join(
            f"M{x0 + 6 + (side - 12) * x:.0f},{y0 + 6 + (side - 12) * y:.0f}h0"
            for x, y in places[pick]
        )
        parts.append(f'<text x="{x0}" y="{y0 - 4}" class="strong">{escape(name)}</text>')
        parts.append(f'<path class="dots" d="{dots}"/>')
    width, height = 4 * side + 3 * gap, 2 * (side + 30)
    svg = (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="Maps of the vertices of a cube of {d} dimensions">{"".join(parts)}</svg>'
    )
    return Chart(svg, f"The {2**d:,} vertices of the cube of {d} dimensions, mapped to the plane.")


def hypercube(sides: Sequence[int] | None = None, **running: Unpack[Running]) -> Study:
    """The vertices of a cube in the hull of the others: in the cube, and in eight maps to 2-D.

    Parameters
    ----------
    sides : sequence of int, optional
        Dimensions of the cube; 8, and 12 too in the full form.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.
    """
    settings = settings_of(running)
    return study_of([hypercube_plan(settings, sides)], running, about(settings))


STUDY_PARTS = (
    StudyPart(
        "hypercube",
        "vertices of a cube mapped to the plane",
        90,
        lambda settings, sets, model: hypercube_plan(settings),
    ),
)
