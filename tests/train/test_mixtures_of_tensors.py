"""mixup of torch tensors."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3


def test_tensors_are_mixed_as_arrays_are():
    mixed = hw.train.mixup(X, LABELS, alpha=1.0, per_row=True, random_state=0)
    arrays = hw.train.mixup(X.numpy(), LABELS.numpy(), alpha=1.0, per_row=True, random_state=0)
    assert mixed.X.dtype == mixed.y.dtype == torch.float32
    assert mixed.X.numpy() == pytest.approx(arrays.X, abs=1e-6)
    assert mixed.y.numpy() == pytest.approx(arrays.y, abs=1e-6)


@pytest.mark.parametrize("per_row", [False, True])
def test_the_loss_is_the_cross_entropy_of_the_mixed_targets(per_row):
    mixed = hw.train.mixup(X, LABELS, per_row=per_row, random_state=0)
    outputs = torch.randn(12, 3, requires_grad=True)
    soft = torch.nn.functional.cross_entropy(outputs, mixed.y)
    each = torch.nn.CrossEntropyLoss(reduction="none")
    assert mixed.loss(each, outputs).item() == pytest.approx(soft.item(), rel=1e-5)
    if not per_row:
        mean = mixed.loss(torch.nn.CrossEntropyLoss(), outputs)
        assert mean.item() == pytest.approx(soft.item(), rel=1e-5)


def test_the_loss_of_squares_has_the_gradient_of_the_mixed_targets():
    y = X[:, :2] * 2
    mixed = hw.train.mixup(X, y, per_row=True, random_state=0)
    outputs = torch.randn(12, 2, requires_grad=True)
    each = torch.nn.MSELoss(reduction="none")
    (by_pairs,) = torch.autograd.grad(mixed.loss(each, outputs), outputs)
    (by_mixture,) = torch.autograd.grad(torch.nn.functional.mse_loss(outputs, mixed.y), outputs)
    assert torch.allclose(by_pairs, by_mixture, atol=1e-6)


def test_a_batch_without_a_class_needs_their_number():
    mixed = hw.train.mixup(X, torch.zeros(12, dtype=torch.long), n_classes=5, random_state=0)
    assert mixed.y.shape == (12, 5)


def test_gradients_pass_through_mixed_rows():
    rows = X.clone().requires_grad_()
    hw.train.mixup(rows, random_state=0).X.sum().backward()
    assert torch.allclose(rows.grad, torch.ones_like(rows))


def test_targets_follow_the_rows():
    assert hw.train.mixup(X, LABELS.numpy(), random_state=0).y.dtype == torch.float32
    assert hw.train.mixup(X, X[:, 0].double(), random_state=0).y.dtype == torch.float32
    assert isinstance(hw.train.mixup(X.numpy(), LABELS, random_state=0).y, np.ndarray)


@pytest.mark.parametrize(
    ("rows", "y", "error", "words"),
    [
        (X.long(), None, hw.DataTypeError, "int64: expected floats"),
        (X / 0, None, hw.DataError, "NaN or infinite"),
        (X, LABELS[:5], hw.DataError, "y has shape"),
        (X, LABELS - 1, hw.DataError, "labels from -1"),
        (X, LABELS[:, None], hw.DataError, "expected labels"),
    ],
)
def test_tensors_that_cannot_be_mixed_are_refused(rows, y, error, words):
    with pytest.raises(error, match=words):
        hw.train.mixup(rows, y, random_state=0)


def test_tensors_are_not_repeated_with_weights():
    with pytest.raises(hw.DataError, match="are tensors"):
        hw.train.mixup(X, LABELS, random_state=0).weighted_rows()


def test_targets_that_are_read_only_are_copied():
    y = np.linspace(0, 1, 12)
    y.flags.writeable = False
    assert hw.train.mixup(X, y, random_state=0).y.shape == (12,)
