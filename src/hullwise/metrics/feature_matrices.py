"""Metrics of a task: which directions its target, as a model has learnt it, varies along.

Radhakrishnan, Beaglehole, Pandit & Belkin (Science 2024), Mechanism for feature learning in neural
networks and backpropagation-free machine learning models: the average gradient outer product, and
the neural feature matrix W'W that it is close to in trained networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.types import Floats
from ..errors import DataError, ModelError
from ..io.validation import check_rows
from ..model.affine_layers import Linear
from ..model.network import Network
from ._jacobians import gradients_of, outer_sum

AGOP_RIDGE = 1e-6


def agop(model: Any, X: Any, *, ridge: float = AGOP_RIDGE, step: float | None = None) -> Floats:
    """The average gradient outer product of a model: a metric of what it depends on.

    Parameters
    ----------
    model : Network, torch module, fitted scikit-learn estimator, or function
        Piecewise affine networks are differentiated exactly, through their affine pieces; linear
        models by their coefficients, Gaussian kernel machines, RFMs and smooth MLPs by formula;
        other torch modules by torch; all else by central differences.
        Classifiers: of the decision function (what enters a softmax or a sigmoid at the end), else
        of the probabilities; other functions at the end count in. Several outputs add up.
    X : array-like (n, d)
        The rows to average over: the training rows.
    ridge : float
        How much of the mean eigenvalue is added to all, both with features in standard deviations:
        directions that do not matter keep a little weight, so that no row is at distance 0 of the
        data for lack of any. 0 for none.
    step : float, optional
        Step of differences, in standard deviations of each feature. None: 1e-4, for trees 0.5,
        since they change at the scale of the data only.

    Returns
    -------
    ndarray (d, d)
        Symmetric, positive semidefinite: pass it as ``metric=`` to `locate` and to any regressor.

    Raises
    ------
    DataError
        If X is empty or not finite, or `ridge` is negative.
    ModelError
        If the model cannot be differentiated, or does not change anywhere on X.

    Notes
    -----
    Cost: one backward pass for each output and row (differences: 2 d predictions a row), and the
    outer products; where a network's first layer is narrower than its input, added up there.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X = np.random.default_rng(0).uniform(size=(50, 3))
    >>> hw.metrics.agop(lambda x: 3 * x[:, 0] + x[:, 1], X, ridge=0).round(6) + 0.0
    array([[9., 3., 0.],
           [3., 1., 0.],
           [0., 0., 0.]])
    """
    with own_errors("averaging gradients"):
        rows = _as_float_rows(X)
        M = outer_sum(gradients_of(model, rows, step), rows) / len(rows)
        return add_ridge(M, ridge, "model", rows.std(axis=0))


def local_metric(
    model: Any, x: Any, *, ridge: float = AGOP_RIDGE, step: float | None = None, scale: Any = None
) -> Floats:
    """The pullback metric J'J of a model at one point, (d, d), or at each of several, (m, d, d).

    Parameters
    ----------
    model : object
        As for `agop`.
    x : array-like (d,) or (m, d)
    ridge : float
        As for `agop`, of each point's own mean eigenvalue.
    step : float, optional
        Step of differences, in units of `scale`.
    scale : array-like (n, d), optional
        Rows whose standard deviations are the units of `step`; None: x itself if it has two rows or
        more, else 1.

    Returns
    -------
    ndarray (d, d) or (m, d, d)
        All zero where the model does not change at all.

    Raises
    ------
    DataError, ModelError
        As `agop`.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> hw.metrics.local_metric(net, [1.0, -1.0], ridge=0)
    array([[1., 0.],
           [0., 0.]])
    """
    single = np.ndim(x) == 1
    rows = _as_float_rows([x] if single else x)
    around = rows if scale is None else _as_float_rows(scale)
    gradients = gradients_of(model, around, step)
    products = [J.transpose(0, 2, 1) @ J for J in gradients.jacobians(rows)]
    M = np.concatenate(products)
    unit = around.std(axis=0)
    square = np.where(unit > 0, unit, 1.0) ** 2
    mean = np.einsum("mii,i->m", M, square) / len(square)
    M += ridge * mean[:, None, None] * np.diag(1 / square)
    return np.asarray(M[0] if single else M)


def local_agop(
    model: Any,
    x: Any,
    X: Any,
    *,
    n_neighbors: int = 50,
    ridge: float = AGOP_RIDGE,
    step: float | None = None,
) -> Floats:
    """The AGOP over the rows of X nearest to x (each feature by its standard deviation).

    Between `local_metric` (one neighbour) and `agop` (all n): a local metric with less noise.

    Parameters
    ----------
    model : object
        As for `agop`.
    x : array-like (d,)
    X : array-like (n, d)
    n_neighbors : int
        How many neighbours; all, if there are fewer.
    ridge : float
        As for `agop`.
    step : float, optional
        As for `agop`.

    Returns
    -------
    ndarray (d, d)

    Raises
    ------
    DataError, ModelError
        As `agop`.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> hw.metrics.local_agop(net, [3.0, -3.0], X, n_neighbors=5, ridge=0)
    array([[1., 0.],
           [0., 0.]])
    """
    rows, point = _as_float_rows(X), _as_float_rows([x])
    if point.shape[1] != rows.shape[1]:
        raise DataError(f"x has {point.shape[1]} entries, X has {rows.shape[1]} columns")
    if n_neighbors < 1:
        raise DataError(f"n_neighbors is {n_neighbors}; give at least 1")
    spread = rows.std(axis=0)
    squared = (((rows - point) / np.where(spread > 0, spread, 1.0)) ** 2).sum(axis=1)
    nearest = rows[np.argsort(squared, kind="stable")[:n_neighbors]]
    total = outer_sum(gradients_of(model, rows, step), nearest)
    return add_ridge(total / len(nearest), ridge, "model near x", spread)


def nfm(model: Any, layer: int | str = 0, *, ridge: float = 0.0) -> Floats:
    """The neural feature matrix W'W of a linear layer: a metric on what enters the layer.

    Parameters
    ----------
    model : Network, or anything :func:`hullwise.model.read` takes
    layer : int or str
        Which linear layer: by its place among them, or by name.
    ridge : float
        As for `agop`.

    Returns
    -------
    ndarray (i, i)
        i the layer's inputs; for the first layer of a network of rows it is a metric of the rows.

    Raises
    ------
    ModelError
        If there is no such layer, or its weights are all zero.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> hw.metrics.nfm(net)
    array([[1., 0.],
           [0., 4.]])
    """
    _, W = _linear_layer(_network(model), layer)
    return add_ridge(W.T @ W, ridge, "layer", np.ones(W.shape[1]))


def nfm_of_rows(net: Network, layer: int | str, row: Floats) -> tuple[Floats, str]:
    """W'W of a layer as a metric of the rows, and the layer's name.

    The layer reads the rows through affine maps only, so its slopes are the same at any `row`
    (1, d).

    Raises
    ------
    ModelError
        If there is no such layer, what it reads is bent before, or its weights are all zero.
    """
    at, W = _linear_layer(net, layer)
    name, ancestors = net.nodes[at].name, {at}
    pending = [at]
    while pending:
        new = set(net.nodes[pending.pop()].inputs) - ancestors
        ancestors |= new
        pending += new
    nonlinear = [net.nodes[i].name for i in sorted(ancestors) if net.nodes[i].is_piecewise]
    if nonlinear:
        raise ModelError(
            f"layer {name!r} reads what {nonlinear[-1]!r} gives, not the rows; take the first "
            "linear layer, or the AGOP"
        )
    J = net.pull({at: np.eye(len(W))[None]}, net.codes(row), 0)[0]
    return add_ridge(J.T @ J, 0.0, f"layer {name!r}", np.ones(J.shape[1])), name


def feature_agreement(
    model: Any, X: Any, layer: int | str = 0, *, initial: Any = None
) -> tuple[float, float]:
    """Correlation of a layer's W'W with the AGOP at its input, trained and at initialisation.

    Parameters
    ----------
    model : Network, or anything :func:`hullwise.model.read` takes
    X : array-like (n, d)
    layer : int or str
        As for `nfm`.
    initial : same as `model`, optional
        The network before training: part of the agreement is there already (.3 to .8 untrained).

    Returns
    -------
    (float, float)
        Pearson's correlation of the matrices' entries, trained and initial (NaN without `initial`).

    Raises
    ------
    ModelError
        As `nfm` and `agop`.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> trained, _ = hw.metrics.feature_agreement(net, [[1.0, 1.0], [2.0, 3.0]])
    >>> round(trained, 3)
    0.805
    """
    rows = _as_float_rows(X)
    correlations = [
        _agreement(_network(one), rows, layer) for one in (model, initial) if one is not None
    ]
    return correlations[0], correlations[1] if len(correlations) > 1 else float("nan")


def _agreement(net: Network, rows: Floats, layer: int | str) -> float:
    node, W = _linear_layer(net, layer)
    before = net.nodes[node].inputs[0]
    k, last = net.n_outputs, len(net.nodes) - 1
    total: Any = 0.0
    for part in net.blocks(len(rows), k):
        code = net.codes(rows[part])
        J = net.pull({last: np.broadcast_to(np.eye(k)[None], (len(code), k, k))}, code, before)
        flat = J.reshape(-1, J.shape[2])
        total = total + flat.T @ flat
    return float(np.corrcoef(total.ravel(), (W.T @ W).ravel())[0, 1])


def _linear_layer(net: Network, layer: int | str) -> tuple[int, Floats]:
    """A linear layer on flat inputs: its node and weights."""
    layers = [
        (i, n)
        for i, n in enumerate(net.nodes)
        if isinstance(n.op, Linear) and len(net.nodes[n.inputs[0]].shape) == 1
    ]
    names = [node.name for _, node in layers]
    if isinstance(layer, str) and layer not in names:
        raise ModelError(f"the network has no linear layer {layer!r}; it has {names}")
    place = names.index(layer) if isinstance(layer, str) else layer
    if not -len(layers) <= place < len(layers):
        raise ModelError(f"the network has {len(layers)} linear layers, so none number {place}")
    i, node = layers[place]
    return i, node.op.W  # type: ignore[union-attr]


def _network(model: Any) -> Network:
    from ..model.readers.read import read

    return read(model)


def _as_float_rows(X: Any) -> Floats:
    return np.ascontiguousarray(check_rows(X).values, dtype=np.float64)


def add_ridge(M: Floats, ridge: float, subject: str, spread: Floats) -> Floats:
    """M with `ridge` times its mean eigenvalue on every direction, in units of `spread` (d,)."""
    if not ridge >= 0:
        raise DataError(f"ridge is {ridge!r}; give a number of at least 0")
    unit = np.where(spread > 0, spread, 1.0)
    mean = float(np.diag(M) @ (unit * unit)) / len(M)
    if not mean > 0:
        raise ModelError(f"the {subject} does not change in any direction: it induces no metric")
    return np.asarray((M + M.T) / 2 + np.diag(ridge * mean / (unit * unit)))
