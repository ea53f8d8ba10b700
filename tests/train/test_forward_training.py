"""Training loops with forward gradients."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

X = torch.randn(24, 3, generator=torch.Generator().manual_seed(0))
Y = X.argmax(dim=1)


def small_net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))


def cross_entropy(net):
    return functional.cross_entropy(net(X), Y)


def test_gradients_are_added_to_what_is_there():
    net, generator = small_net(), torch.Generator().manual_seed(0)
    first = hw.train.accumulate_forward_gradient(cross_entropy, net, generator)
    before = {name: gradient.clone() for name, gradient in first.gradient.items()}
    second = hw.train.accumulate_forward_gradient(cross_entropy, net, generator)
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, first.gradient[name] + second.gradient[name])
        assert torch.equal(first.gradient[name], before[name])
        assert not torch.equal(first.gradient[name], second.gradient[name])


@pytest.mark.parametrize("perturb", ["weights", "activations"])
@pytest.mark.parametrize(("name", "rate"), [("SGD", 0.05), ("Adam", 0.02)])
def test_the_optimiser_trains(perturb, name, rate):
    net = small_net()
    optimizer = hw.train.ForwardGradientOptimizer(
        net, getattr(torch.optim, name)(net.parameters(), lr=rate), n_tangents=4, perturb=perturb
    )
    losses = [optimizer.step(lambda: cross_entropy(net)) for _ in range(200)]
    assert np.mean(losses[-10:]) < 0.6 * losses[0]
    assert optimizer.last.value == losses[-1]
    assert optimizer.last.perturb == perturb


def test_a_run_that_was_stopped_goes_on():
    def trained(stops):
        net = small_net()
        inner = torch.optim.Adam(net.parameters(), lr=0.02)
        optimizer = hw.train.ForwardGradientOptimizer(net, inner)
        for step in range(10):
            if step == stops:
                state = optimizer.state_dict()
                inner = torch.optim.Adam(net.parameters(), lr=0.5)
                optimizer = hw.train.ForwardGradientOptimizer(net, inner, random_state=5)
                optimizer.load_state_dict(state)
            optimizer.step(lambda: cross_entropy(net))
        return net[0].weight.detach()

    assert torch.equal(trained(5), trained(None))


def test_schedulers_act_on_the_optimiser_inside():
    net = small_net()
    inner = torch.optim.SGD(net.parameters(), lr=1.0)
    optimizer = hw.train.ForwardGradientOptimizer(net, inner)
    schedule = torch.optim.lr_scheduler.ExponentialLR(inner, 0.5)
    optimizer.step(lambda: cross_entropy(net))
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_refused_step_changes_nothing():
    net = small_net()
    before = [p.detach().clone() for p in net.parameters()]
    optimizer = hw.train.ForwardGradientOptimizer(
        net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    )
    with pytest.raises(hw.DataError, match="the loss is nan"):
        optimizer.step(lambda: cross_entropy(net) * float("nan"))
    assert all(torch.equal(p, b) for p, b in zip(net.parameters(), before))
