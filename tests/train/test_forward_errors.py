"""What a forward gradient cannot be taken of is refused with a sentence."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
nn = torch.nn

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


class Unforward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


def refused(error, match, loss, parameters=None, **options):
    net = nn.Linear(3, 2) if parameters is None else parameters
    with pytest.raises(error, match=match):
        hw.train.forward_gradient(loss, net, **options)


def mean(net):
    return net(X).square().mean()


@pytest.mark.parametrize("perturb", ["weights", "activations"])
@pytest.mark.parametrize(
    ("loss", "error", "match"),
    [
        (lambda net: net(X), hw.DataError, r"shape \(6, 2\): expected one number"),
        (lambda net: 1.0, hw.DataError, "the loss is a float: expected a tensor"),
        (lambda net: mean(net).detach(), hw.DataError, "does not depend on what is perturbed"),
        (lambda net: X.mean(), hw.DataError, "does not depend on what is perturbed"),
        (lambda net: mean(net).long(), hw.DataError, "int64: expected floating"),
        (lambda net: mean(net) / 0, hw.DataError, "the loss is inf"),
        (lambda net: mean(net) * float("nan"), hw.DataError, "the loss is nan"),
        (lambda net: Unforward.apply(net(X)).sum(), hw.ModelError, "no forward derivative here"),
        (
            lambda net: torch.cdist(net(X), net(X), p=3.0).sum(),
            hw.ModelError,
            "no forward derivative here .*_cdist_forward",
        ),
    ],
)
def test_losses_without_a_derivative(loss, error, match, perturb):
    refused(error, match, loss, perturb=perturb)


def test_a_loss_that_runs_backward():
    def loss(net):
        value = mean(net)
        value.backward()
        return value

    refused(hw.ModelError, "call no backward", loss)


def test_a_loss_that_changes_the_weights():
    def loss(net):
        net.weight.mul_(0.5)
        return mean(net)

    net = nn.Linear(3, 2)
    refused(hw.DataError, "changes the weights in place", loss, net)


def test_a_loss_that_differs_from_pass_to_pass():
    rng = np.random.default_rng(0)
    refused(
        hw.DataError,
        "in one pass and .* in the next with the same weights",
        lambda net: mean(net) * rng.uniform(),
        n_tangents=2,
    )


def test_an_error_of_the_callers_own_passes():
    def loss(net):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        hw.train.forward_gradient(loss, nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        hw.train.forward_gradient(lambda net: net(X.T).sum(), nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_tangents": 0}, "n_tangents=0: expected a whole number of at least 1"),
        ({"n_tangents": 1.5}, r"n_tangents=1\.5"),
        ({"directions": "sphere"}, "expected one of rademacher, gaussian, orthonormal"),
        ({"perturb": "units"}, "expected 'weights' or 'activations'"),
        ({"random_state": None}, "random_state=None"),
        ({"random_state": -1}, "random_state=-1"),
        (
            {"directions": "orthonormal", "n_tangents": 9},
            "n_tangents=9: only 8 directions .* with n_tangents=8 the gradient is exact",
        ),
        (
            {"directions": "orthonormal", "n_tangents": 13, "perturb": "activations"},
            "n_tangents=13: only 12 directions",
        ),
    ],
)
def test_options(options, match):
    refused(hw.DataError, match, mean, **options)


def test_parameters_that_cannot_move():
    refused(hw.DataError, "no parameter that requires", mean, nn.Linear(3, 2).requires_grad_(False))
    refused(hw.DataError, r"parameters is of torch\.int64", torch.sum, torch.arange(3))
    refused(hw.DataTypeError, r"parameters\['b'\] is a float", sum, {"a": torch.ones(1), "b": 1.0})
    refused(hw.ModelError, "no shape yet", mean, nn.LazyLinear(2))
    refused(hw.DataTypeError, "parameters is a str", len, "weights")
    refused(hw.DataTypeError, "needs a torch.nn.Module", torch.sum, X, perturb="activations")


def test_layers_whose_outputs_cannot_be_perturbed():
    X3 = X[None]
    refused(
        hw.ModelError,
        "'0' .*GRU.* returns no single tensor",
        lambda net: net[0](X3)[0].sum(),
        nn.Sequential(nn.GRU(3, 2)),
        perturb="activations",
    )

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.scale = nn.Linear(3, 2), nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.scale * self.inner(x)

    refused(
        hw.ModelError, "has parameters beside inner layers", mean, Scaled(), perturb="activations"
    )


def test_activations_see_no_penalty_on_weights():
    for penalty in (lambda w: w.square().sum(), lambda w: w.T.sum()):
        refused(
            hw.DataError,
            "uses the parameter 'weight' outside of its layer",
            lambda net, penalty=penalty: mean(net) + penalty(net.weight),
            perturb="activations",
        )
    estimate = hw.train.forward_gradient(
        lambda net: mean(net) * net.weight.shape[0], nn.Linear(3, 2), perturb="activations"
    )
    assert estimate.n_perturbed == 12


def test_rows_that_meet():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    refused(
        hw.DataError,
        "'1' normalises over the batch",
        lambda net: net(X).square().mean(dim=1),
        net,
        perturb="activations",
    )
    refused(
        hw.DataError,
        "the loss has 3 rows, the output of the layer",
        lambda net: net(X).square().mean(dim=1).reshape(3, 2).sum(dim=1),
        perturb="activations",
    )


def test_inputs_changed_in_place_are_refused_only_where_a_layer_needs_them():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x):
            h = x * 1.0
            out = self.inner(h)
            h.add_(out)
            return h

    refused(hw.ModelError, "'inner' is changed in place", mean, Residual(), perturb="activations")
    assert hw.train.forward_gradient(mean, Residual()).value > 0


def test_generators_and_optimisers():
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    with pytest.raises(hw.DataError, match="random_state=0: expected a torch"):
        hw.train.accumulate_forward_gradient(mean, net, 0)
    with pytest.raises(hw.ModelError, match="module is an int"):
        hw.train.accumulate_forward_gradient(mean, 3, torch.Generator())
    with pytest.raises(hw.DataTypeError, match="optimizer is a str"):
        hw.train.ForwardGradientOptimizer(net, "adam")
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    with pytest.raises(hw.DataError, match="parameters that the module has not"):
        hw.train.ForwardGradientOptimizer(net, optimizer)
    for options in ({"n_tangents": 0}, {"directions": "all"}, {"perturb": "x"}):
        with pytest.raises(hw.DataError):
            hw.train.ForwardGradientOptimizer(other, optimizer, **options)


def test_without_torch_one_sentence(monkeypatch):
    net = nn.Linear(3, 2)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(hw.MissingDependencyError, match=r"needs torch, .*hullwise\[torch\]"):
        hw.train.accumulate_forward_gradient(mean, net, 0)
    with pytest.raises(hw.MissingDependencyError, match=r"needs torch, .*hullwise\[torch\]"):
        hw.train.ForwardGradientOptimizer(net, None)
