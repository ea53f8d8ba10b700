"""What has been proposed instead of the hull, each with what it says of a classifier's errors.

Every definition gives a side for each test row, and most a score that grows outwards. Its use is
measured by the correlation of "outside" with "the classifier is wrong" (phi), and by the AUROC of
its score: one half where it says nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from hullwise import Cloud, locate
from hullwise.errors import DataError, DataWarning

from .._runs import Results, Task, fingerprint
from .._study import Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._images import Images
from ._plan import Plan, Settings, StudyPart, shown_share
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._shares import ask, verified
from ._spaces import principal
from ._views import quantised, rows_of

DEFINITION_ROWS = {False: (5000, 500), True: (None, 2000)}
DEFINITION_COMPONENTS = 10
QUANTISATION_LEVELS = (2, 4)
HYPERPLANE_COUNTS = (4, 8, 16, 32)
IN_RANGE_SHARE = 0.95
BALL_STEPS = 300
SideAndScore = tuple[Array, Floats | None]  # 1 inside, -1 outside, 0 undecided; a score or None


def definitions_plan(
    settings: Settings, one: Images, components: int = DEFINITION_COMPONENTS
) -> Plan:
    """Every definition in the pixels and in the leading principal components."""
    used = one.sample(*DEFINITION_ROWS[settings.full], settings.random_state)
    mark = fingerprint(
        used.train, used.test, used.train_labels, settings.random_state, settings.verify
    )
    k = min(components, int(np.prod(one.shape)))
    spaces: dict[str, Callable[[], tuple[Array, Array]]] = {
        "pixels": lambda: (rows_of(used.train), rows_of(used.test)),
        f"{k} components": lambda: principal(rows_of(used.train), rows_of(used.test), k),
    }
    tasks = [_errors_task(used, mark)]
    for name, space in spaces.items():
        tasks += _tasks(used.name, name, space, mark, settings)

    def show(results: Results) -> tuple[Part, list[Finding]]:
        wrong = results[f"definitions_{used.name}_errors"]["wrong"].astype(bool)
        rows: list[tuple[Any, ...]] = []
        checked = np.zeros(2, dtype=int)
        for space in spaces:
            for name, side, score in _definition_answers(used.name, space, results):
                rows.append((space, name, *_definition_row(side, score, wrong)))
        for name, answer in results.items():
            if name.startswith(f"definitions_{used.name}") and "verified" in answer:
                checked += answer["verified"]
        table = Table(
            "definitions",
            f"{used.name}: definitions of inside, and the classifier's errors",
            (
                "space",
                "definition",
                "inside",
                "undecided",
                "error | inside",
                "error | outside",
                "correlation",
                "AUROC",
            ),
            tuple(rows),
            f"Correlation of outside with wrong (phi); by chance it is within "
            f"{2 / np.sqrt(len(wrong)):.3f} of 0 for {len(wrong)} test rows. AUROC of the score, "
            "where there is one. Empty: all rows on one side, or no errors.",
            keys=2,
        )
        text = (
            f"The classifier, multinomial logistic regression on the pixels, is wrong on "
            f"{int(wrong.sum())} of {len(wrong)} test rows. {_best(rows)} {int(checked[1]):,} of "
            f"{int(checked[0]):,} certificates that were checked again hold."
        )
        part = Part(
            "Other definitions",
            "The share of test rows inside by other definitions than the convex hull, and whether "
            "being outside goes with being wrong.",
            (),
            (table,),
        )
        return part, [Finding("Definitions and errors", text)]

    return Plan(tasks, show)


def _best(rows: list[tuple[Any, ...]]) -> str:
    scored = [r for r in rows if r[7] is not None]
    if not scored:
        return "No score can be judged."
    best = max(scored, key=lambda r: float(r[7]))
    return (
        f"The score with the largest AUROC is that of: {best[1]}, in {best[0]}, {best[7]:.3f}; "
        f"{shown_share(best[2])} of the test rows are inside by it."
    )


def _definition_row(side: Array, score: Floats | None, wrong: Array) -> tuple[Any, ...]:
    """Share inside, undecided, error on either side, phi, AUROC."""
    inside, outside = side == 1, side == -1
    errors = [float(wrong[s].mean()) if s.any() else None for s in (inside, outside)]
    decided = side != 0
    return (
        float(inside.mean()),
        int((~decided).sum()),
        *errors,
        phi(outside[decided], wrong[decided]),
        None if score is None else auroc(score, wrong),
    )


def phi(a: Array, b: Array) -> float | None:
    """Correlation of two yes/no columns; None where one of them does not vary."""
    if len(a) == 0 or a.all() or b.all() or not a.any() or not b.any():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def auroc(score: Floats, wrong: Array) -> float | None:
    """Chance that a wrong row's score is above a right one's, ties one half."""
    from sklearn.metrics import roc_auc_score

    if wrong.all() or not wrong.any():
        return None
    finite = np.where(np.isfinite(score), score, np.finfo(float).max)
    return float(roc_auc_score(wrong, finite))


# ---- the definitions --------------------------------------------------------------------------


def _tasks(
    data: str,
    name: str,
    space: Callable[[], tuple[Array, Array]],
    mark: str,
    settings: Settings,
) -> list[Task]:
    head = f"definitions_{data}_{name.split()[-1]}"

    def hull(_: Results) -> dict[str, Array]:
        X, Q = space()
        return located(X, Q, settings)

    def smallest_ball(_: Results) -> dict[str, Array]:
        X, Q = space()
        centre, radius, least = ball(X)
        away = np.sqrt(((Q - centre) ** 2).sum(axis=1, dtype=np.float64))
        return {"score": away / radius, "slack": np.array(radius / least)}

    def levels(n: int) -> Callable[[Results], dict[str, Array]]:
        def work(_: Results) -> dict[str, Array]:
            X, Q = space()
            low, high = X.min(axis=0), X.max(axis=0)
            X, Q = (quantised(part, n, low, high) for part in (X, Q))
            return ask(X, Q, settings.verify, settings.random_state)

        return work

    def planes(n: int) -> Callable[[Results], dict[str, Array]]:
        def work(_: Results) -> dict[str, Array]:
            return ask(
                *sides(*space(), n, settings.random_state), settings.verify, settings.random_state
            )

        return work

    jobs = {
        "hull": hull,
        "ball": smallest_ball,
        **{f"levels_{n}": levels(n) for n in QUANTISATION_LEVELS},
        **{f"planes_{n}": planes(n) for n in HYPERPLANE_COUNTS},
    }
    return [
        Task(f"{head}_{job}", fingerprint(head, job, mark, settings), work)
        for job, work in jobs.items()
    ]


def located(X: Array, Q: Array, settings: Settings) -> dict[str, Array]:
    """The hull with distances, the ellipsoid, the box: all that `locate` says of each row."""
    cloud = Cloud(X, copy=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # unused pixels
        location = locate(cloud, Q, metric=None, reference=0, n_neighbors=1)
    beyond = location.box_excess != 0
    return {
        "verdict": location.verdict,
        "distance": location.upper,
        "ellipsoid": location.ellipsoid_distance,
        "beyond": beyond.mean(axis=1),
        "neighbour": location.neighbour_distance,
        "verified": np.array(verified(location, X, settings.verify, settings.random_state)),
    }


def _definition_answers(
    data: str, space: str, results: Results
) -> list[tuple[str, Array, Floats | None]]:
    head = f"definitions_{data}_{space.split()[-1]}"
    hull = results[f"{head}_hull"]
    beyond, far = hull["beyond"], hull["ellipsoid"]
    reach = results[f"{head}_ball"]["score"]
    answers: list[tuple[str, Array, Floats | None]] = [
        ("convex hull", hull["verdict"], hull["distance"]),
        ("smallest ball", _side(reach <= 1), reach),
        ("bounding box", _side(beyond == 0), beyond),
        (
            f"{IN_RANGE_SHARE:.0%} of dimensions in range",
            _side(beyond <= 1 - IN_RANGE_SHARE),
            beyond,
        ),
        ("not outside on every dimension", _side(beyond < 1), None),
    ]
    if not np.isnan(far).all():
        answers.insert(1, ("smallest ellipsoid", _side(far <= 1), far))
    for n in QUANTISATION_LEVELS:
        answers.append((f"hull after {n} levels", results[f"{head}_levels_{n}"]["verdict"], None))
    for n in HYPERPLANE_COUNTS:
        verdict = results[f"{head}_planes_{n}"]["verdict"]
        answers.append((f"hull of the sides of {n} hyperplanes", verdict, None))
    return answers


def _side(inside: Array) -> Array:
    return np.where(inside, 1, -1).astype(np.int8)


def ball(X: Array, steps: int = BALL_STEPS) -> tuple[Floats, float, float]:
    """A ball that holds every row: centre, radius, and a lower bound of the smallest radius.

    Badoiu and Clarkson (2003): step towards the farthest row, 1/(i+1) of the way. The centre is a
    mean of rows, and their spread about it bounds the smallest radius from below. O(steps n d).
    """
    centre = X[0].astype(np.float64)
    squares = (X.astype(np.float64) ** 2).sum(axis=1)
    mean_square = float(squares[0])
    best = (centre, np.inf)
    least = 0.0
    for i in range(1, steps + 1):
        away = squares - 2 * (X @ centre.astype(X.dtype)) + centre @ centre
        far = int(np.argmax(away))
        radius = float(np.sqrt(max(float(away[far]), 0.0)))
        if radius < best[1]:
            best = (centre.copy(), radius)
        least = max(least, mean_square - float(centre @ centre))
        centre += (X[far] - centre) / (i + 1)
        mean_square += (float(squares[far]) - mean_square) / (i + 1)
    centre = best[0]
    exact = max(
        float(((X[s : s + 4096] - centre) ** 2).sum(axis=1).max()) for s in range(0, len(X), 4096)
    )
    radius = float(np.sqrt(exact)) * (1 + 1e-12)
    floor = float(np.sqrt(max(least, 0.0)))
    return centre, radius if radius > 0 else 1e-300, floor if floor > 0 else 1e-300


def sides(X: Array, Q: Array, count: int, random_state: int) -> tuple[Array, Array]:
    """On which side of `count` hyperplanes, each midway between two random training rows.

    A row of zeros and ones is a vertex of the cube: it lies in the hull of others only as one of
    them.
    """
    rng = np.random.default_rng([random_state, count])
    a, b = rng.integers(len(X), size=(2, count))
    first, second = X[a].astype(np.float64), X[b].astype(np.float64)
    normals = first - second
    offsets = ((first + second) / 2 * normals).sum(axis=1)
    return tuple((part @ normals.T > offsets).astype(np.float32) for part in (X, Q))


def _errors_task(one: Images, mark: str) -> Task:
    name = f"definitions_{one.name}_errors"

    def work(_: Results) -> dict[str, Array]:
        return {"wrong": errors_of(one)}

    return Task(name, fingerprint(name, mark), work)


def errors_of(one: Images) -> Array:
    """Which test rows multinomial logistic regression on the pixels gets wrong."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if one.train_labels is None or one.test_labels is None:
        raise DataError(f"{one.name} has no labels: no classifier can be wrong on it.")
    X, Q = (rows_of(part).astype(np.float64) for part in (one.train, one.test))
    if len(np.unique(one.train_labels)) < 2:
        return np.asarray(one.test_labels != one.train_labels[0])
    size = max(float(np.abs(X).max()), 1e-300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 steps are enough to err
        model = LogisticRegression(max_iter=100).fit(X / size, one.train_labels)
    return np.asarray(model.predict(Q / size) != one.test_labels)


def definitions(data: Data = None, **running: Unpack[Running]) -> Study:
    """Ellipsoid, ball, box, quantised hulls and others, against a classifier's errors.

    Parameters as of `pixels`; the first set is used, and must have labels.

    Examples
    --------
    >>> from hullwise_studies import balestriero2021
    >>> study = balestriero2021.definitions()
    >>> table = study.tables["definitions"].to_dict()
    >>> table["definition"][0], table["inside"][0]
    ('convex hull', 0.0)
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([definitions_plan(settings, sets[0])], running, about(settings, sets))


STUDY_PARTS = (
    StudyPart(
        "definitions",
        "other definitions of inside, and a classifier's errors",
        100,
        lambda settings, sets, model: definitions_plan(settings, sets[0]),
        frozenset({"labels"}),
    ),
)
