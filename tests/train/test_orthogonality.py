"""The orthogonality penalty against closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
nn = torch.nn


def net_of_two() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).double()


def mean_squared_cosine(W: np.ndarray) -> float:
    """By a loop over pairs."""
    pairs = [(a, b) for i, a in enumerate(W) for j, b in enumerate(W) if i != j]
    return float(np.mean([(a @ b) ** 2 / (a @ a) / (b @ b) for a, b in pairs]))


def test_it_is_the_mean_squared_cosine_of_pairs_of_rows():
    net = net_of_two()
    first, last = (mean_squared_cosine(net[i].weight.detach().numpy()) for i in (0, 2))
    penalty = hw.train.orthogonality_penalty
    assert penalty(net).item() == pytest.approx(last, rel=1e-12)
    assert penalty(net, layers="hidden").item() == pytest.approx(first, rel=1e-12)
    assert penalty(net, layers="all").item() == pytest.approx(first + last, rel=1e-12)
    assert penalty(net, layers=["0"]).item() == pytest.approx(first, rel=1e-12)
    assert penalty(net, layers="0").item() == pytest.approx(first, rel=1e-12)


def test_orthogonal_rows_cost_nothing_and_equal_ones_1():
    layer = nn.Linear(3, 3).double()
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.tensor([1.0, -5.0, 0.1])))
    assert hw.train.orthogonality_penalty(layer).item() == pytest.approx(0.0, abs=1e-15)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 3))
    assert hw.train.orthogonality_penalty(layer).item() == pytest.approx(1.0, rel=1e-12)


def test_more_rows_than_dimensions_come_down_to_the_welch_bound():
    torch.manual_seed(0)
    layer = nn.Linear(2, 5).double()
    optimiser = torch.optim.SGD(layer.parameters(), lr=2.0)
    for _ in range(500):
        optimiser.zero_grad()
        hw.train.orthogonality_penalty(layer).backward()
        optimiser.step()
    bound = (5 - 2) / (2 * (5 - 1))
    assert hw.train.orthogonality_penalty(layer).item() == pytest.approx(bound, rel=1e-6)


def test_filters_of_a_convolution_are_rows_and_other_groups_are_orthogonal():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, groups=2).double()
    W = conv.weight.detach().numpy().reshape(6, -1)
    whole = np.zeros((6, 2, W.shape[1]))
    whole[:3, 0], whole[3:, 1] = W[:3], W[3:]
    expected = mean_squared_cosine(whole.reshape(6, -1))
    assert hw.train.orthogonality_penalty(conv).item() == pytest.approx(expected, rel=1e-12)


def test_one_row_has_no_angles():
    assert hw.train.orthogonality_penalty(nn.Linear(3, 1)).item() == 0.0


def test_a_row_of_zeros_gives_a_finite_gradient():
    layer = nn.Linear(3, 3).double()
    with torch.no_grad():
        layer.weight[1] = 0.0
    hw.train.orthogonality_penalty(layer).backward()
    assert torch.isfinite(layer.weight.grad).all()


@pytest.mark.parametrize(
    "layer", [nn.Linear(4, 3), nn.Conv2d(2, 4, 2, groups=2), nn.Conv1d(2, 3, 2)]
)
def test_gradients_are_those_of_finite_differences(layer):
    torch.manual_seed(1)
    layer = layer.double()
    shape = layer.weight.shape

    def penalty(weight):
        changed = type(layer).__new__(type(layer))
        changed.__dict__.update(layer.__dict__)
        changed._parameters = {**layer._parameters, "weight": weight}
        return hw.train.orthogonality_penalty(changed)

    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(penalty, (weight,))


@pytest.mark.parametrize(
    ("module", "layers", "words"),
    [
        (nn.Sequential(nn.ReLU()), "last", "no Linear or convolutional layer"),
        (nn.Linear(2, 2), "hidden", "the only layer"),
        (nn.Linear(2, 2), "first", "expected 'last', 'hidden', 'all' or names"),
        (nn.Linear(2, 2), [], "expected 'last'"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), ["1"], "which are '0'"),
        (np.eye(2), "last", "expected a torch.nn.Module"),
    ],
)
def test_what_has_no_such_layer_is_refused(module, layers, words):
    with pytest.raises(hw.ModelError, match=words):
        hw.train.orthogonality_penalty(module, layers=layers)
