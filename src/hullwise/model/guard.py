"""A network kept to the ranges its neurons had in training: a flag for extrapolation.

After training, every neuron's input is clipped to the range it had on the training rows. The
clipped network is again a continuous piecewise affine function, equal to the first on the training
rows, and bounded everywhere unless a skip connection goes round all its units; how many neurons a
query clips says how far it leads the network beyond its training.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.memory import check_memory
from .._core.options import check_fraction, check_int, check_nonnegative
from .._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from .._core.types import Floats, Indices
from ..errors import DataError, DataWarning, ModelError
from ..io.validation import check_rows, table_row_names
from ._arguments import border, check_network
from ._unit_ranges import (
    Clips,
    UnitExtremes,
    clip_inputs,
    count_clips,
    n_trimmed,
    range_widths,
    unit_extremes,
    unit_ranges,
)
from .network import Network

THRESHOLD_FOLDS = 5  # of the threshold that fit sets


@dataclass(frozen=True, eq=False, repr=False)
class GuardReport(RowResult):
    """What a `Guard` says of queries (m, d), a row for each.

    Attributes
    ----------
    clips : ndarray (m,)
        Neurons clipped, in all layers.
    share : ndarray (m, n_layers)
        The share of each layer's inputs that was clipped.
    excess : ndarray (m,)
        How far the inputs were out of their ranges, in widths of those ranges, added up.
    box_count, box_excess : ndarray (m,)
        The baseline: the query's own entries outside their range on the training rows, and how far.
    refused : ndarray of bool (m,)
        Whether `clips` is above the threshold.
    layers : tuple of str
        Names of the layers.
    threshold : float

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])  # |x|
    >>> guard = hw.model.Guard(net).fit(np.linspace(-1, 2, 101)[:, None])
    >>> report = guard.report([[0.5], [3.0]])
    >>> report.refused
    array([False,  True])
    >>> list(report.to_frame())
    ['clips', 'share_relu0', 'excess', 'box_count', 'box_excess', 'refused']
    """

    clips: NDArray[np.int64]
    share: Floats
    excess: Floats
    box_count: NDArray[np.int64]
    box_excess: Floats
    refused: NDArray[np.bool_]
    layers: tuple[str, ...]
    threshold: float
    row_names: RowNames = UNNAMED_ROWS

    def _take(self, rows: Indices) -> GuardReport:
        return GuardReport(
            self.clips[rows],
            self.share[rows],
            self.excess[rows],
            self.box_count[rows],
            self.box_excess[rows],
            self.refused[rows],
            self.layers,
            self.threshold,
            self.row_names.take(rows),
        )

    def _columns(self) -> Mapping[str, Column]:
        shares = {f"share_{name}": self.share[:, i] for i, name in enumerate(self.layers)}
        return {
            "clips": self.clips,
            **shares,
            "excess": self.excess,
            "box_count": self.box_count,
            "box_excess": self.box_excess,
            "refused": self.refused,
        }

    def __len__(self) -> int:
        return len(self.clips)

    def plot(self, ax: Any = None) -> Any:
        """Draw neurons clipped, beside features out of range; returns matplotlib axes."""
        from ..report.result_pictures import draw_guard

        return draw_guard(self, ax)

    def __repr__(self) -> str:
        m, most = len(self.clips), int(self.clips.max(initial=0))
        return (
            f"GuardReport({m:,} {'query' if m == 1 else 'queries'}, {int(self.refused.sum()):,} "
            f"refused: more than {self.threshold:g} clips; at most {most:,})"
        )


class Guard:
    """Clip every neuron's input to the range seen on the training rows; count the clips.

    What it measures: extrapolation, where the network is asked further out than it was trained. It
    rises where confidence scores are wrong way round (a ReLU network grows ever surer along a ray).
    What it does not: it is chance on classes that were never seen but look like the others, it is
    no repair of predictions near the data, and a plain box on the inputs (`box_count`, beside it)
    often flags the same. ``benchmarks/guard.py`` measures all of this.

    Parameters
    ----------
    net : Network
        A trained network; any that `read` takes.
    quantile : float, default=0.0
        Leave out this share of the training rows at each end of each range, in [0, 0.5).
        0 takes the ranges whole.
    level : float, default=0.05
        The share of clean rows that `refuse` may refuse.
    random_state : int, default=0
        For the folds of the threshold that `fit` sets.

    Attributes
    ----------
    low_, high_ : list of ndarray
        The range of each input of each layer of units.
    box_low_, box_high_ : ndarray (d,)
        The range of each input of the network.
    network_ : Network
        The clipped network, with a layer ``"<name> guard"`` before each layer of units: it can be
        dissected and sliced as any other.
    n_inputs_per_layer_ : ndarray (n_layers,)
        How many inputs a layer has that may be clipped.
    threshold_ : float
        `refuse` refuses more clips than this.
    threshold_source_ : str
        Where the threshold comes from.

    Notes
    -----
    The threshold after `fit` is cross-fitted: the training rows are split in five, the clips of
    each part counted with ranges of the other four. Those ranges are honest, but the network was
    trained on all of these rows, so clean new rows may clip more and the level is not guaranteed.
    `set_threshold` on held-out clean rows makes it so.

    Quantiles hold floor(quantile n) + 1 numbers for each neuron and end. A layer's inputs are
    those of its units, so a maximum (pooling) has several for each unit; outputs are not clipped.
    A query counts as outside a range when beyond it by 1e-9 of its width, 1e-12 of the layer's
    largest input and what rounding may have done, which depends on the batch.

    Cost: fit takes two forward passes of the n rows, a query one.

    Sources: ranges of neurons as a monitor, Henzinger, Lukina & Schilling (2020), Outside the Box:
    Abstraction-Based Monitoring of Neural Networks, ECAI. Clipping to observed ranges, against
    hardware faults, Chen, Li & Pattabiraman (2021), A Low-cost Fault Corrector for Deep Neural
    Networks through Range Restriction (Ranger), DSN. One upper limit on the last hidden layer, Sun,
    Guo & Li (2021), ReAct: Out-of-Distribution Detection with Rectified Activations, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])  # |x|
    >>> guard = hw.model.Guard(net).fit(np.linspace(-1, 2, 101)[:, None])
    >>> guard.clip_count([[0.5], [3.0]])
    array([0, 2])
    >>> guard.predict([[0.5], [3.0]]).ravel()
    array([0.5, 2. ])
    >>> guard.report([[0.5], [3.0]])
    GuardReport(2 queries, 1 refused: more than 0 clips; at most 2)
    """

    def __init__(
        self, net: Network, *, quantile: float = 0.0, level: float = 0.05, random_state: int = 0
    ) -> None:
        self.net = net
        self.quantile = quantile
        self.level = level
        self.random_state = random_state

    @border("fitting the guard")
    def fit(self, X: Any, y: Any = None) -> Guard:
        """Take the ranges from training rows X (n, d), and a threshold cross-fitted on them.

        Returns
        -------
        Guard
            itself.

        Raises
        ------
        DataError
            If X is empty, does not fit the network or has values that are not finite, or if
            quantile or level is out of range.
        ModelError
            If `net` is not a Network.
        MemoryLimitError
            If the quantiles would not fit.
        """
        check_network(self.net, "Guard")
        check_int("random_state", self.random_state, 0)
        if not check_nonnegative("quantile", self.quantile) < 0.5:
            raise DataError(f"quantile is {self.quantile!r}; it is at least 0 and below 0.5")
        _check_level(self.level)
        columns = check_rows(X).columns if hasattr(X, "columns") else None
        X = self.net.rows(X)
        if not len(X):
            raise DataError("X has no rows; the guard needs those the network was trained on")
        keep = n_trimmed(len(X), self.quantile) + 1
        if keep > 1:
            entries = sum(_width(self.net, i) for i in range(len(self.net.layers)))
            check_memory(
                8 * 4 * keep * min(THRESHOLD_FOLDS, 1 + len(X)) * entries, "ranges with a quantile"
            )
        parts = np.random.default_rng(self.random_state).permutation(len(X)) % THRESHOLD_FOLDS
        extremes = [unit_extremes(self.net, X[parts == i], keep) for i in range(THRESHOLD_FOLDS)]
        counts = self._cross_fitted(X, parts, extremes)
        self.columns_ = columns
        self.box_low_, self.box_high_ = X.min(axis=0), X.max(axis=0)
        ranges = unit_ranges(extremes, self.quantile)
        self.low_, self.high_ = [low for low, _ in ranges], [high for _, high in ranges]
        self.network_ = clip_inputs(self.net, ranges)
        self.n_inputs_per_layer_ = np.array([len(low) for low in self.low_], dtype=np.int64)
        return self._set(counts, self.level, "cross-fitted on the training rows", "fit rows")

    def _cross_fitted(
        self, X: Floats, parts: Any, extremes: list[UnitExtremes]
    ) -> NDArray[np.int64]:
        """Clips of every row with ranges of the other parts' rows; none for a single row."""
        counts = np.zeros(len(X), dtype=np.int64)
        for i in range(THRESHOLD_FOLDS):
            others, own = [ends for j, ends in enumerate(extremes) if j != i and ends.n], parts == i
            if own.all():
                return counts[:0]
            if own.any():
                ranges = unit_ranges(others, self.quantile)
                network = clip_inputs(self.net, ranges)
                clips = count_clips(network, ranges, X[own], np.abs(X).max(axis=0))
                counts[own] = clips.counts.sum(axis=1)
        return counts

    @border("setting the guard's threshold")
    def set_threshold(self, X_clean: Any, level: float | None = None) -> Guard:
        """Set what `refuse` refuses, from clean rows X_clean (n, d) held out of training.

        Parameters
        ----------
        X_clean : array-like (n, d)
            Rows such as the guard is to let through, seen neither by `fit` nor by training.
        level : float, optional
            The share of clean rows that may be refused, in (0, 1); None: the guard's `level`.

        Returns
        -------
        Guard
            itself.

        Raises
        ------
        DataError
            If the rows do not fit or the level is out of range.

        Notes
        -----
        The threshold is the k-th smallest clip count of the clean rows, k = ceil((n + 1)(1 -
        level)), and a query is refused when it clips more. If it is exchangeable with the clean
        rows, the chance of that is at most `level` for any n, over the draw of the query and of
        the clean rows (split conformal prediction: Vovk, Gammerman & Shafer (2005), Algorithmic
        Learning in a Random World; counts tie, so it is often less). n of less than 1 / level - 1
        leaves no such threshold: it is then infinite, nothing is refused, and a `DataWarning`
        says so. Nothing is promised about which of the other queries are refused.
        """
        level = self.level if level is None else level
        _check_level(level)
        source = "clean rows"
        return self._set(self.clip_count(X_clean), level, source, "X_clean")

    def _set(self, counts: NDArray[np.int64], level: float, source: str, name: str) -> Guard:
        n = len(counts)
        k = math.ceil((n + 1) * (1 - level) - 1e-9)
        self.threshold_ = float(np.sort(counts)[k - 1]) if k <= n else math.inf
        self.threshold_source_ = f"{n:,} counts, {source}, level {level:g}"
        if k > n:
            warnings.warn(
                f"{n:,} {name} are too few for a threshold at level {level:g}: it takes "
                f"{math.ceil(1 / level - 1e-9) - 1:,}. Nothing will be refused; call "
                f"set_threshold with more clean rows, or a larger level.",
                DataWarning,
                stacklevel=3,
            )
        return self

    @border("predicting by the guard")
    def predict(self, Q: Any) -> Floats:
        """Outputs (m, n_outputs) of the clipped network at queries Q (m, d).

        Those of the network itself wherever nothing is clipped. Cost: one forward pass.
        """
        Q = self._queries(Q)
        return self.network_(Q)

    def clip_count(self, Q: Any) -> NDArray[np.int64]:
        """Neurons' inputs clipped (m,) at queries Q (m, d), over all layers."""
        return np.asarray(self.clip_counts(Q).sum(axis=1))

    @border("counting clips")
    def clip_counts(self, Q: Any) -> NDArray[np.int64]:
        """The same layer by layer: (m, n_layers).

        A layer is given the clipped values of those before it, as in `predict`.
        """
        return self._clips(self._queries(Q)).counts

    @border("measuring excesses")
    def excess(self, Q: Any) -> Floats:
        """How far the inputs of neurons are outside their ranges at Q (m, d): (m,).

        In widths of the ranges, summed over neurons; those whose range has no width count in the
        median width of their layer.
        """
        return self._clips(self._queries(Q)).excess

    def refuse(self, Q: Any) -> NDArray[np.bool_]:
        """Whether queries Q (m, d) clip more than the threshold: (m,)."""
        return self.clip_count(Q) > self.threshold_

    def box_count(self, Q: Any) -> NDArray[np.int64]:
        """The baseline: entries of Q (m, d) outside their range on the training rows, (m,)."""
        return np.asarray((self._beyond_box(self._queries(Q)) > 0).sum(axis=1))

    def box_excess(self, Q: Any) -> Floats:
        """How far they are outside, in widths of the ranges, summed: (m,)."""
        return self._box_excess(self._queries(Q))

    @border("reporting on queries")
    def report(self, Q: Any) -> GuardReport:
        """All of it for queries Q (m, d), in one forward pass."""
        names, Q = table_row_names(Q), self._queries(Q)
        clipped = self._clips(Q)
        total = clipped.counts.sum(axis=1)
        return GuardReport(
            clips=total,
            share=clipped.counts / self.n_inputs_per_layer_,
            excess=clipped.excess,
            box_count=(self._beyond_box(Q) > 0).sum(axis=1),
            box_excess=self._box_excess(Q),
            refused=total > self.threshold_,
            layers=tuple(layer.name for layer in self.net.layers),
            threshold=self.threshold_,
            row_names=names,
        )

    def _clips(self, Q: Floats) -> Clips:
        size = np.maximum(np.abs(self.box_low_), np.abs(self.box_high_))
        return count_clips(self.network_, list(zip(self.low_, self.high_, strict=True)), Q, size)

    def _beyond_box(self, Q: Floats) -> Floats:
        return np.asarray(np.maximum(np.maximum(self.box_low_ - Q, Q - self.box_high_), 0.0))

    def _box_excess(self, Q: Floats) -> Floats:
        beyond = self._beyond_box(Q) / range_widths(self.box_low_, self.box_high_)
        return np.asarray(beyond.sum(axis=1))

    def _queries(self, Q: Any) -> Floats:
        if not hasattr(self, "network_"):
            raise ModelError("this Guard has no ranges yet; call fit(X) with the training rows")
        if self.columns_ is not None and hasattr(Q, "columns"):
            check_rows(Q, name="Q", columns=self.columns_, allow_empty=True)
        return self.net.rows(Q, "Q")

    def __repr__(self) -> str:
        if not hasattr(self, "network_"):
            return f"Guard({self.net!r}, not fitted)"
        n = int(self.n_inputs_per_layer_.sum())
        return f"Guard({n:,} ranges, refuses more than {self.threshold_:g} clips)"


def _width(net: Network, layer: int) -> int:
    """Entries that a layer of units is given."""
    return math.prod(net.nodes[net.nodes[net.layers[layer].node].inputs[0]].shape)


def _check_level(level: float) -> None:
    check_fraction("level", level, ends=False)
