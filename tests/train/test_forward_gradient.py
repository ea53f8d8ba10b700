"""Forward gradients of torch functions and modules, against backpropagation and theory."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import hullwise as hw
from hullwise.train._direction_theory import relative_variance

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

X = torch.randn(24, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = X.argmax(dim=1)


def small_net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def awkward_net():
    """In-place units, running means, dropout: in training mode."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Linear(3, 5), nn.ReLU(inplace=True), nn.BatchNorm1d(5), nn.Dropout(0.3), nn.Linear(5, 3)
    ).double()


def cross_entropy(net):
    return functional.cross_entropy(net(X), Y)


def row_losses(net):
    return functional.cross_entropy(net(X), Y, reduction="none")


def backpropagated(loss, net):
    """Gradients by name, from the random numbers that the next call would draw too."""
    state = torch.get_rng_state()
    net = copy.deepcopy(net)
    loss(net).backward()
    torch.set_rng_state(state)
    return {name: p.grad for name, p in net.named_parameters()}


def squared_distance(a, b):
    return sum(float((a[name] - b[name]).square().sum()) for name in b)


def assert_gradients_are(gradients, expected):
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [small_net, awkward_net])
@pytest.mark.parametrize("perturb", ["weights", "activations"])
def test_with_as_many_orthonormal_tangents_as_numbers_the_gradient_is_exact(make, perturb):
    net = make()
    units = sum(p.numel() for name, p in net.named_parameters() if name.endswith("bias"))
    n = sum(p.numel() for p in net.parameters()) if perturb == "weights" else len(X) * units
    exact = backpropagated(cross_entropy, net)
    estimate = hw.train.forward_gradient(
        cross_entropy, net, n_tangents=n, directions="orthonormal", perturb=perturb
    )
    assert estimate.n_perturbed == n
    assert_gradients_are(estimate.gradient, exact)
    assert estimate.variance == pytest.approx(0, abs=1e-20)
    assert estimate.squared_norm == pytest.approx(
        sum(float(g.square().sum()) for g in exact.values())
    )


def test_a_loss_for_each_row_needs_as_many_tangents_as_one_row_has_outputs():
    net = small_net()
    estimate = hw.train.forward_gradient(
        row_losses, net, n_tangents=7, directions="orthonormal", perturb="activations"
    )
    assert estimate.derivatives.shape == (7, len(X))
    assert estimate.value == pytest.approx(cross_entropy(net).item())
    assert_gradients_are(estimate.gradient, backpropagated(cross_entropy, net))


@pytest.mark.parametrize("directions", ["rademacher", "gaussian", "orthonormal"])
@pytest.mark.parametrize("n_tangents", [1, 4])
def test_mean_and_variance_are_those_of_theory(directions, n_tangents):
    """Of 1,000 estimates the mean is the gradient, and the spread that of theory."""
    A = torch.tensor([[2.0, 0.3, 0.0], [0.3, 1.0, 0.5], [0.0, 0.5, 3.0]], dtype=torch.float64)
    point = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).repeat(4)

    def function(x):
        return sum(part @ A @ part for part in x.split(3)) / 2

    exact = torch.cat([A @ part for part in point.split(3)])
    generator = np.random.default_rng(7)
    estimates = [
        hw.train.forward_gradient(
            function, point, n_tangents=n_tangents, directions=directions, random_state=generator
        )
        for _ in range(1000)
    ]
    gradients = torch.stack([estimate.gradient for estimate in estimates])
    squared_norm = float(exact.square().sum())
    theory = relative_variance(directions, 12, n_tangents) * squared_norm
    errors = (gradients - exact).square().sum(dim=1)
    bias = float((gradients.mean(dim=0) - exact).square().sum())
    assert bias < 4 * theory / len(estimates)
    assert_mean_is(errors.numpy(), theory)
    assert_mean_is([estimate.variance for estimate in estimates], theory)
    assert_mean_is([estimate.squared_norm for estimate in estimates], squared_norm)


def assert_mean_is(values, expected):
    """Within four standard errors."""
    values = np.asarray(values)
    standard_error = values.std(ddof=1) / len(values) ** 0.5
    assert abs(values.mean() - expected) < 4 * standard_error + 1e-12 * abs(expected)


@pytest.mark.parametrize("loss", [cross_entropy, row_losses])
@pytest.mark.parametrize("directions", ["rademacher", "gaussian", "orthonormal"])
def test_the_error_of_perturbed_activations_is_the_one_estimated(loss, directions):
    net = small_net()
    exact = backpropagated(cross_entropy, net)
    estimates = [
        hw.train.forward_gradient(
            loss, net, n_tangents=3, directions=directions, perturb="activations", random_state=i
        )
        for i in range(200)
    ]
    errors = [squared_distance(estimate.gradient, exact) for estimate in estimates]
    assert_mean_is(np.subtract(errors, [estimate.variance for estimate in estimates]), 0)
    assert_mean_is(
        [estimate.squared_norm for estimate in estimates],
        sum(float(g.square().sum()) for g in exact.values()),
    )


