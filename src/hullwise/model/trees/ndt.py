"""Neural Decision Trees: decision trees whose splits are small networks, trained all at once.

Balestriero (2017), Neural Decision Trees, arXiv 1702.07360. **Checked** against what can be read
of the paper, the abstracts of its two versions and its index terms: every split node is an
independent multilayer perceptron, so that splits are oblique or of any form; with weights shared
among the nodes the tree becomes a Hashing Neural Network, one perceptron with a sigmoid output
layer whose units jointly give the probability of a region; everything is optimised at once by
gradient, not greedily; regions of one class need not be connected.

**Our reading**, because the paper's text, losses and tables could not be read: a region's
probability is the product of its splits' sigmoids; every leaf holds a distribution over the
classes, learnt along with the splits; the loss is the mean negative log-likelihood of the mixture
of leaves (less, where nodes own their splits and for the first half of training, the entropy of
the leaves' use: without it some runs crowd into few leaves); hidden units are ReLUs; Adam with a
falling rate; hard routing takes the signs of the splits. The paper also shows semi-supervised and
unsupervised uses, and its first version regression: of these only `information` is here, a term
that needs no labels and is ours. No result of the paper is reproduced or quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..._core.estimators import ClassifierMixin
from ..._core.options import check_int
from ..._core.types import Floats
from ...errors import DataError, ModelError
from ...geometry.cloud_estimator import CloudEstimator
from ...io.validation import check_rows, check_target
from ...predict.targets import encode_classes
from ._ndt import (
    ROUTINGS,
    TreeShape,
    check_choice,
    checked_shape,
    leaf_distributions,
    leaf_of,
    paths,
    soft,
    split_values,
    turns,
)

if TYPE_CHECKING:
    from ._ndt_torch import SplitTree

ANSWER_BLOCK_ROWS = 4096  # rows answered at a time


def _torch() -> Any:
    """The module that holds what needs torch.

    Raises
    ------
    ModelError
        If torch is not installed.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ModelError(
            "Neural Decision Trees are trained with torch, which is not installed: "
            "pip install torch (or pip install hullwise[torch])."
        ) from None
    from . import _ndt_torch

    return _ndt_torch


def NeuralDecisionTree(
    n_inputs: int,
    n_outputs: int,
    depth: int = 4,
    hidden: Sequence[int] = (),
    *,
    sharing: str = "none",
) -> SplitTree:
    """A Neural Decision Tree as a torch module, to be trained alone or behind other layers.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Features that come in, classes that come out.
    depth : int
        Splits on every way; there are 2^depth leaves.
    hidden : sequence of int
        Widths of the hidden layers of a split; () makes hyperplanes.
    sharing : {"none", "hash"}
        "none": each of the 2^depth - 1 nodes has a network of its own. "hash": all nodes of a
        level share one split, and all levels one network with `depth` outputs (the Hashing Neural
        Network).

    Returns
    -------
    torch.nn.Module
        ``module(x)`` gives log-probabilities (m, n_outputs) under soft routing, for
        ``torch.nn.NLLLoss``; ``module(x, routing="hard")`` those of the one leaf that the signs
        lead to. There are also ``module.splits(x)``, ``module.routes(x)`` (log-probabilities of the
        leaves) and ``module.information(x)`` (mutual information of row and leaf: no labels).

    Raises
    ------
    ModelError
        If torch is not installed.
    DataError
        If an argument is none of these.

    Notes
    -----
    A row costs O((splits' parameters) + 2^depth n_outputs). Source: Balestriero (2017), arXiv
    1702.07360; see the module's text for what of it could be checked_shape.

    Examples
    --------
    >>> from hullwise.model import NeuralDecisionTree
    >>> tree = NeuralDecisionTree(2, 3, depth=2, sharing="hash")  # doctest: +SKIP
    >>> tree(torch.zeros(5, 2)).shape  # doctest: +SKIP
    torch.Size([5, 3])
    """
    shape = checked_shape(n_inputs, n_outputs, depth, hidden, sharing)
    module: SplitTree = _torch().SplitTree(shape)
    return module


