"""The guard as a flag: where it tells strange queries from clean ones, and where it does not.

    python benchmarks/guard.py                 # 8 seeds, under two minutes

Digits (8 x 8): an MLP 64-64-64 learns half of the rows of classes 0 to 4; a sixth sets the
threshold, a third is clean. Strange are the digits 5 to 9, all of them new, and clean rows scaled,
inverted, with shuffled pixels, with noise. Friedman's first function: an MLP learns on the unit
cube; strange are rows of a wider box. Each number is the area under the ROC curve of a score,
strange against clean: 1 tells all apart, .5 is chance, 0 has all of them the wrong way round. Mean
over seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import parser, show
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPClassifier, MLPRegressor

from hullwise.model import Guard, from_arrays

HIDDEN = (64, 64, 64)
SCORES = ("clips", "excess", "input box", "box excess", "5-NN distance", "1 - confidence")
WIDER = (1.25, 1.5, 2.0, 3.0)


def network(model: Any) -> Any:
    return from_arrays([W.T for W in model.coefs_], model.intercepts_)


def softmax_doubt(outputs: Any) -> Any:
    """One minus the largest softmax probability."""
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return 1 - shifted.max(axis=1) / shifted.sum(axis=1)


def scores(guard: Any, near: Any, Q: Any) -> dict[str, Any]:
    """Of each query, the stranger the higher."""
    said, outputs = guard.report(Q), guard.net(Q)
    found = {
        "clips": said.clips,
        "excess": said.excess,
        "input box": said.box_count,
        "box excess": said.box_excess,
        "5-NN distance": near.kneighbors(Q)[0].mean(axis=1),
        "refused": said.refused,
    }
    if outputs.shape[1] > 1:
        found["1 - confidence"] = softmax_doubt(outputs)
    return found


def auroc(clean: dict[str, Any], strange: dict[str, Any]) -> dict[str, float]:
    found = {"refused": float(strange["refused"].mean())}
    for name in SCORES:
        if name not in clean:
            continue
        truth = np.r_[np.zeros(len(clean[name])), np.ones(len(strange[name]))]
        found[name] = roc_auc_score(truth, np.r_[clean[name], strange[name]])
    return found


Change = Callable[[Any, Any], Any]
CHANGES: dict[str, Change] = {
    "inputs times 1.5": lambda Q, rng: 1.5 * Q,
    "inputs times 3": lambda Q, rng: 3.0 * Q,
    "inverted": lambda Q, rng: 1.0 - Q,
    "pixels shuffled": lambda Q, rng: rng.permuted(Q, axis=1),
    "noise 0.2": lambda Q, rng: Q + 0.2 * rng.normal(size=Q.shape),
}


def digits(seed: int) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Of one seed: the areas for each kind of query, and accuracy as it is and clipped."""
    rng = np.random.default_rng(seed)
    X, y = load_digits(return_X_y=True)
    X = X / 16
    order = rng.permutation(np.flatnonzero(y < 5))
    parts = np.split(order, [len(order) // 2, 2 * len(order) // 3])  # fit, threshold, clean
    learn = parts[0]
    model = MLPClassifier(HIDDEN, max_iter=400, random_state=seed).fit(X[learn], y[learn])
    guard = Guard(network(model)).fit(X[learn]).set_threshold(X[parts[1]])
    near = NearestNeighbors(n_neighbors=5).fit(X[learn])
    Q, target = X[parts[2]], y[parts[2]]
    clean = scores(guard, near, Q)
    found = {"clean": {"refused": float(clean["refused"].mean())}}
    found["digits never seen"] = auroc(clean, scores(guard, near, X[y >= 5]))
    accuracy = {"clean": right(guard, Q, target)}
    for name, change in CHANGES.items():
        changed = change(Q, rng)
        found[name] = auroc(clean, scores(guard, near, changed))
        if name != "pixels shuffled":
            accuracy[name] = right(guard, changed, target)
    return found, accuracy


def right(guard: Any, Q: Any, target: Any) -> dict[str, float]:
    """Accuracy of the network and of the clipped one."""
    outputs = {"network": guard.net(Q), "clipped": guard.predict(Q)}
    return {name: float((out.argmax(axis=1) == target).mean()) for name, out in outputs.items()}


def friedman(X: Any) -> Any:
    return (
        10 * np.sin(np.pi * X[:, 0] * X[:, 1])
        + 20 * (X[:, 2] - 0.5) ** 2
        + 10 * X[:, 3]
        + 5 * X[:, 4]
    )


def cube(seed: int, rows: int) -> dict[str, tuple[dict[str, float], ...]]:
    """Of one seed, for each width of the box: areas, rank correlations with the error, errors."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(rows, 10))
    y = friedman(X) + 0.5 * rng.normal(size=rows)
    model = MLPRegressor(hidden_layer_sizes=HIDDEN, max_iter=400, random_state=seed).fit(X, y)
    guard = Guard(network(model)).fit(X).set_threshold(rng.uniform(size=(500, 10)))
    near = NearestNeighbors(n_neighbors=5).fit(X)
    clean = scores(guard, near, rng.uniform(size=(1000, 10)))
    found, asked = {}, []
    for wide in (1.0, *WIDER):
        Q = 0.5 + wide * (rng.uniform(size=(1000, 10)) - 0.5)
        said = scores(guard, near, Q)
        said["error"] = np.abs(guard.net(Q).ravel() - friedman(Q))
        said["error clipped"] = np.abs(guard.predict(Q).ravel() - friedman(Q))
        asked.append(said)
        found[f"{wide:g} times as wide"] = (auroc(clean, said), *against_error(said))
    both = {name: np.concatenate([one[name] for one in asked]) for name in asked[0]}
    found["all together"] = (auroc(clean, both), *against_error(both))
    return found


def against_error(said: dict[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Rank correlation of each score with the network's error, and median errors."""
    names = [name for name in SCORES if name in said]
    ranks = {
        name: float(spearmanr(said[name], said["error"]).statistic)
        for name in names
        if np.ptp(said[name]) > 0
    }
    return ranks, {name: float(np.median(said[name])) for name in ("error", "error clipped")}


def line(name: str, per_seed: list[dict[str, float]], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Means over the seeds that have a number."""
    known = [[one[key] for one in per_seed if key in one] for key in keys]
    return (name, *(f"{np.mean(values):.3f}" if values else "" for values in known))


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--seeds", type=int, default=8)
    p.add_argument("--rows", type=int, default=2000, help="training rows of friedman1")
    args = p.parse_args()
    warnings.simplefilter("ignore")  # of scikit-learn, on iterations
    columns, keys = (*SCORES, "share refused"), (*SCORES, "refused")
    runs = [digits(seed) for seed in range(args.seeds)]
    print(f"Digits, area under the ROC curve against clean digits, {args.seeds} seeds.\n")
    show(("queries", *columns), [line(n, [run[0][n] for run in runs], keys) for n in runs[0][0]])
    print("Accuracy on the same queries, as it is and clipped.\n")
    kinds = ("network", "clipped")
    show(("queries", *kinds), [line(n, [run[1][n] for run in runs], kinds) for n in runs[0][1]])
    del runs
    keys, columns = (*SCORES[:-1], "refused"), (*SCORES[:-1], "share refused")
    cubes = [cube(seed, args.rows) for seed in range(args.seeds)]
    print("friedman1, queries in a box around the unit cube: area against rows of the cube.\n")
    show(("queries", *columns), [line(n, [c[n][0] for c in cubes], keys) for n in cubes[0]])
    print("Rank correlation (Spearman) with the network's error there; median errors.\n")
    keys = (*SCORES[:-1], "error", "error clipped")
    lines = [line(n, [c[n][1] | c[n][2] for c in cubes], keys) for n in cubes[0]]
    show(("queries", *keys), lines)
    print(
        "The level of the thresholds is 5 %. A flag for extrapolation: chance on digits never "
        "seen, where the distance to neighbours\ntells. No repair: clipped predictions are as good "
        "near the data and worse beyond it. The input box is the baseline: it\nflags as well or "
        "better in all of this; beyond the cube the excess of the neurons ranks the error better "
        "than that of the box."
    )


if __name__ == "__main__":
    main()