def test_a_loss_for_each_row_is_less_noisy_than_their_mean():
    net = small_net()
    exact = backpropagated(cross_entropy, net)

    def mean_error(loss):
        return np.mean(
            [
                squared_distance(
                    hw.train.forward_gradient(
                        loss, net, perturb="activations", random_state=i
                    ).gradient,
                    exact,
                )
                for i in range(50)
            ]
        )

    assert mean_error(row_losses) < 0.5 * mean_error(cross_entropy)


def test_layers_called_twice_and_shared_weights_count_each_time():
    torch.manual_seed(0)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
            self.outer.weight = self.inner.weight

        def forward(self, x):
            return self.outer(torch.tanh(self.inner(torch.tanh(self.inner(x)))))

    net = Twice().double()
    exact = backpropagated(cross_entropy, net)
    for perturb, n in (("weights", 12), ("activations", 9 * len(X))):
        estimate = hw.train.forward_gradient(
            cross_entropy, net, n_tangents=n, directions="orthonormal", perturb=perturb
        )
        assert_gradients_are(estimate.gradient, exact)


def test_convolutions_and_embeddings():
    torch.manual_seed(0)
    images = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 1)
    ).double()

    def loss(net):
        return net(images).square().mean()

    exact = backpropagated(loss, net)
    for perturb, n in (("weights", 29), ("activations", 2 * (32 + 1))):
        estimate = hw.train.forward_gradient(
            loss, net, n_tangents=n, directions="orthonormal", perturb=perturb
        )
        assert_gradients_are(estimate.gradient, exact)


def test_what_is_frozen_stays_out():
    net = small_net()
    net[0].requires_grad_(False)
    for perturb in ("weights", "activations"):
        estimate = hw.train.forward_gradient(cross_entropy, net, perturb=perturb)
        assert list(estimate.gradient) == ["2.weight", "2.bias"]


def test_running_means_move_once_and_random_numbers_are_those_of_one_pass():
    net, once = awkward_net(), awkward_net()
    torch.manual_seed(9)
    once_loss = cross_entropy(once).item()
    after = torch.rand(1)
    for perturb in ("weights", "activations"):
        again = copy.deepcopy(net)
        torch.manual_seed(9)
        estimate = hw.train.forward_gradient(cross_entropy, again, n_tangents=5, perturb=perturb)
        assert torch.equal(torch.rand(1), after)
        assert estimate.value == pytest.approx(once_loss)
        for buffer, expected in zip(again.buffers(), once.buffers()):
            torch.testing.assert_close(buffer, expected)
        assert all(p.grad is None for p in again.parameters())


def test_trees_of_tensors():
    tree = {"a": torch.ones(2), "b": [torch.ones(()), (torch.ones(1, 2),)]}

    def function(t):
        return t["a"].sum() * t["b"][0] + 2 * t["b"][1][0].sum()

    estimate = hw.train.forward_gradient(function, tree, n_tangents=5, directions="orthonormal")
    torch.testing.assert_close(estimate.gradient["a"], torch.ones(2))
    torch.testing.assert_close(estimate.gradient["b"][0], torch.tensor(2.0))
    torch.testing.assert_close(estimate.gradient["b"][1][0], 2 * torch.ones(1, 2))
    assert isinstance(estimate.gradient["b"][1], tuple)


def test_a_loss_may_differentiate_by_itself():
    """As a penalty on the gradient with respect to the inputs does."""
    net = small_net()

    def loss(net):
        rows = X.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(rows).square().sum(), rows, create_graph=True)
        return slope.square().mean()

    n = sum(p.numel() for p in net.parameters())
    estimate = hw.train.forward_gradient(loss, net, n_tangents=n, directions="orthonormal")
    assert_gradients_are(estimate.gradient, backpropagated(loss, net))


def test_the_same_state_draws_the_same_and_generators_go_on():
    net = small_net()
    first, second = (hw.train.forward_gradient(cross_entropy, net) for _ in range(2))
    assert_gradients_are(first.gradient, second.gradient)
    for generator in (np.random.default_rng(0), torch.Generator().manual_seed(0)):
        first, second = (
            hw.train.forward_gradient(cross_entropy, net, random_state=generator) for _ in range(2)
        )
        assert first.derivatives != pytest.approx(second.derivatives)


def test_text():
    net = small_net()
    one = hw.train.forward_gradient(cross_entropy, net, perturb="activations")
    assert "how far off takes two tangents to say" in repr(one)
    two = hw.train.forward_gradient(cross_entropy, net, n_tangents=2)
    assert "31 parameters, 2 rademacher tangents: |grad| about" in repr(two)
    assert two.norm == pytest.approx(two.squared_norm**0.5)
    assert two.error == pytest.approx((30 / 2) ** 0.5 * two.norm)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("perturb", ["weights", "activations"])
def test_modes_without_gradients_do_not_matter(mode, perturb):
    net = small_net()
    with mode():
        inside = hw.train.forward_gradient(cross_entropy, net, perturb=perturb)
    outside = hw.train.forward_gradient(cross_entropy, net, perturb=perturb)
    assert_gradients_are(inside.gradient, outside.gradient)