@dataclass(frozen=True, repr=False)
class Sharing:
    """How far the splits of a tree are shared across the space.

    Attributes
    ----------
    n_nodes, n_splits : int
        Places where a way turns, and the distinct hypersurfaces they turn at.
    n_leaves, n_leaves_used : int
        All leaves, and those that hard routing leads training rows to.
    n_split_parameters, n_leaf_parameters : int
        Numbers learnt.
    nodes_per_split : (n_splits,) int64
        Nodes that turn at each split: 1 throughout, or 2^level.
    leaves_per_split : (n_splits,) int64
        Used leaves whose way asks each split.
    reach : (n_splits,) float64
        Share of the training rows that are on_path each split; their sum is the depth.
    """

    n_nodes: int
    n_splits: int
    n_leaves: int
    n_leaves_used: int
    n_split_parameters: int
    n_leaf_parameters: int
    nodes_per_split: NDArray[np.int64]
    leaves_per_split: NDArray[np.int64]
    reach: Floats

    def __repr__(self) -> str:
        return (
            f"Sharing({self.n_splits:,} splits for {self.n_nodes:,} nodes, "
            f"{self.n_leaves_used:,} of {self.n_leaves:,} leaves used, "
            f"a split on_path of {self.reach.mean():.0%} of rows)"
        )


