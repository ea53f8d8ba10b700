"""Gradient products of any torch module: by formula, by differences; what they leave behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import ModelError

torch = pytest.importorskip("torch")
nn = torch.nn


class TokensOfColumns(nn.Module):  # type: ignore[misc,name-defined]
    """Attention over the columns of a table; the last column is not looked at."""

    def __init__(self, d: int = 4) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.randn(d, 8)), nn.Parameter(torch.randn(d, 8))
        self.body = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.5)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        z = (x[..., None] * self.scale + self.shift)[:, :-1]
        return self.head(self.body(z).mean(1))


class Function(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function, self.bias = function, nn.Parameter(torch.zeros(1))

    def forward(self, x: Any) -> Any:
        return self.function(x) + self.bias


def rows(n: int = 40, d: int = 4) -> Any:
    return np.random.default_rng(0).normal(size=(n, d))


def test_a_transformer_against_differences() -> None:
    torch.manual_seed(0)
    net, X = TokensOfColumns().train(), rows(50)
    M = hw.metrics.agop(net, X, ridge=0)
    np.testing.assert_allclose(M, hw.metrics.agop(net, X, ridge=0, step=1e-5), atol=1e-7)
    double = net.double().eval()

    def one(x: Any) -> Any:
        return torch.autograd.functional.jacobian(lambda z: double(z[None])[0], x).numpy()

    J = np.array([one(x) for x in torch.tensor(X)])
    np.testing.assert_allclose(M, np.einsum("mki,mkj->ij", J, J) / len(X), atol=1e-12)
    assert np.abs(M[3]).max() == 0
    many = hw.metrics.local_metric(net, X[:3], ridge=0)
    np.testing.assert_allclose(many, np.einsum("mki,mkj->mij", J[:3], J[:3]), atol=1e-12)


def test_closed_forms() -> None:
    X = rows(d=3)
    quadratic = Function(lambda x: x[:, :1] * x[:, 1:2])
    expected = np.zeros((3, 3))
    expected[0, 0], expected[1, 1] = (X[:, 1] ** 2).mean(), (X[:, 0] ** 2).mean()
    expected[0, 1] = expected[1, 0] = (X[:, 0] * X[:, 1]).mean()
    np.testing.assert_allclose(hw.metrics.agop(quadratic, X, ridge=0), expected, atol=1e-13)
    wave = Function(lambda x: torch.sin(x @ torch.tensor([1.0, 2.0, 0.0], dtype=x.dtype)))
    g = np.cos(X @ [1, 2, 0])[:, None] * [1, 2, 0]
    np.testing.assert_allclose(hw.metrics.agop(wave, X, ridge=0), g.T @ g / len(X), atol=1e-13)
    bends = hw.metrics.curvature(wave, X, ridge=0)
    assert bends[2, 2] < 1e-6 < bends[0, 0]


def test_the_last_layer_of_one_hidden_tanh_layer() -> None:
    torch.manual_seed(0)
    net, X = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.LayerNorm(6)), rows()
    W, b = (p.detach().numpy().astype(float) for p in net[0].parameters())
    a = np.tanh(X @ W.T + b)
    v = a.var(axis=1)[:, None, None] + 1e-5
    c = a - a.mean(1, keepdims=True)
    norm = (np.eye(6) - 1 / 6 - c[:, :, None] * c[:, None] / (6 * v)) / np.sqrt(v)
    J = norm @ ((1 - a**2)[:, :, None] * W)
    M = hw.metrics.agop(net, X, ridge=0)
    np.testing.assert_allclose(M, np.einsum("mki,mkj->ij", J, J) / len(X), rtol=1e-9, atol=1e-12)


def test_the_module_stays_as_it_is() -> None:
    torch.manual_seed(0)
    net, X = TokensOfColumns().train(), rows()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net(torch.tensor(X, dtype=torch.float32)).sum().backward()
    gradients = {k: p.grad.clone() for k, p in net.named_parameters()}
    state = torch.random.get_rng_state()
    with torch.no_grad():
        first = hw.metrics.agop(net, X)
    with torch.inference_mode():
        np.testing.assert_array_equal(hw.metrics.agop(net, X), first)
    assert net.training
    assert (torch.random.get_rng_state() == state).all()
    for k, p in net.named_parameters():
        assert p.requires_grad
        assert p.dtype == torch.float32
        assert (p.grad == gradients[k]).all()
        assert (p == before[k]).all()
    half = TokensOfColumns()
    half.load_state_dict(net.state_dict())
    assert np.abs(hw.metrics.agop(half.bfloat16(), X) - first).max() < 0.1 * np.abs(first).max()


def test_code_that_asks_for_single_precision() -> None:
    torch.manual_seed(0)
    inner = nn.Linear(4, 2)
    net = Function(lambda x: torch.tanh(x.float()))
    net.inner = inner
    net.function = lambda x: torch.sigmoid(inner(x.float()))  # a layer that no copy sees
    X = rows()
    W, b = (p.detach().numpy().astype(float) for p in inner.parameters())
    s = 1 / (1 + np.exp(-(X @ W.T + b)))
    J = (s * (1 - s))[:, :, None] * W
    M = hw.metrics.agop(net, X, ridge=0)
    np.testing.assert_allclose(M, np.einsum("mki,mkj->ij", J, J) / len(X), rtol=1e-5)


def test_where_queries_stand_in_the_metric_of_a_transformer() -> None:
    torch.manual_seed(0)
    net, X = TokensOfColumns().eval(), rows(200)
    M = hw.metrics.agop(net, X)
    off = np.zeros((2, 4))
    off[0, 3], off[1, 0] = 6.0, 6.0  # along the column that it does not look at, and another
    loc = hw.locate(X, off, metric=M)
    assert loc.distance[0] < 0.05 * loc.distance[1]
    learnt = hw.metrics.learn_metric(X, model=net)
    assert learnt.metric.factor is not None
    domain = hw.Domain(metric=M).fit(X)
    np.testing.assert_allclose(domain.locate(off).upper, loc.upper, rtol=1e-6)
    learner = hw.metrics.MetricLearner.from_model(net, X)
    assert hw.locate(X, off, metric=learner).band[1] == "far"
    with_radius = hw.dissect(net, X[0], radius=1e-3)
    local = hw.metrics.local_metric(net, X[0], ridge=0)
    np.testing.assert_allclose(local, with_radius.A.T @ with_radius.A, atol=1e-12)


def refused(function: Any, match: str, X: Any = None) -> None:
    with pytest.raises(ModelError, match=match):
        hw.metrics.agop(Function(function), rows() if X is None else X)


def test_refusals_say_why() -> None:
    refused(lambda x: x.softmax(0), "mixes the rows")
    refused(lambda x: x.exp().sum(), "expected one row of outputs for each")
    refused(lambda x: x.tanh() @ torch.ones(7), "fails on float64 rows of shape")
    refused(lambda x: x.detach().exp(), "no gradient in its rows")
    refused(lambda x: (x - x).sqrt() * x.exp(), "NaN or infinite at row 0")
    refused(lambda x: x.exp() * torch.rand(1), "on chance")

    class Two(Function):
        def forward(self, x: Any) -> Any:
            return {"a": x.exp(), "b": x.tanh()}

    with pytest.raises(ModelError, match="gives 2 tensors"):
        hw.metrics.agop(Two(None), rows())
    with pytest.raises(ModelError, match="whole numbers"):
        hw.metrics.agop(nn.Sequential(nn.Embedding(10, 4)), rows())
    with pytest.raises(ModelError, match="cannot be copied"):
        hw.metrics.agop(nn.Sequential(nn.LazyLinear(3), nn.GELU()).to("meta"), rows())
