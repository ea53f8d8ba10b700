"""Forward gradients of torch functions and modules, against backpropagation."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

X = torch.randn(24, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = X.argmax(dim=1)


def small_net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def cross_entropy(net):
    return functional.cross_entropy(net(X), Y)


def backpropagated(loss, net) -> dict[str, torch.Tensor]:
    net.zero_grad()
    loss(net).backward()
    return {name: p.grad for name, p in net.named_parameters() if p.requires_grad}


def test_with_as_many_orthonormal_tangents_as_numbers_the_gradient_is_exact():
    net = small_net()
    n = sum(p.numel() for p in net.parameters())
    estimate = hw.train.forward_gradient(cross_entropy, net, n_tangents=n, directions="orthonormal")
    exact = backpropagated(cross_entropy, net)
    assert estimate.gradient.keys() == exact.keys()
    for name, gradient in exact.items():
        torch.testing.assert_close(estimate.gradient[name], gradient, rtol=1e-10, atol=1e-13)
    assert estimate.variance == 0
    assert estimate.squared_norm == pytest.approx(sum(float((g**2).sum()) for g in exact.values()))
    assert estimate.value == pytest.approx(cross_entropy(net).item())


def test_accumulated_gradients_train_a_network():
    net, generator = small_net(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        step = hw.train.accumulate_forward_gradient(cross_entropy, net, generator)
        optimizer.step()
        losses.append(step.value)
    assert np.mean(losses[-10:]) < 0.5 * losses[0]


def test_gradients_are_added_to_what_is_there():
    net, generator = small_net(), torch.Generator().manual_seed(0)
    first = hw.train.accumulate_forward_gradient(cross_entropy, net, generator)
    second = hw.train.accumulate_forward_gradient(cross_entropy, net, generator)
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, first.gradient[name] + second.gradient[name])
        assert not torch.equal(first.gradient[name], second.gradient[name])
