"""Draw the pictures of the page about walks.

Run from the root of the repository: ``python docs/walks.py``. Writes docs/images/walks.png and
docs/images/walk-plot.png.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hullwise as hw

IMAGES = Path(__file__).parent / "images"
FROM, TO = 229, 320  # a 0 and a 4


def autoencoder(X: Any) -> Any:
    """An encoder to two numbers and a decoder, as functions."""
    coder = MLPRegressor(
        hidden_layer_sizes=(100, 2, 100),
        activation="tanh",
        learning_rate_init=3e-3,
        alpha=0,
        max_iter=400,
        tol=0,
        n_iter_no_change=400,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops at 400 rounds, as told
        coder.fit(X, X)
    W, c = coder.coefs_, coder.intercepts_
    return (
        lambda x: np.tanh(np.tanh(x @ W[0] + c[0]) @ W[1] + c[1]),
        lambda z: np.tanh(z @ W[2] + c[2]) @ W[3] + c[3],
    )


def walks(X: Any) -> dict[str, Any]:
    """From a 0 to a 4 in three ways."""
    encoder, decoder = autoencoder(X)
    return {
        "straight": hw.metrics.walk(X, FROM, TO, metric=None),
        "latent": hw.metrics.walk(
            X, FROM, TO, "latent", encoder=encoder, decoder=decoder, metric=None
        ),
        "geodesic": hw.metrics.walk(X, FROM, TO, "geodesic", stay_near=100.0, metric=None),
    }


def strips(walks_by_name: dict[str, Any], X: Any, target: Path) -> None:
    """One strip below the other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 6.6), dpi=110)
    FigureCanvasAgg(figure)
    for part, one in zip(
        figure.subfigures(len(walks_by_name), 1), walks_by_name.values(), strict=True
    ):
        hw.report.draw_strip(one, (8, 8), nearest=X, figure=part)
    figure.savefig(target)


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    X = X / 16
    walks_by_name = walks(X)
    for one in walks_by_name.values():
        print(one, one.to_average, one.to_row, one.largest_out, one.end_gaps)
    strips(walks_by_name, X, IMAGES / "walks.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge = MLPClassifier((32, 32), max_iter=80, random_state=0).fit(X, y)
    encoder, decoder = autoencoder(X)
    drawn = hw.metrics.walk(
        X, FROM, TO, "latent", encoder=encoder, decoder=decoder, model=judge, metric=None
    )
    hw.report.draw_walk(drawn, names=[str(k) for k in range(10)]).figure.savefig(
        IMAGES / "walk-plot.png", dpi=110, bbox_inches="tight"
    )
