"""mixup: rows between rows, and targets between targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_int, check_positive
from .._core.results import RecordResult, RowNames, frame_of
from .._core.types import Array, Floats, Indices
from ..errors import DataError
from ..io.validation import LabelledArray, check_rows, check_target
from ..predict.targets import as_array, encode_classes
from ._torch import float_rows, import_torch, is_tensor

RandomState = int | np.random.Generator


@dataclass(frozen=True, eq=False, repr=False)
class MixedRows(RecordResult):
    """Rows between pairs of rows; row i is weights[i] X[i] + (1 - weights[i]) X[partners[i]].

    Attributes
    ----------
    X : ndarray, Tensor (n, ...) or data frame
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

    Examples
    --------
    >>> import hullwise as hw
    >>> mixed = hw.train.mixup([[0.0], [1.0]], ["a", "b"], alpha=1.0, random_state=0)
    >>> X, y, sample_weight = mixed.weighted_rows()
    >>> X.shape, y, bool(sample_weight.sum() == 2)
    ((4, 1), array(['a', 'b', 'b', 'a'], dtype='<U1'), True)
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

    def weighted_rows(self) -> tuple[Any, Any, Floats]:
        """The mixed rows twice, with the targets of either row and what each counts.

        For estimators that take hard labels and ``sample_weight``: with the cross-entropy, or with
        squares, that is the same loss.

        Returns
        -------
        (X, y, sample_weight)
            Of 2 n rows: ``model.fit(X, y, sample_weight=sample_weight)``.

        Raises
        ------
        DataError
            Nothing was mixed but X.
        """
        if self.targets is None:
            raise DataError("these rows were mixed without targets: pass y to mixup.")
        if is_tensor(self.targets):
            raise DataError("these rows are tensors: use y, or loss, which take them as they are.")
        labels = self.targets if self.classes is None else self.classes[self.targets]
        twice = np.tile(np.arange(len(self)), 2)
        X = self.X[twice] if isinstance(self.X, np.ndarray) else _frame_rows(self.X, twice)
        y = np.concatenate([labels, labels[self.partners]])
        return X, y, np.concatenate([self.weights, 1 - self.weights])

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
    X : array-like or data frame (n, d), or array or Tensor (n, ...)
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
        Of tensors for a tensor X, of its type and on its device; with a data frame for a frame.

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
    mixing adds nothing to the data's hull (`hullwise.locate` proves it, but for rows on the hull's
    very boundary, where float64 does not say). It may still lie where no rows are, such as the gap
    between classes.

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
    rows, table = _checked_rows(X)
    n = len(rows)
    check_positive("alpha", alpha)
    rng = _generator(random_state)
    targets, classes = (None, None) if y is None else _checked_targets(y, rows, n_classes)
    if within_class and classes is None:
        raise DataError("within_class=True needs class labels: y holds none.")
    weights = rng.beta(alpha, alpha, n) if per_row else np.full(n, rng.beta(alpha, alpha))
    if within_class:
        partners = _partners_within(rng, _labels_in_memory(targets))
    else:
        partners = rng.permutation(n)
    mixed = _in_frame(_mix(rows, partners, weights), table)
    if targets is None:
        return MixedRows(mixed, None, None, partners, weights)
    shares = targets if classes is None else _indicators(targets, len(classes), rows)
    return MixedRows(mixed, _mix(shares, partners, weights), targets, partners, weights, classes)


def _generator(random_state: RandomState) -> np.random.Generator:
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(check_int("random_state", random_state, 0))


def _checked_rows(X: Any) -> tuple[Any, LabelledArray | None]:
    """Rows of floats, and the table that they came from where columns may have names."""
    if is_tensor(X):
        return float_rows(import_torch("mixup of tensors"), X, "X"), None
    if isinstance(X, np.ndarray) and X.ndim > 2:
        flat = check_rows(X.reshape(len(X), -1), name="X").values
        return _as_floats(flat).reshape(X.shape), None
    try:
        table = check_rows(X, name="X")
    except DataError as error:
        if not _holds_words(X):
            raise
        raise DataError(
            f"{error.problem_text().removesuffix('.')}; there is no row between two words. To mix "
            "all columns, mix the coordinates of a Domain (domain.fitted_.values)."
        ) from None
    return _as_floats(table.values), table


def _as_floats(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _holds_words(X: Any) -> bool:
    return any(isinstance(value, str) for value in np.asarray(X, dtype=object).ravel())


def _checked_targets(y: Any, rows: Any, n_classes: int | None) -> tuple[Any, Array | None]:
    """Targets as numbers, or as places among the classes, and the classes; beside the rows."""
    values = y.detach().cpu().numpy() if is_tensor(y) else as_array(y)
    if values.ndim == 0 or len(values) != len(rows):
        raise DataError(
            f"X has {len(rows)} rows, y has shape {values.shape}: expected a target for each."
        )
    if values.dtype.kind in "fc":
        return _beside(rows, check_target(values, len(rows))), None
    places, classes = _encoded(values, n_classes, from_zero=is_tensor(y))
    return _beside(rows, places), classes


def _encoded(labels: Array, n_classes: int | None, *, from_zero: bool) -> tuple[Indices, Array]:
    """Places of the labels among the classes, and the classes; those of tensors count from 0."""
    if n_classes is None and not from_zero:
        classes, places = encode_classes(labels)
        return places, classes
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise DataError(
            f"y has shape {labels.shape} and type {labels.dtype}: expected labels 0, 1, ... for "
            "n_classes; leave it out for other labels."
        )
    lowest, highest = int(labels.min()), int(labels.max())
    count = highest + 1 if n_classes is None else check_int("n_classes", n_classes, 1)
    if lowest < 0 or highest >= count:
        raise DataError(
            f"y holds labels from {lowest} to {highest}: expected 0 to {count - 1} "
            f"(n_classes={n_classes})."
        )
    return labels.astype(np.intp), np.arange(count)


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
    tensor = torch.as_tensor(np.require(values, requirements="W"), device=rows.device)
    return tensor.to(rows.dtype) if tensor.is_floating_point() else tensor


def _mix(values: Any, partners: Indices, weights: Floats) -> Any:
    shape = (-1, *(1 for _ in values.shape[1:]))
    w = _beside(values, weights).reshape(shape)
    if not is_tensor(values):
        w = w.astype(values.dtype)
    return w * values + (1 - w) * values[_beside(values, partners)]


def _indicators(places: Any, n_classes: int, rows: Any) -> Any:
    """Shares (n, n_classes), 1 at each row's class."""
    if not is_tensor(places):
        return np.eye(n_classes)[places]
    torch = import_torch("mixup of tensors")
    return torch.nn.functional.one_hot(places, n_classes).to(rows.dtype)


def _in_frame(values: Any, table: LabelledArray | None) -> Any:
    """Mixed rows as a data frame of the library that the rows came in, or as they are."""
    if table is None or table.columns is None or table.frame_library is None:
        return values
    columns = {name: values[:, j] for j, name in enumerate(table.columns)}
    return frame_of(columns, RowNames(None, table.frame_library))


def _frame_rows(frame: Any, rows: Indices) -> Any:
    import narwhals as nw

    return nw.from_native(frame, eager_only=True)[rows].to_native()
