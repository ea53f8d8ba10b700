"""Jacobians with proved remainders: against autograd, samples and attacks; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError, ModelError

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional


class TabularTransformer(nn.Module):  # type: ignore[misc,name-defined]
    """Each number is a token; a class token answers."""

    def __init__(self, d: int = 4, activation: str = "gelu", norm_first: bool = True) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.randn(d, 8)), nn.Parameter(torch.randn(d, 8))
        self.answer = nn.Parameter(torch.randn(1, 1, 8))
        layer = nn.TransformerEncoderLayer(
            8, 2, 16, activation=activation, norm_first=norm_first, batch_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        tokens = x[..., None] * self.scale + self.shift
        tokens = torch.cat([self.answer.expand(len(x), -1, -1), tokens], 1)
        return self.head(self.body(tokens)[:, 0])


class Of(nn.Module):  # type: ignore[misc,name-defined]
    """A function of rows as a module, with a linear layer before it."""

    def __init__(self, function: Any, d: int = 4, width: int = 6) -> None:
        super().__init__()
        self.first, self.function = nn.Linear(d, width), function

    def forward(self, x: Any) -> Any:
        return self.function(self.first(x))


class RMSNorm(nn.Module):  # type: ignore[misc,name-defined]
    def forward(self, z: Any) -> Any:
        return z * torch.rsqrt(z.pow(2).mean(-1, keepdim=True) + 1e-6)


class SelfAttention(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, masked: bool = False) -> None:
        super().__init__()
        self.heads, self.masked = nn.MultiheadAttention(6, 2, batch_first=True), masked

    def forward(self, z: Any) -> Any:
        z = torch.stack([z, z.flip(-1), z.sin()], 1)
        mask = torch.triu(torch.full((3, 3), -np.inf, dtype=z.dtype), 1) if self.masked else None
        return self.heads(z, z, z, attn_mask=mask)[0]


class GatedUnits(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.last = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, z: Any) -> Any:
        return self.last(F.silu(self.one(z)) * self.two(z))


MODULES: dict[str, Any] = {
    "gelu": lambda: nn.Sequential(nn.GELU(), nn.Linear(6, 2)),
    "gelu tanh": lambda: nn.GELU("tanh"),
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": lambda: nn.Softplus(2.0),
    "elu": lambda: nn.ELU(0.7),
    "selu": nn.SELU,
    "celu": lambda: nn.CELU(1.3),
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "relu": lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 2)),
    "leaky": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "relu6": nn.ReLU6,
    "hardtanh": nn.Hardtanh,
    "soft shrink": nn.Softshrink,
    "logsigmoid": nn.LogSigmoid,
    "exp": lambda: lambda z: z.exp(),
    "log": lambda: lambda z: (z * z + 1).log(),
    "log1p": lambda: lambda z: (z * z).log1p() + z.expm1(),
    "sin": lambda: lambda z: z.sin() * z.cos(),
    "erf": lambda: lambda z: z.erf(),
    "powers": lambda: lambda z: z**3 + (z * z + 1) ** 0.5 + (2 + z.sin()) ** -1.5,
    "quotient": lambda: lambda z: z / (1 + z.pow(2).sum(-1, keepdim=True)),
    "norm": lambda: lambda z: F.normalize(z, dim=-1),
    "std": lambda: lambda z: (z - z.mean(-1, keepdim=True)) / (z.std(-1, keepdim=True) + 0.1),
    "variance": lambda: lambda z: z.var(-1, keepdim=True) + torch.var_mean(z, -1, keepdim=True)[1],
    "maximum": lambda: lambda z: torch.maximum(z, z.flip(-1)) + z.abs() + torch.minimum(z, 2 * z),
    "softmax": lambda: nn.Softmax(-1),
    "log softmax": lambda: nn.LogSoftmax(-1),
    "layer norm": lambda: nn.LayerNorm(6),
    "rms norm": lambda: nn.RMSNorm(6),
    "own rms norm": RMSNorm,
    "group norm": lambda: nn.GroupNorm(2, 6),
    "batch norm": lambda: nn.Sequential(nn.BatchNorm1d(6), nn.Tanh()),
    "attention": SelfAttention,
    "masked attention": lambda: SelfAttention(True),
    "gated": GatedUnits,
    "glu": lambda: nn.GLU(),
    "sdpa": lambda: lambda z: F.scaled_dot_product_attention(*z.reshape(-1, 3, 1, 2).unbind(1)),
    "causal": lambda: lambda z: F.scaled_dot_product_attention(
        *(z.reshape(-1, 1, 3, 2) for _ in range(3)), is_causal=True
    ),
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 2, 3, padding=1), nn.SiLU(), nn.AvgPool1d(2)
    ),
    "written": lambda: lambda z: torch.cat([z[:, :2] * z[:, 2:4], z[:, 4:]], 1).masked_fill(
        torch.arange(4) == 1, 3.0
    ),
    "in place": lambda: lambda z: z.clone().mul_(z).add_(1).sqrt_(),
    "where": lambda: lambda z: torch.where(torch.arange(6) > 2, z, z * z),
}  # fmt: skip


def module(name: str) -> Any:
    torch.manual_seed(0)
    one = Of(MODULES[name]())
    return one.double().eval()


def values(net: Any, X: Any) -> Any:
    with torch.no_grad():
        return net(torch.tensor(X)).reshape(len(X), -1).numpy()


def jacobian(net: Any, x: Any) -> Any:
    J = torch.autograd.functional.jacobian(lambda z: net(z[None]).reshape(-1), torch.tensor(x))
    return J.numpy()


def worst_off(net: Any, p: Any, radius: Any, norm: float, n: int = 2000, steps: int = 12) -> Any:
    """The largest |f(x + u) - f - A u| over random u on the ball, then uphill from the worst."""
    rng = np.random.default_rng(1)
    d = len(p.X[0])
    T = rng.normal(size=(n, d))
    T = np.sign(T) * np.where(rng.uniform(size=T.shape) < 0.5, 1, rng.uniform(size=T.shape)) if (
        norm == np.inf
    ) else T / np.linalg.norm(T, axis=1, keepdims=True)  # fmt: skip
    x, f, A = p.X[0], torch.tensor(p.outputs[0]), torch.tensor(p.slopes[0])

    def off(t: Any) -> Any:
        u = t * torch.tensor(np.broadcast_to(radius, d).copy())
        return (net(torch.tensor(x) + u).reshape(len(t), -1) - f - u @ A.T).abs()

    with torch.no_grad():
        sampled = off(torch.tensor(T))
    best = sampled.amax(0)
    t = torch.tensor(T)[sampled.argmax(0)].clone().requires_grad_()
    for _ in range(steps):
        (slopes,) = torch.autograd.grad(off(t).diagonal().sum(), t)
        with torch.no_grad():
            if norm == np.inf:
                t += 0.2 * slopes.sign()
                t.clamp_(-1, 1)
            else:
                t += 0.3 * slopes / slopes.norm(dim=1, keepdim=True).clamp_min(1e-300)
                t /= t.norm(dim=1, keepdim=True).clamp_min(1.0)
            best = torch.maximum(best, off(t).diagonal())
    return best.numpy()


@pytest.mark.parametrize("name", MODULES)
def test_jacobian_is_that_of_autograd_and_no_bound_is_false(name: str) -> None:
    net = module(name)
    x = np.random.default_rng(0).normal(size=4)
    last = None
    for radius, norm, degree in ((0.3, 2, 2), (0.05, np.inf, 2), (0.05, 2, 1), (1e-4, 2, 2)):
        p = hw.model.linearize(net, x, radius=radius, norm=norm, degree=degree)
        np.testing.assert_allclose(p.output, values(net, x[None])[0], rtol=0, atol=1e-12)
        roundoff = 1e-7 if name in ("hardsigmoid", "celu") else 1e-9  # torch has float32 factors
        np.testing.assert_allclose(p.A, jacobian(net, x), rtol=0, atol=roundoff)
        assert (worst_off(net, p, radius, norm) <= p.remainder + 1e-14).all()
        last = p
    worst = worst_off(net, last, 1e-4, 2)
    assert (last.remainder <= 1.3 * worst + 1e-12).all()  # at a small radius it is nearly that


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformers(activation: str, norm_first: bool) -> None:
    torch.manual_seed(0)
    net = TabularTransformer(4, activation, norm_first).eval()
    x = np.random.default_rng(0).normal(size=(2, 4))
    double = TabularTransformer(4, activation, norm_first).double().eval()
    double.load_state_dict(net.state_dict())
    for radius in (0.1, 0.01):
        p = hw.dissect(net, x, radius=radius)
        for i in range(2):
            np.testing.assert_allclose(p.slopes[i], jacobian(double, x[i]), rtol=0, atol=1e-12)
            worst = worst_off(double, p[i], radius, 2)
            assert (worst <= p.remainders[i]).all()
            assert (p.remainders[i] <= (3 if radius == 0.01 else 200) * worst).all()


def test_a_radius_for_each_input() -> None:
    net = module("layer norm")
    x = np.random.default_rng(0).normal(size=4)
    radii = np.array([0.1, 0.001, 0.01, 0.05])
    for norm in (2, np.inf):
        p = hw.dissect(net, x, radius=radii, norm=norm)
        assert (worst_off(net, p, radii, norm) <= p.remainder).all()
        assert (p.remainder <= 4 * worst_off(net, p, radii, norm)).all()
        assert (p.remainder < hw.dissect(net, x, radius=0.1, norm=norm).remainder).all()


def test_wide_balls_of_normalised_values_have_finite_bounds() -> None:
    torch.manual_seed(0)
    p = hw.dissect(TabularTransformer().eval(), np.zeros(4), radius=100.0)
    assert np.isfinite(p.remainder).all()


def test_rows_and_shapes() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    X = torch.randn(2, 3, 4)
    p = hw.model.linearize(layer, X, radius=1e-3)
    assert p.A.shape == (2, 12, 12)
    assert repr(p) == (
        "Linearization(2 points of TransformerEncoderLayer, remainder proved within 0.001)"
    )
    assert list(p.to_frame())[:2] == ["output_0", "output_1"]
    assert len(p.to_dict()["remainder_11"]) == 2
    one = hw.model.linearize(layer, X[0], radius=1e-3, input_shape=(3, 4))
    np.testing.assert_allclose(one.remainder, p.remainder[0], rtol=1e-9)
    np.testing.assert_allclose(np.einsum("mkd,md->mk", p.A, p.X) + p.b, p.output, atol=1e-12)


def test_a_module_is_not_changed() -> None:
    net = TabularTransformer().train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    fast = torch.backends.mha.get_fastpath_enabled()
    hw.dissect(net, np.zeros(4), radius=0.01)
    assert net.training
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert all(
        (before[k] == v).all() and v.dtype == torch.float32 for k, v in net.state_dict().items()
    )
    assert torch.backends.mha.get_fastpath_enabled() == fast


def test_the_frozen_reading() -> None:
    torch.manual_seed(0)
    net = Of(nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 3))).double()
    x = np.random.default_rng(0).normal(size=4)
    p = hw.dissect(net, x, frozen=True)
    assert "frozen: exact at x only, no statement elsewhere" in repr(p)
    with torch.no_grad():
        z = net.first(torch.tensor(x))
        scale = (z.var(correction=0) + 1e-5).rsqrt().numpy()
    W, V = net.first.weight.detach().numpy(), net.function[1].weight.detach().numpy()
    np.testing.assert_allclose(p.A, V @ ((W - W.mean(0)) * scale), atol=1e-12)
    np.testing.assert_allclose(p.A @ x + p.b, p.output, atol=1e-12)
    with pytest.raises(DataError, match="no statement elsewhere"):
        _ = p.remainder
    with pytest.raises(DataError, match="leave one of them out"):
        hw.dissect(net, x, frozen=True, radius=0.1)


def test_frozen_attention_is_linear_in_what_is_averaged() -> None:
    torch.manual_seed(0)
    net = module("sdpa")
    x = np.random.default_rng(0).normal(size=4)
    p = hw.dissect(net, x, frozen=True)
    with torch.no_grad():
        z = net.first(torch.tensor(x))
    W = net.first.weight.detach().numpy()
    np.testing.assert_allclose(p.A, W[4:6], atol=1e-12)  # one key each: all weight on it
    assert z.shape == (6,)
    free = hw.dissect(module("attention"), x, radius=1e-6)
    frozen = hw.dissect(module("attention"), x, frozen=True)
    assert np.abs(free.A - frozen.A).max() > 1e-3
    np.testing.assert_array_equal(free.output, frozen.output)


def test_several_inputs_and_outputs() -> None:
    class Two(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 2)

        def forward(self, x: Any, context: Any) -> Any:
            return {"one": torch.tanh(self.first(x)) * context, "two": x}

    net = Two().double()
    options: dict[str, Any] = {"constants": {"context": torch.full((1, 2), 2.0)}}
    p = hw.model.linearize(net, np.zeros(3), radius=0.1, output="one", **options)
    assert p.A.shape == (2, 3)
    with pytest.raises(ModelError, match="'one', 'two'"):
        hw.model.linearize(net, np.zeros(3), radius=0.1, **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile itself
def test_other_modules_of_torch() -> None:
    torch.manual_seed(0)
    every = [
        (torch.compile(nn.Sequential(nn.Linear(3, 2), nn.Tanh())), torch.randn(1, 3), None),
        (nn.LSTM(2, 3, batch_first=True), torch.randn(1, 3, 2), 0),
        (nn.Sequential(nn.InstanceNorm1d(2), nn.Tanh()), torch.randn(1, 2, 3), None),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)), torch.randn(1, 1, 4, 4), None),
    ]
    for net, x, output in every:
        p = hw.model.linearize(net, x, radius=1e-3, output=output)
        assert 0 < p.remainder.max() < 1e-4
    masked = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    mask = {"src_key_padding_mask": torch.tensor([[False, False, True]])}
    p = hw.model.linearize(masked, torch.randn(1, 3, 4), radius=1e-3, constants=mask)
    assert np.abs(p.A[0, :8, 8:]).max() == 0  # a padded token is not looked at
    assert p.remainder.max() < 1e-4


def refused(function: Any, *, match: str, error: Any = ModelError) -> None:
    with pytest.raises(error, match=match):
        hw.dissect(Of(function).double(), np.ones(4), radius=0.1)


def test_refusals_say_why() -> None:
    refused(lambda z: z.sort().values, match="operator 'sort'")
    refused(lambda z: (z > 0) * z, match="'gt' that compares or jumps")
    refused(lambda z: z.round(), match="'round' that compares or jumps")
    refused(lambda z: z if z.sum() > 0 else -z, match="must not look at the input's values")
    refused(lambda z: z + torch.rand(6), match="on chance")
    refused(lambda z: z / 0.0, match="NaN or infinity")
    refused(lambda z: torch.ones(2), match="does not depend on its input")
    refused(lambda z: z @ torch.ones(5), match="cannot be traced")
    net = module("tanh")
    with pytest.raises(ModelError, match="boundary_distance"):
        hw.dissect(hw.model.from_arrays([[[1.0]]]), [0.0], radius=1.0)
    with pytest.raises(ModelError, match=r"give a torch\.nn\.Module"):
        hw.dissect("net.onnx", [0.0], radius=1.0)
    with pytest.raises(ModelError, match="rows of shape"):
        hw.dissect(net, np.zeros(3), radius=1.0)
    for radius in (0, -1, np.nan, [1.0, 2.0], "wide"):
        with pytest.raises(DataError, match="radius"):
            hw.dissect(net, np.zeros(4), radius=radius)
    with pytest.raises(DataError, match="norm"):
        hw.dissect(net, np.zeros(4), radius=1.0, norm=1)
    with pytest.raises(DataError, match="degree"):
        hw.model.linearize(net, np.zeros(4), radius=1.0, degree=3)
    with pytest.raises(DataError, match="X"):
        hw.dissect(net, [0.0, np.nan, 0.0, 0.0], radius=1.0)


def test_reading_such_a_module_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"(?s)not piecewise affine.*radius="):
        hw.dissect(TabularTransformer().eval(), np.zeros(4))


def test_random_compositions() -> None:
    rng = np.random.default_rng(0)
    names = [name for name in MODULES if name not in ("exp", "in place", "log1p")]
    for seed in range(25):
        torch.manual_seed(seed)
        inner, outer = (Of(MODULES[name]()).double().eval() for name in rng.choice(names, 2))
        width = values(inner, np.zeros((1, 4))).size
        net = nn.Sequential(inner, nn.Flatten(), nn.Linear(width, 4), outer).double().eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(float(np.exp(rng.normal() / 2)))
        x, radius = rng.normal(size=4) * np.exp(rng.normal()), np.exp(rng.uniform(-9, 0))
        norm, degree = rng.choice([2, np.inf]), int(rng.choice([1, 2]))
        p = hw.model.linearize(net, x, radius=radius, norm=norm, degree=degree)
        worst = worst_off(net, p, radius, norm, n=400, steps=6)
        assert (worst <= p.remainder + 1e-14 * (1 + np.abs(p.output))).all(), seed
