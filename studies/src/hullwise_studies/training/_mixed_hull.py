"""What mixup does to the hull of the rows: nothing where rows stay, less where only mixtures do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

import hullwise as hw
from hullwise.errors import DataWarning

from .._runs import Results, Task
from .._study import Part
from .._tables import Finding, Row, Table
from .._types import Array, Floats
from ..regimes._scores import interval
from ._aid_grid import AidGrid

MIXED_COPIES = 10  # mixtures of each row
MIXED_QUERIES = 200
HULL_DIRECTIONS = 4  # principal directions of a draw in which few rows are outside
MIXED_CLOUDS = {
    "rows": "rows",
    "rows and mixtures": "with mixtures",
    "mixtures, .2": "mixtures, .2",
    "mixtures, 1": "mixtures, 1",
    "mixtures, 8": "mixtures, 8",
}
MIXED_ALPHAS = {"mixtures, .2": 0.2, "mixtures, 1": 1.0, "mixtures, 8": 8.0}


def mixed_tasks(grid: AidGrid) -> list[Task]:
    """One for each set and seed."""
    return [_mixed_task(grid, name, seed) for name in grid.sources for seed in range(grid.seeds)]


def _mixed_task(grid: AidGrid, name: str, seed: int) -> Task:
    def work(_: Results) -> Mapping[str, Array]:
        draw = grid.draw(name, seed)
        queries = draw.test_X[:MIXED_QUERIES]
        readings = {}
        for space, X, Q in (
            ("leading", *_leading(draw.X, queries)),
            ("all", draw.X, queries),
        ):
            for cloud, rows in _clouds(X, seed).items():
                readings[f"{space}|{cloud}"] = _stand(rows, Q)
        return readings

    return Task(f"mixing-{name}-{seed}", grid.key(name, "mixing", seed), work)


def _leading(X: Floats, Q: Floats) -> tuple[Floats, Floats]:
    """Rows and queries in the leading principal directions of the rows."""
    centre = X.mean(axis=0)
    directions = np.linalg.svd(X - centre, full_matrices=False)[2][:HULL_DIRECTIONS]
    return (X - centre) @ directions.T, (Q - centre) @ directions.T


def _clouds(X: Floats, seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng([seed, 3])

    def mixtures(alpha: float) -> Floats:
        mixed = [
            hw.train.mixup(X, alpha=alpha, per_row=True, random_state=rng).X
            for _ in range(MIXED_COPIES)
        ]
        return np.concatenate(mixed)

    alone = {name: mixtures(alpha) for name, alpha in MIXED_ALPHAS.items()}
    return {"rows": X, "rows and mixtures": np.concatenate([X, alone["mixtures, 1"]]), **alone}


def _stand(rows: Floats, Q: Floats) -> Floats:
    """Share outside, mean distance to the hull, mean distance to the nearest row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # margins of images are flat: no news here
        located = hw.locate(rows, Q, metric=None, reference=0, n_neighbors=1)
    return np.array(
        [
            (located.verdict == hw.Verdict.OUTSIDE).mean(),
            located.upper.mean(),
            located.neighbour_distance.mean(),
        ]
    )


def mixed_part(grid: AidGrid, results: Results) -> tuple[Part, list[Finding]]:
    """Its table and finding."""
    rows: list[Row] = []
    sentences = []
    for name in grid.sources:
        each = [results[f"mixing-{name}-{seed}"] for seed in range(grid.seeds)]
        for space in ("leading", "all"):
            readings = {c: np.array([one[f"{space}|{c}"] for one in each]) for c in MIXED_CLOUDS}
            for cloud, text in MIXED_CLOUDS.items():
                cells: list[object] = []
                for column in readings[cloud].T:
                    one = interval(column)
                    cells += [round(one.mean, 3), None if one.n < 2 else round(one.half, 3)]
                rows.append((name, "4 leading" if space == "leading" else "all", text, *cells))
            if space == "leading":
                sentences.append(_sentence(name, readings))
    table = Table(
        "mixing",
        "Test rows against the hull of rows and of their mixtures",
        (
            *("set", "directions", "cloud", "outside | share", "outside | ±"),
            *("to the hull | mean", "to the hull | ±", "to the nearest | mean"),
            "to the nearest | ±",
        ),
        tuple(rows),
        "4 leading: in the leading principal directions of the rows. with mixtures: ten of each "
        "row, alpha 1, beside the rows; mixtures: those alone, by alpha. Distances in the units "
        "of the rows. ±: half of the 95 % t-interval over seeds.",
        keys=3,
    )
    text = (
        "A mixture of two rows lies between them: with the rows themselves it adds nothing to "
        "their hull, whatever it does to the distance to the nearest row. A network that is "
        "trained on mixtures alone has seen less than the hull of its rows."
    )
    return Part("Mixtures and the hull", text, (), (table,)), [
        Finding("Mixtures and the hull", " ".join(sentences))
    ]


def _sentence(name: str, readings: Mapping[str, Floats]) -> str:
    def share(cloud: str) -> str:
        return f"{100 * readings[cloud][:, 0].mean():.0f} %"

    moved = np.abs(readings["rows"][:, :2] - readings["rows and mixtures"][:, :2]).max()
    same = "the same" if moved < 1e-9 else f"a change of up to {moved:.1g}"
    return (
        f"{name}, in four directions: outside the rows {share('rows')}; with mixtures added "
        f"{same}; outside the mixtures alone {share('mixtures, .2')} (alpha .2), "
        f"{share('mixtures, 1')} (1), {share('mixtures, 8')} (8)."
    )
