"""Distillation: a small network that learns the outputs of a teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.options import check_int, check_positive
from .._core.results import RecordResult
from .._core.types import Array, Floats, Indices, Progress
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ..io.validation import check_rows, check_target
from ..predict.targets import as_array
from ._torch import check_module, float_rows, import_torch, is_tensor
from .soft_targets import check_distillation, distillation_loss, module_outputs, teacher_outputs


@dataclass(frozen=True, eq=False, repr=False)
class Distillation(RecordResult):
    """A student that has learnt from its teacher.

    Attributes
    ----------
    student : torch.nn.Module
        The one that was passed, trained, and at rest.
    losses : ndarray (epochs,)
        Mean loss of each pass over the rows.
    task : str
        "classification" or "regression".
    classes : ndarray (k,) or None
        What the columns of the student's outputs stand for: the teacher's `classes_`, or 0, 1, ...

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> from sklearn.linear_model import LinearRegression
    >>> X = [[0.0], [1.0], [2.0]]
    >>> teacher, student = LinearRegression().fit(X, [1.0, 3.0, 5.0]), torch.nn.Linear(1, 1)
    >>> result = hw.train.distill(student, teacher, X, epochs=500, learning_rate=0.1)
    >>> result.predict([[3.0]]).round(2)
    array([7.], dtype=float32)
    """

    student: Any
    losses: Floats
    task: str
    classes: Array | None = None

    def predict(self, X: Any) -> Array:
        """Labels, or numbers (n,) or (n, t), that the student answers."""
        torch = import_torch("the student")
        outputs = module_outputs(torch, self.student, _student_rows(torch, X, self.student))
        outputs = np.asarray(outputs.cpu().numpy())
        if self.classes is not None:
            return np.asarray(self.classes[outputs.argmax(axis=1)])
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs

    def __repr__(self) -> str:
        return (
            f"Distillation({type(self.student).__name__}, {self.task}, loss {self.losses[0]:.3g} "
            f"to {self.losses[-1]:.3g} in {len(self.losses)} epochs)"
        )


def distill(
    student: Any,
    teacher: Any,
    X: Any,
    y: Any = None,
    *,
    student_X: Any = None,
    temperature: float = 2.0,
    hard_weight: float = 0.1,
    task: str | None = None,
    epochs: int = 100,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Distillation:
    """Train a student on the outputs of a teacher, with Adam.

    A loop of one's own with `teacher_outputs` and `distillation_loss` does the same.

    Parameters
    ----------
    student : torch.nn.Module
        Answers (n, k) logits, or numbers. It is trained where it stands.
    teacher : torch.nn.Module, or fitted estimator
        As in `teacher_outputs`.
    X : rows, as the teacher takes them
        Labels are not needed: rows without any will do.
    y : array-like (n,), optional
        Labels (those of the teacher's `classes_`, else 0, 1, ...), or numbers.
    student_X : rows, optional
        What the student sees of the same rows, where that is not X: the coordinates of a table.
    temperature, hard_weight : float
        As in `distillation_loss`.
    task : {"classification", "regression"}, optional
        Unless told, that of the estimator; for a torch teacher that of y, whose floats are numbers.
    epochs, batch_size : int
    learning_rate : float
    random_state : int
        Of the order of rows, and of dropout.
    progress : callable, optional
        Called with (epochs done, epochs in all, "distilling").

    Returns
    -------
    Distillation
        The student, its losses, and `predict`.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    ModelError
        Models that cannot be a teacher or student.
    DataError, DataTypeError
        As `distillation_loss`; no task can be told; a label that the teacher has not seen.

    Notes
    -----
    The teacher answers once: O(epochs n) passes of the student. Torch's own random numbers are
    left as they were.

    Source: G. Hinton, O. Vinyals, J. Dean, *Distilling the knowledge in a neural network*, 2015.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import numpy as np
    >>> import hullwise as hw
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X, X[:, 0] > 0)
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> result = hw.train.distill(net, forest, X, epochs=60, learning_rate=0.01)
    >>> bool((result.predict(X) == forest.predict(X)).mean() > 0.95)
    True
    """
    torch = import_torch("distill")
    check_module(torch, student)
    epochs, batch_size = check_int("epochs", epochs, 1), check_int("batch_size", batch_size, 1)
    check_positive("learning_rate", learning_rate)
    task = _task_of(torch, teacher, y) if task is None else task
    check_distillation(temperature, hard_weight, task)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_int("random_state", random_state, 0))
        rows = _student_rows(torch, X if student_X is None else student_X, student)
        soft = _checked_outputs(torch, teacher_outputs(teacher, X), rows, task)
        classes = _classes(teacher, soft) if task == "classification" else None
        hard = None if y is None else _student_targets(torch, y, classes, soft)
        optimiser = torch.optim.Adam(student.parameters(), lr=learning_rate)
        training = _StudentTraining(
            student, rows, soft, hard, temperature, hard_weight, task, optimiser
        )
        student.train()
        losses = np.empty(epochs)
        for epoch in range(epochs):
            if progress is not None:
                progress(epoch, epochs, "distilling")
            losses[epoch] = training.through(torch.randperm(len(rows)).split(batch_size))
        student.eval()
    if progress is not None:
        progress(epochs, epochs, "distilling")
    return Distillation(student, losses, task, classes)


@dataclass(eq=False)
class _StudentTraining:
    """What a student is trained on, and its optimiser."""

    student: Any
    rows: Any
    soft: Any
    hard: Any
    temperature: float
    hard_weight: float
    task: str
    optimiser: Any

    def through(self, batches: Any) -> float:
        """Train on each batch; the mean loss of the rows."""
        total = 0.0
        for batch in batches:
            self.optimiser.zero_grad()
            outputs = _shaped_like(self.student(self.rows[batch]), self.soft[batch], self.student)
            loss = distillation_loss(
                outputs,
                self.soft[batch],
                None if self.hard is None else self.hard[batch],
                temperature=self.temperature,
                hard_weight=self.hard_weight,
                task=self.task,
            )
            loss.backward()
            self.optimiser.step()
            total += float(loss.detach()) * len(batch)
        return total / len(self.rows)


def _task_of(torch: Any, teacher: Any, y: Any) -> str:
    if not isinstance(teacher, torch.nn.Module):
        is_classifier = hasattr(teacher, "predict_proba") or hasattr(teacher, "classes_")
        return "classification" if is_classifier else "regression"
    if y is None:
        raise DataError(
            "of a torch teacher nothing says whether its outputs are logits or numbers: pass "
            "task='classification' or task='regression', or y."
        )
    is_float = y.is_floating_point() if is_tensor(y) else as_array(y).dtype.kind == "f"
    return "regression" if is_float else "classification"


def _student_rows(torch: Any, X: Any, student: Any) -> Any:
    if not is_tensor(X) and not (isinstance(X, np.ndarray) and X.ndim > 2):
        X = check_rows(X).values
    return float_rows(torch, X, "X", student)


def _checked_outputs(torch: Any, soft: Any, rows: Any, task: str) -> Any:
    """The teacher's outputs (n, k), of the type of the student's rows."""
    if not isinstance(soft, torch.Tensor) or soft.ndim == 0:
        raise ModelError(f"the teacher answers with {type_of(soft)}: expected a tensor.")
    if len(soft) != len(rows):
        raise DataError(f"the teacher answers {len(soft)} rows, the student sees {len(rows)}.")
    if task == "classification" and (soft.ndim != 2 or soft.shape[1] < 2):
        raise ModelError(
            f"the teacher answers with shape {tuple(soft.shape)}: expected a logit for each of at "
            "least two classes, (n, k); of numbers pass task='regression'."
        )
    return soft.to(rows).reshape(len(soft), -1) if task == "regression" else soft.to(rows)


def _classes(teacher: Any, soft: Any) -> Array:
    return np.asarray(getattr(teacher, "classes_", np.arange(soft.shape[1])))


def _student_targets(torch: Any, y: Any, classes: Array | None, soft: Any) -> Any:
    """Places of labels among the classes, or numbers shaped like the teacher's."""
    values = check_target(y.detach().cpu().numpy() if is_tensor(y) else as_array(y), len(soft))
    if classes is None:
        numbers = torch.as_tensor(check_rows(values.reshape(len(values), -1), name="y").values)
        return numbers.to(soft).reshape(soft.shape)
    if values.ndim == 2:
        return torch.as_tensor(values).to(soft)
    places = {label: place for place, label in enumerate(classes.tolist())}
    unknown = [label for label in values.tolist() if label not in places]
    if unknown:
        raise DataError(
            f"y holds the label {unknown[0]!r}, which is none of the teacher's: "
            f"{', '.join(map(repr, list(places)[:8]))}."
        )
    codes: Indices = np.array([places[label] for label in values.tolist()], dtype=np.intp)
    return torch.as_tensor(codes)


def _shaped_like(outputs: Any, soft: Any, student: Any) -> Any:
    """A student's numbers (n,) as (n, 1), where the teacher's are."""
    if getattr(outputs, "ndim", 0) == 1 and soft.ndim == 2 and soft.shape[1] == 1:
        return outputs[:, None]
    if getattr(outputs, "shape", None) != soft.shape:
        raise ModelError(
            f"this {type(student).__name__} answers {len(soft)} rows with shape "
            f"{tuple(getattr(outputs, 'shape', ()))}, the teacher with {tuple(soft.shape)}: "
            "expected the same."
        )
    return outputs