class NeuralDecisionTreeClassifier(ClassifierMixin, CloudEstimator):
    """A decision tree of oblique or nonlinear splits, all trained at once by gradient.

    Parameters
    ----------
    depth : int
        Splits on every way; there are 2^depth leaves.
    hidden : sequence of int
        Widths of the hidden layers of a split; () makes hyperplanes.
    sharing : {"none", "hash"}
        Each node a split of its own, or one split for all nodes of a level (Hashing Neural
        Network).
    routing : {"soft", "hard"}
        How rows are answered: by the leaves' mixture, or by the one leaf that the signs of the
        splits lead to. Training is soft. May be changed after fitting.
    epochs : int
        Passes over the rows, in steps of n / 16 rows, but no fewer than 8 and no more than 128.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    random_state : None, int or RandomState
        Of the first weights and the order of rows.

    Attributes
    ----------
    classes_ : (k,)
    sharing_ : Sharing
        How far splits are shared across the space, and how many leaves the training rows use.
    loss_curve_ : list of float
        Mean loss by epoch.
    n_features_in_, feature_names_in_
        As usual.

    Notes
    -----
    Features are centred and scaled to unit spread first. torch is needed to fit only; a fitted
    tree holds arrays, and `to_torch` makes a module of them. The probabilities are not calibrated.
    Fitting is O(epochs n (splits' parameters + 2^depth k)). The same `random_state` gives the
    same tree on the same machine and versions.

    Source: Balestriero (2017), arXiv 1702.07360; see the module's text for what of it could be
    checked_shape.

    Examples
    --------
    >>> import hullwise as hw
    >>> tree = hw.model.NeuralDecisionTreeClassifier(depth=2, hidden=(8,), sharing="hash")
    >>> tree
    NeuralDecisionTreeClassifier(depth=2, hidden=(8,), sharing='hash')
    """

    classes_: NDArray[Any]
    sharing_: Sharing
    loss_curve_: list[float]

    def __init__(
        self,
        *,
        depth: int = 4,
        hidden: Sequence[int] = (),
        sharing: str = "none",
        routing: str = "soft",
        epochs: int = 100,
        learning_rate: float = 0.03,
        random_state: Any = None,
    ) -> None:
        self.depth = depth
        self.hidden = hidden
        self.sharing = sharing
        self.routing = routing
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn training rows X (n, d) and their classes y (n,), of any type that sorts.

        Raises
        ------
        DataError, DataTypeError
            For rows, labels or parameters that cannot be used.
        ModelError
            If torch is not installed, or training ends in NaN.
        """
        check_choice("routing", self.routing, ROUTINGS)
        epochs = check_int("epochs", self.epochs, 1)
        rate = self.learning_rate
        if not isinstance(rate, int | float | np.floating) or not 0 < rate < np.inf:
            raise DataError(f"learning_rate={rate!r}: expected a finite number above 0.")
        rows = check_rows(X)
        check_target(y, len(rows.values))
        classes, code = encode_classes(y)
        shape = checked_shape(
            rows.values.shape[1], len(classes), self.depth, self.hidden, self.sharing
        )
        values = np.asarray(rows.values, dtype=np.float64)
        scale = np.abs(values).max(axis=0, initial=0.0)  # first, so that no square overflows
        scale[scale == 0] = 1.0
        centre = (values / scale).mean(axis=0)
        spread = (values / scale - centre).std(axis=0)
        spread[spread <= 1e-12] = 1.0
        ready = (values / scale - centre) / spread
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        parameters, losses = _torch().train(shape, ready, code, epochs, float(rate), seed)
        if not np.isfinite(losses).all():
            raise ModelError(
                f"training came to NaN or infinity in epoch {len(losses)} with "
                f"learning_rate={rate}: take a smaller one."
            )
        validate_data(self, X, skip_check_array=True, reset=True)
        self.n_features_in_ = rows.values.shape[1]
        self.classes_ = classes
        self.loss_curve_ = losses
        self._shape, self._parameters = shape, parameters
        self._scale, self._centre, self._spread = scale, centre, spread
        self.sharing_ = _sharing(shape, turns(shape, split_values(parameters, ready)))
        return self

    def _values(self, X: Any) -> Floats:
        """The value of every split at rows X."""
        values = np.asarray(self._queries(X).values, dtype=np.float64)
        parts = [
            split_values(self._parameters, (part / self._scale - self._centre) / self._spread)
            for part in (
                values[i : i + ANSWER_BLOCK_ROWS] for i in range(0, len(values), ANSWER_BLOCK_ROWS)
            )
        ]
        return np.concatenate(parts)

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class at rows X (m, d): (m, k), in the order of `classes_`."""
        check_choice("routing", self.routing, ROUTINGS)
        s, leaves = self._values(X), leaf_distributions(self._parameters)
        if self.routing == "hard":
            return leaves[leaf_of(turns(self._shape, s))]
        parts = [
            np.exp(soft(self._shape, s[i : i + ANSWER_BLOCK_ROWS]))
            for i in range(0, len(s), ANSWER_BLOCK_ROWS)
        ]
        mixed = np.concatenate([part @ leaves for part in parts])
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of rows X (m, d), (m,); of equal ones the first."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def regions(self, X: Any) -> NDArray[np.uint8]:
        """The leaf's code (m, depth) of each row of X (m, d): its turns, 1 where a split is > 0."""
        s = self._values(X)
        return turns(self._shape, s)

    def apply(self, X: Any) -> NDArray[np.int64]:
        """The leaf (m,) of each row of X (m, d): its code as a number, the first turn leading."""
        return leaf_of(self.regions(X))

    def to_torch(self) -> SplitTree:
        """The fitted tree as a torch module in float64, on rows as the tree scales them.

        It takes ``(X - offset) / scale`` with `offset` and `scale` from `scaling`.

        Raises
        ------
        ModelError
            If torch is not installed.
        """
        check_is_fitted(self)
        module: SplitTree = _torch().module_of(self._shape, self._parameters)
        return module

    def scaling(self) -> tuple[Floats, Floats]:
        """The offset (d,) and scale (d,) of the features."""
        check_is_fitted(self)
        return self._centre * self._scale, self._spread * self._scale


def _sharing(shape: TreeShape, codes: NDArray[np.uint8]) -> Sharing:
    on_path = paths(shape.depth, shape.sharing) != 0
    leaf = leaf_of(codes)
    met = np.bincount(leaf, minlength=shape.n_leaves)
    hashed = shape.sharing == "hash"
    nodes = 2 ** np.arange(shape.depth) if hashed else np.ones(shape.n_splits)
    return Sharing(
        n_nodes=shape.n_nodes,
        n_splits=shape.n_splits,
        n_leaves=shape.n_leaves,
        n_leaves_used=int(np.count_nonzero(met)),
        n_split_parameters=shape.n_split_parameters,
        n_leaf_parameters=shape.n_leaves * shape.n_outputs,
        nodes_per_split=nodes.astype(np.int64),
        leaves_per_split=on_path[met > 0].sum(axis=0, dtype=np.int64),
        reach=met @ on_path / len(leaf),
    )
