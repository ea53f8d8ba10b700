"""The methods of the study: what the paper compares, its own variants, and three plain yardsticks.

Each takes training rows in the unit cube, their targets and queries, and returns its predictions
with the seconds it took to fit and to predict.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np

from hullwise.errors import DataError, DataWarning

from .._threads import single_threaded_blas
from .._types import Array, Floats

FULL_MLP_STEPS, SHORT_MLP_STEPS = 100_000, 2_000
Answer = dict[str, Array]


@dataclass(frozen=True)
class Method:
    """A method of the study.

    `slug` is its name on the command line and in the cache; `row` the row of the paper's tables
    that it stands beside, if any; `run` takes training rows, targets and queries. `compiled` says
    that its first call compiles code, which is no part of its time.
    """

    slug: str
    name: str
    row: str | None
    settings: str
    run: Callable[[Floats, Floats, Floats], Answer]
    compiled: bool = False


def in_a_thread(work: Callable[[], Any]) -> Any:
    """Work that does not hear of Ctrl-C, in a thread that nobody waits for once it comes."""
    outcome: list[tuple[bool, Any]] = []

    def guarded() -> None:
        try:
            outcome.append((True, work()))
        except BaseException as error:
            outcome.append((False, error))

    thread = Thread(target=guarded, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
    well, result = outcome[0]
    if not well:
        raise result
    return result


def _interpolant(name: str, **options: Any) -> Callable[[Floats, Floats, Floats], Answer]:
    def run(A: Floats, y: Floats, B: Floats) -> Answer:
        import hullwise

        start = perf_counter()
        with warnings.catch_warnings():
            # Rows that repeat with another target are averaged; the page says so.
            warnings.simplefilter("ignore", DataWarning)
            # inputs are scaled by the paper's own rule beforehand
            reg = getattr(hullwise, name)(metric=None, **options).fit(A, y)
        fitted = perf_counter()
        W = reg.weights(B)
        predicted = np.asarray(W @ y)
        end = perf_counter()
        # How far the weighted rows' average is from the query: 0 for Delaunay inside the hull.
        shift = np.linalg.norm(W @ A - B, axis=1)
        return {"prediction": predicted, "shift": shift, **_seconds(start, fitted, end)}

    return run


def _published_order(A: Floats, y: Floats, B: Floats) -> Answer:
    """Box b carries the response of training row b, though box b stands on row order[b]."""
    import hullwise

    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        reg = hullwise.BoxSplineRegressor(metric=None, unbounded="growing").fit(A, y)
    fitted = perf_counter()
    moved = in_insertion_order(y, reg)
    W = reg.weights(B)
    predicted = np.asarray(W @ moved)
    return {"prediction": predicted, **_seconds(start, fitted, perf_counter())}


def in_insertion_order(y: Floats, reg: Any) -> Floats:
    """Targets moved so that the row of the box inserted b-th carries the target of row b."""
    order = reg.order_
    if reg.unique_rows_ is not None:  # merged rows: the first of each stands for all
        order = reg.unique_rows_.first[order]
    moved = np.array(y, copy=True)
    moved[order] = y[: len(order)]
    return moved


def _support_vectors(A: Floats, y: Floats, B: Floats) -> Answer:
    from sklearn.svm import SVR

    def work() -> Answer:
        start = perf_counter()
        model = SVR(kernel="rbf", gamma="auto", C=1.0, epsilon=0.1).fit(A, y)
        fitted = perf_counter()
        return {"prediction": model.predict(B), **_seconds(start, fitted, perf_counter())}

    return dict(in_a_thread(work))


def network(steps: int) -> Method:
    """The paper's network: ten layers of 32, plain gradient descent on standardised data.

    scikit-learn halves the squared error, so a rate of 0.02 here is Keras' 0.01.
    """

    def run(A: Floats, y: Floats, B: Floats) -> Answer:
        from sklearn.neural_network import MLPRegressor

        start = perf_counter()
        centre, spread = A.mean(axis=0), A.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        level, size = y.mean(), y.std() or 1.0
        batch = min(200, len(A))
        model = MLPRegressor(
            hidden_layer_sizes=(32,) * 10,
            solver="sgd",
            alpha=0.0,
            batch_size=batch,
            learning_rate_init=0.02,
            momentum=0.0,
            nesterovs_momentum=False,
            # each call of partial_fit would start again from a number
            random_state=np.random.RandomState(0),
        )
        with single_threaded_blas(), warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(ceil(steps / ceil(len(A) / batch))):
                _epoch(model, (A - centre) / spread, (y - level) / size)
            fitted = perf_counter()
            predicted = model.predict((B - centre) / spread) * size + level
        return {"prediction": predicted, **_seconds(start, fitted, perf_counter())}

    how = (
        f"scikit-learn, ten layers of 32, ReLU, {steps:,} steps of plain gradient descent (rate "
        "0.01 for the squared error, batches of 200) on inputs and targets with mean 0 and "
        "deviation 1; seed 0"
    )
    name = "MLP" if steps >= FULL_MLP_STEPS else f"MLP, {steps:,} steps"
    return Method("mlp", name, "MLP", how, run)


def _epoch(model: Any, A: Floats, y: Floats) -> None:
    try:
        model.partial_fit(A, y)
    except UserWarning as warning:
        # scikit-learn turns Ctrl-C into a warning and would go on with the next pass.
        if isinstance(warning.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _nearest(A: Floats, y: Floats, B: Floats) -> Answer:
    from sklearn.neighbors import KNeighborsRegressor

    start = perf_counter()
    model = KNeighborsRegressor(1).fit(A, y)
    fitted = perf_counter()
    return {"prediction": model.predict(B), **_seconds(start, fitted, perf_counter())}


def _median(A: Floats, y: Floats, B: Floats) -> Answer:
    start = perf_counter()
    predicted = np.full(len(B), np.median(y))
    return {"prediction": predicted, **_seconds(start, perf_counter(), perf_counter())}


def _least_squares(A: Floats, y: Floats, B: Floats) -> Answer:
    start = perf_counter()
    centre = A.mean(axis=0)
    slope = np.linalg.lstsq(A - centre, y - y.mean(), rcond=None)[0]
    fitted = perf_counter()
    predicted = (B - centre) @ slope + y.mean()
    return {"prediction": predicted, **_seconds(start, fitted, perf_counter())}


def _seconds(start: float, fitted: float, end: float) -> dict[str, Array]:
    return {"fit": np.array(fitted - start), "predict": np.array(end - fitted)}


STUDY_METHODS = {
    m.slug: m
    for m in (
        Method(
            "svr",
            "SVR",
            "SVR",
            "scikit-learn, radial basis function with gamma 1/d, C = 1, epsilon = 0.1",
            _support_vectors,
        ),
        network(SHORT_MLP_STEPS),
        Method(
            "delaunay",
            "Delaunay",
            "Delaunay",
            "outside the hull the value at the nearest point of the hull",
            _interpolant("DelaunayRegressor"),
            True,
        ),
        Method(
            "shepmod",
            "ShepMod",
            "ShepMod",
            "radius to the (d+1)-th nearest other row",
            _interpolant("ShepardRegressor"),
            True,
        ),
        Method(
            "lshep",
            "LSHEP",
            "LSHEP",
            "local linear fits, blended",
            _interpolant("LinearShepardRegressor"),
            True,
        ),
        Method(
            "voronoi",
            "Voronoi",
            "Voronoi",
            "the paper's formula",
            _interpolant("VoronoiRegressor"),
            True,
        ),
        Method(
            "boxspline",
            "BoxSpline",
            "BoxSpline",
            "iterative boxes, responses in matching order; the factor of a side that nothing "
            "bounds grows, as in the published code",
            _interpolant("BoxSplineRegressor", unbounded="growing"),
            True,
        ),
        Method(
            "boxspline-flat",
            "BoxSpline, flat sides",
            "BoxSpline",
            "the same with the factor 1 on sides that nothing bounds",
            _interpolant("BoxSplineRegressor", unbounded="flat"),
            True,
        ),
        Method(
            "boxspline-published",
            "BoxSpline, as published",
            "BoxSpline",
            "box b carries the response of training row b, although the boxes have been re-ordered",
            _published_order,
            True,
        ),
        Method(
            "maxbox",
            "MaxBox",
            None,
            "max boxes of Lux et al. 2018, not in the paper",
            _interpolant("MaxBoxRegressor"),
            True,
        ),
        Method("nearest", "nearest row", None, "the target of the nearest training row", _nearest),
        Method("median", "constant median", None, "the training rows' median target", _median),
        Method(
            "linear", "least squares", None, "a plane through the training rows", _least_squares
        ),
    )
}
"""By slug, in the order of the tables. MARS is missing: see `lux2021.run`."""

MIXTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "delaunay": ("DelaunayRegressor", {}),
    "shepmod": ("ShepardRegressor", {}),
    "voronoi": ("VoronoiRegressor", {}),
    "boxspline": ("BoxSplineRegressor", {"unbounded": "growing"}),
    "boxspline-flat": ("BoxSplineRegressor", {"unbounded": "flat"}),
    "boxspline-published": ("BoxSplineRegressor", {"unbounded": "growing"}),
}
"""Those whose weights are convex, for the function-valued set: class and options."""


def checked_slugs(slugs: Any) -> tuple[str, ...]:
    """These methods, all known; DataError for another name."""
    names = tuple(slugs)
    for slug in names:
        if slug not in STUDY_METHODS:
            raise DataError(f"no method is called {slug!r}: there are {', '.join(STUDY_METHODS)}.")
    return names
