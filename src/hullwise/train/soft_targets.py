"""What a teacher answers, and how far a student's answers are from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_fraction, check_positive
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ._torch import float_rows, import_torch, is_tensor

LEAST_PROBABILITY = 1e-6  # of a teacher's: one of exactly 0 has no logarithm
DISTILLATION_TASKS = ("classification", "regression")


def distillation_loss(
    outputs: Any,
    teacher_outputs: Any,
    targets: Any = None,
    *,
    temperature: float = 2.0,
    hard_weight: float = 0.1,
    task: str = "classification",
) -> Any:
    """How far a student's outputs are from its teacher's, and from the targets.

    Parameters
    ----------
    outputs : Tensor (n, k), or (n,) for a regression
        Logits, or numbers, of the student.
    teacher_outputs : Tensor, as `outputs`
        Those of the teacher, from `teacher_outputs` or of one's own; no gradient goes there.
    targets : Tensor (n,) or (n, k), optional
        Labels 0, ..., k - 1, or shares of the classes as of `mixup`; numbers for a regression.
    temperature : float
        By which logits are divided before they become probabilities: above 1 the teacher's small
        probabilities count for more.
    hard_weight : float
        Of the loss to the targets, from 0 to 1; the teacher's has the rest. Without targets the
        teacher has all.
    task : {"classification", "regression"}

    Returns
    -------
    Tensor ()
        Classes: temperature^2 times the Kullback-Leibler divergence of the softened probabilities,
        and the cross-entropy to the targets. Numbers: means of squares.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    DataError, DataTypeError
        Tensors of other shapes or whole numbers, NaN, infinity, a temperature of 0 or less.

    Notes
    -----
    The factor temperature^2 keeps the size of the gradient the same at every temperature. In the
    limit of high ones it is that of squares between centred logits.

    Source: G. Hinton, O. Vinyals, J. Dean, *Distilling the knowledge in a neural network*, 2015,
    section 2.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> teacher = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> float(hw.train.distillation_loss(teacher.clone(), teacher))
    0.0
    >>> loss = hw.train.distillation_loss(torch.zeros(2, 2), teacher, torch.tensor([0, 1]))
    >>> round(float(loss), 3)
    0.324
    """
    torch = import_torch("distillation_loss")
    check_distillation(temperature, hard_weight, task)
    outputs = float_rows(torch, outputs, "outputs")
    soft = float_rows(torch, teacher_outputs, "teacher_outputs").detach().to(outputs)
    if soft.shape != outputs.shape:
        raise DataError(
            f"outputs have shape {tuple(outputs.shape)}, teacher_outputs {tuple(soft.shape)}: "
            "expected the same."
        )
    if task == "classification" and (outputs.ndim != 2 or outputs.shape[1] < 2):
        raise DataError(
            f"outputs have shape {tuple(outputs.shape)}: expected a logit for each of at least two "
            "classes, (n, k); of numbers pass task='regression'."
        )
    with own_errors("computing the distillation loss"):
        from_teacher = _soft_loss(torch, outputs, soft, temperature, task)
        if targets is None:
            return from_teacher
        hard = _hard_targets(torch, targets, outputs, task)
        functions = torch.nn.functional
        to_targets = functions.cross_entropy if task == "classification" else functions.mse_loss
        return (1 - hard_weight) * from_teacher + hard_weight * to_targets(outputs, hard)


def check_distillation(temperature: float, hard_weight: float, task: str) -> None:
    """DataError for options that the loss does not take."""
    check_positive("temperature", temperature)
    check_fraction("hard_weight", hard_weight, ends=True)
    if task not in DISTILLATION_TASKS:
        raise DataError(f"task={task!r}: expected 'classification' or 'regression'.")


def _soft_loss(torch: Any, outputs: Any, soft: Any, temperature: float, task: str) -> Any:
    if task == "regression":
        return (outputs - soft).square().mean()
    student = torch.log_softmax(outputs / temperature, dim=1)
    teacher = torch.log_softmax(soft / temperature, dim=1)
    divergence = (teacher.exp() * (teacher - student)).sum(dim=1).mean()
    return temperature**2 * divergence


def _hard_targets(torch: Any, targets: Any, outputs: Any, task: str) -> Any:
    hard = targets if is_tensor(targets) else torch.as_tensor(targets)
    hard = hard.to(outputs.device)
    if hard.is_floating_point():
        hard = float_rows(torch, hard, "targets").to(outputs)
    elif task == "regression":
        hard = hard.to(outputs)
    else:
        hard = hard.long()
    is_labels = task == "classification" and not hard.is_floating_point()
    expected = tuple(outputs.shape[:1]) if is_labels else tuple(outputs.shape)
    if tuple(hard.shape) != expected:
        raise DataError(f"targets have shape {tuple(hard.shape)}: expected {expected}.")
    if is_labels and not 0 <= int(hard.min()) <= int(hard.max()) < outputs.shape[1]:
        raise DataError(
            f"targets hold labels from {int(hard.min())} to {int(hard.max())}: expected 0 to "
            f"{outputs.shape[1] - 1}, the outputs' columns."
        )
    return hard


def teacher_outputs(teacher: Any, X: Any) -> Any:
    """What a teacher answers, as a tensor for `distillation_loss`.

    Parameters
    ----------
    teacher : torch.nn.Module, or fitted estimator
        A module's outputs are taken as they are, at rest (its mode is put back). Of a classifier
        with `predict_proba`, such as scikit-learn's, the logarithms of its probabilities, in the
        order of `classes_`; of a regressor what it predicts, (n, t).
    X : rows, as the teacher takes them

    Returns
    -------
    Tensor (n, k)
        Without gradients.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    ModelError
        For what is neither, and classifiers without `predict_proba`.

    Notes
    -----
    A probability of 0, which the votes of a forest often are, counts as 1e-6.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> from sklearn.dummy import DummyClassifier
    >>> teacher = DummyClassifier(strategy="prior").fit([[0], [1], [2], [3]], [0, 1, 1, 1])
    >>> hw.train.teacher_outputs(teacher, [[0.0]]).exp()
    tensor([[0.2500, 0.7500]], dtype=torch.float64)
    """
    torch = import_torch("teacher_outputs")
    if isinstance(teacher, torch.nn.Module):
        return module_outputs(torch, teacher, float_rows(torch, X, "X", teacher))
    if hasattr(teacher, "predict_proba"):
        probabilities = np.asarray(teacher.predict_proba(X), dtype=np.float64)
        return torch.as_tensor(np.log(np.maximum(probabilities, LEAST_PROBABILITY)))
    if hasattr(teacher, "classes_"):
        raise ModelError(
            f"this {type(teacher).__name__} is a classifier without predict_proba: probabilities "
            "are what a student learns; wrap it in CalibratedClassifierCV of scikit-learn."
        )
    if not hasattr(teacher, "predict"):
        raise ModelError(
            f"teacher is {type_of(teacher)}: expected a torch.nn.Module, or an estimator "
            "with predict_proba or predict."
        )
    numbers = np.asarray(teacher.predict(X), dtype=np.float64)
    return torch.as_tensor(numbers.reshape(len(numbers), -1))


def module_outputs(torch: Any, module: Any, rows: Any) -> Any:
    """The outputs of a module at rest; its parts are left in the mode that they were in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad(), own_errors("computing a module's outputs"):
            return module(rows)
    finally:
        for part, mode in modes:
            part.training = mode
