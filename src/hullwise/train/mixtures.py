"""mixup: rows between rows, and targets between targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int, check_nonnegative
from .._core.results import RecordResult
from .._core.types import Array, Floats, Indices
from ..errors import DataError, DataTypeError
from ..io.validation import check_rows
from ._torch import float_rows, import_torch, is_tensor

RandomState = int | np.random.Generator


@dataclass(frozen=True, eq=False, repr=False)
class MixedRows(RecordResult):
    """Rows between pairs of rows; row i is weights[i] X[i] + (1 - weights[i]) X[partners[i]].

    Attributes
    ----------
    X : ndarray or Tensor (n, ...)
        Mixed rows.
    y : ndarray or Tensor (n, t) or (n,), or None
        Mixed targets: shares of the classes, or numbers.
    targets : ndarray or Tensor (n,) or (n, t), or None
        Targets before mixing: places of the labels among `classes`, or numbers.
    partners : ndarray (n,)
        The row that each was mixed with.
    weights : ndarray (n,)
        What each row itself counts, between 0 and 1.
    classes : ndarray (k,), or None
        The labels that the columns of `y` stand for.
    """

    X: Any
    y: Any
    targets: Any
    partners: Indices
    weights: Floats
    classes: Array | None = None

    def __len__(self) -> int:
        return len(self.weights)

    def __repr__(self) -> str:
        kind = "rows" if self.y is None else "rows and targets"
        return f"MixedRows({len(self)} {kind}, mean weight {self.weights.mean():.2f})"

    def loss(self, criterion: Callable[[Any, Any], Any], outputs: Any) -> Any:
        """The mean of weights criterion(outputs, y_i) + (1 - weights) criterion(outputs, y_j).

        For cross-entropy it equals that of the mixed targets `y`; for squares it differs by a
        number that the network has no part in.

        Parameters
        ----------
        criterion : callable
            Of outputs and targets, with a loss for each row (torch: ``reduction="none"``), or their
            mean if all rows have the same weight.
        outputs : ndarray or Tensor (n, ...)
            What the model answers to `X`.

        Returns
        -------
        number or Tensor ()

        Raises
        ------
        DataError
            Nothing was mixed but X, or the criterion gives one number where weights differ.
        """
        if self.targets is None:
            raise DataError("these rows were mixed without targets: pass y to mixup.")
        own = criterion(outputs, self.targets)
        other = criterion(outputs, self.targets[self._like(self.partners)])
        shape = tuple(getattr(own, "shape", ()))
        if shape == () and np.ptp(self.weights) == 0:
            weight = float(self.weights[0])
            return weight * own + (1 - weight) * other
        if shape[:1] != (len(self),):
            raise DataError(
                f"the criterion gives shape {shape}: expected a loss for each of the {len(self)} "
                "rows, as torch's losses have with reduction='none'."
            )
        weights = self._like(self.weights).reshape(-1, *(1 for _ in shape[1:]))
        return (weights * own + (1 - weights) * other).mean()

    def _like(self, values: Array) -> Any:
        """Numbers as a tensor beside those of X, where X is one."""
        return _beside(self.X, values)


@own_errors("mixing rows")
def mixup(
    X: Any,
    y: Any = None,
    *,
    random_state: RandomState,
    alpha: float = 0.2,
    per_row: bool = False,
    within_class: bool = False,
    n_classes: int | None = None,
) -> MixedRows:
    """Mix each row with another one, drawn at random, and their targets by the same weights.

    Parameters
    ----------
    X : array-like (n, d), or array or Tensor (n, ...)
        A table of numbers, or images.
    y : array-like or Tensor (n,) or (n, t), optional
        Whole numbers, text and bool are class labels, whose mixture is a share of each class;
        floats are mixed as they are. Counts that are a quantity: pass them as floats.
    random_state : int or numpy.random.Generator
        In a training loop pass a generator made once, else every batch is mixed alike.
    alpha : float
        Weights are drawn from Beta(alpha, alpha): near 0 or 1 for small ones, uniform for 1.
    per_row : bool
        A weight for each row. One for all unless told, as in the paper.
    within_class : bool
        Mix rows of the same class only, so that labels stay what they are.
    n_classes : int, optional
        Labels are 0, ..., n_classes - 1. The distinct labels of y unless told; needed for batches,
        which may lack a class.

    Returns
    -------
    MixedRows
        Tensors for tensors, of their type and on their device.

    Raises
    ------
    DataError
        NaN or infinity, alpha of 0 or less, lengths that differ, labels beyond `n_classes`,
        columns of text in X.
    DataTypeError
        A tensor of whole numbers.

    Notes
    -----
    O(n d). Every mixed row is a weighted average of two rows: it lies in their convex hull, and
    mixing adds nothing to the data's hull (`hullwise.locate` proves it). It may still lie where no
    rows are, within a gap between classes.

    There is no row between two words. A table with categories is refused; mix its coordinates
    instead (``domain.fitted_.values`` of a `Domain`), where a mixture of "nurse" and "clerk" is a
    point between the two, at which no row can ever be. Whether that teaches a model anything is a
    question to the data; `within_class` with the category as y avoids it. Categories coded as
    numbers cannot be told from quantities, and are mixed.

    Source: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, *mixup: beyond empirical risk
    minimization*, ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> X, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 2
    >>> mixed = hw.train.mixup(X, y, alpha=1.0, per_row=True, random_state=0)
    >>> mixed
    MixedRows(100 rows and targets, mean weight 0.52)
    >>> mixed.y.shape
    (100, 2)
    >>> bool((hw.locate(X, mixed.X).verdict == hw.Verdict.INSIDE).all())
    True
    """
    rows = _checked_rows(X)
    n = len(rows)
    if check_nonnegative("alpha", alpha) == 0:
        raise DataError("alpha=0: expected a number above 0 (0 would mix nothing).")
    rng = _generator(random_state)
    targets, classes = (None, None) if y is None else _checked_targets(y, n, n_classes)
    if within_class and classes is None:
        raise DataError("within_class=True needs class labels: y holds none.")
    weights = rng.beta(alpha, alpha, n) if per_row else np.full(n, rng.beta(alpha, alpha))
    if within_class:
        partners = _partners_within(rng, _labels_in_memory(targets))
    else:
        partners = rng.permutation(n)
    mixed = _mix(rows, partners, weights)
    if targets is None:
        return MixedRows(mixed, None, None, partners, weights)
    shares = targets if classes is None else _indicators(targets, len(classes), rows)
    return MixedRows(mixed, _mix(shares, partners, weights), targets, partners, weights, classes)


def _generator(random_state: RandomState) -> np.random.Generator:
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(check_int("random_state", random_state, 0))


def _checked_rows(X: Any) -> Any:
    if is_tensor(X):
        return float_rows(import_torch("mixup of tensors"), X, "X")
    if isinstance(X, np.ndarray) and X.ndim > 2:
        check_rows(X.reshape(len(X), -1), name="X")
        rows = X
    else:
        rows = check_rows(X, name="X").values
    return rows if rows.dtype.kind == "f" else rows.astype(np.float64)


def _checked_targets(y: Any, n: int, n_classes: int | None) -> tuple[Any, Array | None]:
    """Targets as numbers, or as places among the classes, and the classes."""
    if is_tensor(y):
        return _tensor_targets(y, n, n_classes)
    labels = np.asarray(y)
    if labels.ndim == 0 or len(labels) != n:
        raise DataError(f"X has {n} rows, y has shape {labels.shape}: expected a target for each.")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise DataError("y holds NaN or infinity: expected finite numbers.")
        return labels, None
    if labels.ndim != 1:
        raise DataError(f"y has shape {labels.shape}: expected one class label for each row.")
    if n_classes is None:
        classes, places = np.unique(labels, return_inverse=True)
        return places, classes
    if labels.dtype.kind not in "iub":
        raise DataError("n_classes needs labels 0, 1, ...: y holds text. Leave it out.")
    _refuse_labels_beyond(int(labels.min()), int(labels.max()), n_classes)
    return labels.astype(np.intp), np.arange(n_classes)


def _tensor_targets(y: Any, n: int, n_classes: int | None) -> tuple[Any, Array | None]:
    if y.ndim == 0 or len(y) != n:
        raise DataError(
            f"X has {n} rows, y has shape {tuple(y.shape)}: expected a target for each."
        )
    if y.is_floating_point():
        return float_rows(import_torch("mixup of tensors"), y, "y"), None
    if y.is_complex() or y.ndim != 1:
        raise DataTypeError(
            f"y is a tensor of shape {tuple(y.shape)} and {str(y.dtype).removeprefix('torch.')}: "
            "expected class labels (n,) or floats."
        )
    places = y.long()
    n_classes = int(places.max()) + 1 if n_classes is None else n_classes
    _refuse_labels_beyond(int(places.min()), int(places.max()), n_classes)
    return places, np.arange(n_classes)


def _refuse_labels_beyond(lowest: int, highest: int, n_classes: int) -> None:
    check_int("n_classes", n_classes, 1)
    if lowest < 0 or highest >= n_classes:
        raise DataError(
            f"y holds labels from {lowest} to {highest}: expected 0 to {n_classes - 1} "
            f"(n_classes={n_classes})."
        )


def _labels_in_memory(targets: Any) -> Indices:
    return np.asarray(targets.cpu().numpy() if is_tensor(targets) else targets)


def _partners_within(rng: np.random.Generator, labels: Indices) -> Indices:
    """A permutation that keeps every row in its class."""
    partners = np.arange(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        partners[rows] = rng.permutation(rows)
    return partners


def _beside(rows: Any, values: Array) -> Any:
    """Numbers as a tensor on the device of rows, and of their type; arrays stay arrays."""
    if not is_tensor(rows):
        return values
    torch = import_torch("mixup of tensors")
    tensor = torch.as_tensor(values, device=rows.device)
    return tensor.to(rows.dtype) if tensor.is_floating_point() else tensor


def _mix(values: Any, partners: Indices, weights: Floats) -> Any:
    shape = (-1, *(1 for _ in values.shape[1:]))
    w = _beside(values, weights).reshape(shape)
    if not is_tensor(values):
        w = w.astype(values.dtype)
    return w * values + (1 - w) * values[_beside(values, partners)]


def _indicators(places: Any, n_classes: int, rows: Any) -> Any:
    """Shares (n, n_classes), 1 at each row's class."""
    if is_tensor(places):
        torch = import_torch("mixup of tensors")
        shares = torch.nn.functional.one_hot(places, n_classes)
        return shares.to(rows.dtype if is_tensor(rows) else torch.get_default_dtype())
    return np.eye(n_classes)[places]
