"""The tangent penalty against closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
nn = torch.nn
METHODS = ("jvp", "differences")


def generator(seed: int = 0):
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def smooth_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).double()


@pytest.mark.parametrize("method", METHODS)
def test_of_a_linear_network_it_is_the_square_of_its_matrix_times_the_tangent(method):
    layer = nn.Linear(3, 2).double()
    X, T = random(5, 3), random(5, 4, 3, seed=1)
    rows = hw.train.tangent_penalty(layer, X, T, method=method, reduction="none")
    W = layer.weight.detach()
    expected = ((T @ W.T) ** 2).sum(dim=(1, 2))
    assert torch.allclose(rows, expected, rtol=1e-8)
    assert hw.train.tangent_penalty(layer, X, T, method=method).item() == pytest.approx(
        expected.mean().item(), rel=1e-8
    )
    total = hw.train.tangent_penalty(layer, X, T, method=method, reduction="sum")
    (gradient,) = torch.autograd.grad(total, layer.weight)
    S = torch.einsum("nki,nkj->ij", T, T)
    assert torch.allclose(gradient, 2 * W @ S, rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_all_unit_vectors_give_the_squared_norm_of_the_jacobian(method):
    net, X = smooth_net(), random(4, 3)
    T = torch.eye(3, dtype=torch.float64).expand(4, 3, 3)
    rows = hw.train.tangent_penalty(net, X, T, method=method, reduction="none")
    for i in range(4):
        J = torch.autograd.functional.jacobian(net, X[i])
        assert rows[i].item() == pytest.approx((J**2).sum().item(), rel=1e-6)


def test_the_derivative_of_a_relu_network_is_that_of_its_affine_piece():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    X, T = random(5, 3), random(5, 3, seed=1)
    pieces = hw.dissect(hw.model.read(net), X.numpy())
    expected = ((pieces.A @ T.numpy()[:, :, None])[..., 0] ** 2).sum(axis=1)
    penalty = hw.train.tangent_penalty(net, X, T, reduction="none").detach().numpy()
    assert penalty == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_gradients_by_the_parameters_are_those_of_finite_differences(method):
    net, X, T = smooth_net(), random(3, 3), random(3, 2, 3, seed=1)
    names = [name for name, _ in net.named_parameters()]

    class Frozen(nn.Module):
        def __init__(self, values):
            super().__init__()
            self.values = values

        def forward(self, x):
            return torch.func.functional_call(net, dict(zip(names, self.values)), (x,))

    def penalty(*values):
        return hw.train.tangent_penalty(Frozen(values), X, T, method=method, step=1e-4)

    values = tuple(p.detach().clone().requires_grad_() for p in net.parameters())
    assert torch.autograd.gradcheck(penalty, values, atol=1e-6, rtol=1e-4)


def trained(weight: float, method: str) -> float:
    """The penalty after some training of a target that depends on the third input."""
    net, X = smooth_net(), random(40, 3)
    y = X[:, :1] ** 2 + X[:, 2:]
    T = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand(40, 3)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(100):
        optimiser.zero_grad()
        penalty = hw.train.tangent_penalty(net, X, T, method=method)
        ((net(X) - y).square().mean() + weight * penalty).backward()
        optimiser.step()
    return float(hw.train.tangent_penalty(net, X, T).detach())


@pytest.mark.parametrize("method", METHODS)
def test_training_with_it_turns_the_network_flat_along_the_tangents(method):
    assert trained(10.0, method) < 0.05 * trained(0.0, method)


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.end = nn.Linear(3 * 16, 2)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.end(self.drop(torch.nn.functional.max_pool2d(x, 2).flatten(1)))


def test_images_by_a_transformation_with_normalisation_and_dropout_in_training():
    torch.manual_seed(0)
    net = Convolutional().double().train()
    X = random(6, 1, 8, 8)
    mean = net.norm.running_mean.clone()

    def shift(images, amount):
        return images + amount * (torch.roll(images, 1, -1) - images)

    penalties = []
    for method in METHODS:
        torch.manual_seed(1)
        penalties.append(hw.train.tangent_penalty(net, X, shift, method=method).item())
    assert penalties[0] == pytest.approx(penalties[1], rel=1e-6)  # the same dropout
    assert penalties[0] > 0
    assert net.norm.training
    assert torch.equal(net.norm.running_mean, mean)


def test_rows_do_not_move_each_other():
    torch.manual_seed(0)
    net = Convolutional().double().train()
    net.drop.p = 0.0
    X, T = random(6, 1, 8, 8), random(6, 1, 8, 8, seed=1)
    together = hw.train.tangent_penalty(net, X, T, reduction="none")
    alone = hw.train.tangent_penalty(net, X[:1], T[:1], reduction="none")
    assert together[0].item() == pytest.approx(alone[0].item(), rel=1e-10)


def test_arrays_become_tensors_like_the_parameters():
    net = smooth_net()
    X = np.random.default_rng(0).normal(size=(30, 3))
    tangents = hw.train.local_tangents(X, 5, 2)
    penalty = hw.train.tangent_penalty(net, X, tangents)
    assert penalty.dtype == torch.float64
    assert penalty.item() > 0


def test_tangents_of_0_cost_nothing():
    net = smooth_net()
    for method in METHODS:
        penalty = hw.train.tangent_penalty(net, random(3, 3), torch.zeros(3, 3), method=method)
        penalty.backward()
        assert penalty.item() == 0.0


def test_transformations_of_tensors_by_differences_and_exactly():
    X = random(5, 2)

    def rotate(rows, angle):
        angle = torch.as_tensor(angle, dtype=rows.dtype)
        x, y = rows.unbind(1)
        c, s = torch.cos(angle), torch.sin(angle)
        return torch.stack([c * x - s * y, s * x + c * y], dim=1)

    expected = torch.stack([-X[:, 1], X[:, 0]], dim=1)
    exact = hw.train.transformation_tangents(rotate, X, method="jvp")
    assert torch.allclose(exact, expected, atol=1e-14)
    near = hw.train.transformation_tangents(rotate, X, step=1e-4)
    assert torch.allclose(near, expected, atol=1e-7)
    array = hw.train.transformation_tangents(rotate, X.numpy().astype("f4"), method="jvp")
    assert isinstance(array, np.ndarray)
    assert array == pytest.approx(expected.numpy(), abs=1e-6)


class WithoutForwardMode(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class OutsideOfTorch(nn.Module):
    def forward(self, x):
        return torch.as_tensor(3 * x.detach().numpy())


class Answers(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("module", [WithoutForwardMode(), OutsideOfTorch()])
def test_modules_without_forward_derivatives_are_sent_to_differences(module):
    X, T = random(3, 2), torch.ones(3, 2, dtype=torch.float64)
    with pytest.raises(hw.ModelError, match="method='differences'"):
        hw.train.tangent_penalty(module, X, T)
    factor = module(torch.ones(1, 1, dtype=torch.float64)).item()
    penalty = hw.train.tangent_penalty(module, X, T, method="differences")
    assert penalty.item() == pytest.approx(2 * factor**2, rel=1e-6)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: (x, x), "a tuple"),
        (lambda x: x.sum(), "shape \\(\\)"),
        (lambda x: x[:1], "\\(1,"),
    ],
)
def test_outputs_that_are_no_row_each_are_refused(function, words):
    for method in METHODS:
        with pytest.raises(hw.ModelError, match=words):
            hw.train.tangent_penalty(
                Answers(function), random(3, 2), torch.ones(3, 2), method=method
            )


@pytest.mark.parametrize(
    ("X", "tangents", "options", "error", "words"),
    [
        (torch.ones(3, 3), torch.ones(3, 2), {}, hw.DataError, "tangents have shape"),
        (torch.ones(3, 3), torch.ones(2, 3), {}, hw.DataError, r"expected \(3, 3\) or \(3, k, 3\)"),
        (torch.ones(3, 3), torch.ones(3, 0, 3), {}, hw.DataError, "tangents have shape"),
        (torch.ones(3, 3).long(), torch.ones(3, 3), {}, hw.DataTypeError, "int64: expected floats"),
        (torch.ones(3, 3), torch.ones(3, 3).int(), {}, hw.DataTypeError, "tangents.float()"),
        (torch.ones(3, 3) / 0, torch.ones(3, 3), {}, hw.DataError, "X holds 9 NaN or infinite"),
        (torch.ones(3, 3), torch.ones(3, 3) / 0, {}, hw.DataError, "tangents holds 9"),
        (torch.ones(0, 3), torch.ones(0, 3), {}, hw.DataError, "at least one row"),
        ("rows", torch.ones(3, 3), {}, hw.DataTypeError, "no tensor of numbers"),
        (torch.ones(3, 2), torch.ones(3, 2), {}, hw.ModelError, "torch says"),
        (torch.ones(3, 3), torch.ones(3, 3), {"method": "vjp"}, hw.DataError, "'jvp' or"),
        (torch.ones(3, 3), torch.ones(3, 3), {"reduction": "max"}, hw.DataError, "'mean'"),
        (
            torch.ones(3, 3),
            torch.ones(3, 3),
            {"method": "differences", "step": 0},
            hw.DataError,
            "above 0",
        ),
    ],
)
def test_what_cannot_be_differentiated_is_refused(X, tangents, options, error, words):
    with pytest.raises(error, match=words):
        hw.train.tangent_penalty(smooth_net().float(), X, tangents, **options)


def test_a_model_of_another_library_is_refused():
    with pytest.raises(hw.ModelError, match=r"expected a torch\.nn\.Module"):
        hw.train.tangent_penalty(object(), torch.ones(2, 2), torch.ones(2, 2))


def test_a_transformation_that_torch_cannot_differentiate_forwards_is_sent_to_differences():
    def double(rows, amount):
        return rows + amount * (Doubled.apply(rows + amount) - rows)

    with pytest.raises(hw.ModelError, match=r"this transformation forwards.*'differences'"):
        hw.train.transformation_tangents(double, random(3, 2), method="jvp")


@pytest.mark.parametrize("method", METHODS)
def test_autocast_is_off_meanwhile(method):
    net, X, T = smooth_net().float(), random(3, 3).float(), torch.ones(3, 3)
    expected = hw.train.tangent_penalty(net, X, T, method=method)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(hw.train.tangent_penalty(net, X, T, method=method), expected)


def test_inference_mode_has_no_derivatives():
    with torch.inference_mode(), pytest.raises(hw.ModelError, match=r"use torch\.no_grad"):
        hw.train.tangent_penalty(smooth_net(), random(3, 3), random(3, 3))
    with torch.no_grad():
        assert hw.train.tangent_penalty(smooth_net(), random(3, 3), random(3, 3)) > 0


def test_arrays_that_are_read_only_are_copied():
    X = np.ones((3, 3))
    X.flags.writeable = False
    assert hw.train.tangent_penalty(smooth_net(), X, X) > 0
