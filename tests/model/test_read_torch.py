"""Torch modules: each kind of layer gives what torch gives; what cannot be read is named."""

from collections import OrderedDict

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from torch_modules import (  # noqa: E402
    CALLS,
    IMAGE,
    MODULES,
    MORE_CALLS,
    MORE_MODULES,
    VECTOR,
    Calls,
    Residual,
    resnet,
    settled,
)


def own(module, X, shape):
    with torch.no_grad():
        x = torch.tensor(X.reshape(len(X), *shape), dtype=torch.float64)
        return module.double()(x).reshape(len(X), -1).numpy()


@pytest.mark.parametrize("name", MODULES | MORE_MODULES)
def test_modules(name):
    module, shape = (MODULES | MORE_MODULES)[name]
    compare(settled(module), shape)


@pytest.mark.parametrize("name", CALLS | MORE_CALLS)
def test_calls(name):
    torch.manual_seed(0)
    function, shape = (CALLS | MORE_CALLS)[name]
    compare(settled(Calls(function)), shape)


def compare(module, shape):
    net = hw.model.read(module, shape)
    X = 3 * np.random.default_rng(5).normal(size=(40, int(np.prod(shape))))
    want = own(module, X, shape)
    scale = np.abs(want).max()
    assert np.abs(net(X) - want).max() <= 1e-12 * scale
    p = hw.dissect(net, X[:5])
    found = np.einsum("mod,md->mo", p.A, X[:5]) + p.b
    assert np.abs(found - want[:5]).max() <= 1e-12 * scale


def test_a_residual_network_is_sliced():
    module = resnet()
    net = hw.model.read(module, (3, 16, 16))
    points = np.random.default_rng(0).normal(size=(3, 768))
    s = net.slice_through(*points, margin=0)
    assert s.areas.sum() == pytest.approx(np.prod(s.high - s.low))
    uv = np.random.default_rng(1).uniform(s.low, s.high, (50, 2))
    region = s.find(uv)
    found = s.maps[region]
    found = found[..., 0] + found[..., 1] * uv[:, :1] + found[..., 2] * uv[:, 1:]
    np.testing.assert_allclose(found, own(module, s.points(uv), (3, 16, 16)), atol=1e-10)


def test_a_batch_of_images_says_its_shape():
    module, X = resnet(), np.random.default_rng(0).normal(size=(2, 3, 16, 16))
    p = hw.dissect(module, X)
    assert p.net.input_shape == (3, 16, 16)
    np.testing.assert_allclose(p.output, own(module, X, (3, 16, 16)), atol=1e-12)


def test_the_module_given_is_not_changed():
    module = resnet().float().train()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with pytest.warns(hw.DataWarning, match="training mode"):
        hw.model.read(module, (3, 16, 16))
    assert module.training
    for key, value in module.state_dict().items():
        assert value.dtype == before[key].dtype
        assert torch.equal(value, before[key])


def test_the_input_shape_of_a_linear_network_is_known():
    net = hw.model.read(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1)).eval())
    assert net.input_shape == (5,)
    with pytest.raises(hw.ModelError, match="input_shape"):
        hw.model.read(nn.Sequential(nn.Conv2d(3, 4, 3)).eval())


def test_a_final_softmax_is_left_out_and_said():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), nn.Softmax(dim=1)).eval()
    with pytest.warns(hw.DataWarning, match="left out"):
        net = hw.model.read(module)
    assert net.output_activations
    X = np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_array_equal(net(X).argmax(1), own(module, X, (3,)).argmax(1))


def ends(*parts):
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), *parts).eval()


ENDINGS = {
    "softmax": (ends(nn.Softmax(dim=-1)), "softmax"),
    "softmax where torch chooses": (ends(Calls(lambda m, x: F.softmax(x))), "softmax"),
    "softmax of images": (
        ends(nn.Unflatten(1, (3, 1, 1)), nn.Softmax2d(), nn.Flatten()),
        "softmax",
    ),
    "log softmax": (ends(nn.LogSoftmax(dim=1), nn.Identity()), "log_softmax"),
    "log of softmax": (ends(Calls(lambda m, x: x.softmax(1).log())), "log_softmax"),
    "sigmoid": (ends(nn.Sigmoid(), nn.Unflatten(1, (3, 1)), nn.Flatten()), "sigmoid"),
    "log sigmoid": (ends(nn.LogSigmoid()), "logsigmoid"),
    "tanh": (ends(nn.Tanh(), nn.Dropout()), "tanh"),
    "exp": (ends(Calls(lambda m, x: x.exp())), "exp"),
    "softplus": (ends(nn.Softplus(beta=2.0)), "softplus"),
    "elu": (ends(nn.ELU(0.5)), "elu"),
    "celu": (ends(nn.CELU(0.7)), "celu"),
    "selu": (ends(nn.SELU()), "selu"),
    "softsign": (ends(nn.Softsign()), "softsign"),
    "arctan": (ends(Calls(lambda m, x: torch.atan(x))), "arctan"),
}


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("name", ENDINGS)
def test_increasing_functions_at_the_end_are_left_out_and_named(name):
    module, kind = ENDINGS[name]
    with pytest.warns(hw.DataWarning, match=r"left out.*Values and gradients.*regions"):
        net = hw.model.read(module)
    assert net.output_activations[-1].kind == kind
    X = 3 * np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_allclose(net(X), own(module[:3], X, (3,)), atol=1e-12)
    np.testing.assert_allclose(net.model_outputs(X), own(module, X, (3,)), atol=1e-7)
    if "softmax" not in kind:
        one = hw.model.read(module, upto="3") if name != "arctan" else net
        np.testing.assert_array_equal(one(X), net(X))


def test_labels_behind_a_softmax_are_looked_through():
    module = ends(Calls(lambda m, x: x.softmax(1).argmax(1)))
    with pytest.warns(hw.DataWarning, match="softmax.*argmax"):
        net = hw.model.read(module)
    X = np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_array_equal(net(X).argmax(1), own(module, X, (3,))[:, 0])


NO_ENDINGS = {
    "rows of a batch": nn.Softmax(dim=0),
    "does not increase": nn.ELU(-1.0),
    "Softmax": nn.Sequential(nn.Softmax(dim=1), nn.ReLU()),
    "softmax": Calls(lambda m, x: x.softmax(1).argmax(0)),
    "argmax": Calls(lambda m, x: x.argmax(1)),
    "Tanh": nn.Sequential(nn.Tanh(), nn.Linear(3, 2)),
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "softmax.*": Calls(lambda m, x: 2 * x.softmax(1)),
    "sigmoid": Calls(lambda m, x: x * x.sigmoid()),
    "softmin": nn.Softmin(dim=1),
}


@pytest.mark.parametrize("says", NO_ENDINGS)
def test_other_functions_at_the_end_are_refused(says):
    with pytest.raises(hw.ModelError, match=f"(?i){says}"):
        hw.model.read(ends(NO_ENDINGS[says]))


def test_what_is_no_module_or_not_ready():
    with pytest.raises(hw.ModelError, match="SGD is no torch module"):
        hw.model.read(torch.optim.SGD(nn.Linear(4, 2).parameters()))
    with pytest.raises(hw.ModelError, match="parameters without a shape yet"):
        hw.model.read(nn.Sequential(nn.LazyLinear(3), nn.ReLU()), input_shape=(4,))
    with pytest.raises(hw.ModelError, match="Linear"):
        hw.model.read(nn.Linear(3, 2, dtype=torch.complex64))


UNREADABLE = {
    "GELU": nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 1)),
    "Softmax": nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1), nn.Linear(4, 1)),
    "LayerNorm": nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)),
    "product of two branches": Calls(lambda m, x: x * x.relu()),
    "statistics": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)),
    "jumps": nn.Sequential(nn.Linear(3, 4), nn.Threshold(0.0, 1.0)),
    "cannot be traced.*asks for values": Calls(lambda m, x: x if x.sum() > 0 else -x),
    "cannot be traced.*chance": Calls(lambda m, x: x + torch.randn(1)),
    "lt, which jumps": Calls(lambda m, x: x[x < 0][:1] + x),
    "never at rest": Calls(lambda m, x: F.dropout(x)),
    "gt, which jumps": Calls(lambda m, x: (x > 0) * 1.0),
    "which jumps": Calls(lambda m, x: torch.where(x > 0, x + 1, x)),
    "sign, which jumps": Calls(lambda m, x: x.sign()),
    "gt, which jumps.*where": Calls(lambda m, x: torch.where(x > 0, x.flip(1), 0.0 * x)),
    "rounds|int": Calls(lambda m, x: x.int().double()),
    "indices": Calls(lambda m, x: x.max(1)[1] * 1.0),
    "does not depend": Calls(lambda m, x: m.w[:2]),
    "MultiheadAttention|multi_head": nn.TransformerEncoderLayer(3, 1, batch_first=True),
    "rows of shape": nn.Linear(5, 2),
    "mixes": Calls(lambda m, x: x.flip(0)),
    "over the batch": Calls(lambda m, x: x.mean(0, keepdim=True) + x),
    "gives|returns": Calls(lambda m, x: (x, x)),
}


@pytest.mark.parametrize("says", UNREADABLE)
def test_what_cannot_be_read_is_named(says):
    with pytest.raises(hw.ModelError, match=says):
        hw.model.read(UNREADABLE[says].eval(), (4, 3) if "Multihead" in says else 3)


def test_recurrence_is_refused():
    with pytest.raises(hw.ModelError, match=r"LSTM|trace"):
        hw.model.read(nn.LSTM(3, 4).eval(), (5, 3))


def test_the_part_before_an_unreadable_layer():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.GELU(), nn.Linear(4, 1)).eval()
    with pytest.raises(hw.ModelError, match=r'layer .2. is a GELU.*upto="2"'):
        hw.model.read(module)
    net = hw.model.read(module, upto="2")
    X = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(net(X), own(module[:2], X, (3,)))
    with pytest.raises(hw.ModelError, match="no layer 'nowhere'"):
        hw.model.read(module, upto="nowhere")


@pytest.mark.parametrize("upto", ["body.1", "body.1.body.2", "body.1.relu", "head"])
def test_the_part_before_a_layer_inside(upto):
    torch.manual_seed(3)
    module = settled(
        nn.Sequential(
            OrderedDict(
                body=nn.Sequential(Residual(2), Residual(2)),
                norm=nn.GroupNorm(1, 2) if upto != "head" else nn.Identity(),
                head=nn.Conv2d(2, 1, 1),
            )
        )
    ).double()
    seen = {}

    def keep(part, given):
        seen.update({part: given[0].clone()})

    net = hw.model.read(module, IMAGE, upto=upto)
    X = np.random.default_rng(2).normal(size=(7, 96))
    part = module.get_submodule(upto.removesuffix(".relu"))
    part.register_forward_pre_hook(keep)
    block = module.body[1]
    with torch.no_grad():
        module(torch.tensor(X.reshape(7, *IMAGE)))
        want = block.body(seen[block]) + seen[block] if upto.endswith("relu") else seen[part]
    np.testing.assert_allclose(net(X), want.reshape(7, -1), atol=1e-12)


def test_modules_that_ask_for_float32():
    torch.manual_seed(0)
    module = nn.Sequential(Calls(lambda m, x: F.linear(x.float(), m.W)), nn.ReLU()).eval()
    net = hw.model.read(module, VECTOR)
    X = np.random.default_rng(2).normal(size=(7, 6))
    want = np.maximum(X @ module[0].W.detach().numpy().T.astype(float), 0)
    np.testing.assert_allclose(net(X), want, rtol=1e-12)  # read in float64 all the same


def test_only_parts_that_differ_in_training_are_warned_of():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    assert module.training
    assert hw.model.read(module).n_units == 4
    with pytest.warns(hw.DataWarning, match=r"training mode \(Dropout\)"):
        hw.model.read(nn.Sequential(nn.Linear(3, 4), nn.Dropout()))


def test_nan_weights_are_named():
    module = nn.Sequential(nn.Linear(3, 4)).eval()
    with torch.no_grad():
        module[0].weight[1, 2] = float("nan")
    with pytest.raises(hw.ModelError, match=r"'0'.*NaN"):
        hw.model.read(module)


def test_a_wrong_copy_is_never_analysed(monkeypatch):
    from hullwise.model.readers._layer_builder import LayerBuilder

    monkeypatch.setattr(
        LayerBuilder, "relu", lambda self, name, node: self.leaky_relu(name, node, "relu", 1e-6)
    )
    with pytest.raises(hw.ModelError, match="differs from itself"):
        hw.model.read(nn.Sequential(nn.Linear(3, 2), nn.ReLU()).eval())


def test_windows_that_were_drawn():
    """Fractional max pooling whose draws are fixed, in two and three dimensions."""
    draws = torch.rand(1, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flat = nn.FractionalMaxPool2d(
        (2, 3), output_size=(3, 4), _random_samples=draws[..., :2].expand(2, 2, 2)
    )
    deep = nn.FractionalMaxPool3d(2, output_ratio=0.7, _random_samples=draws.expand(2, 2, 3))
    for module, shape in ((flat, (2, 7, 9)), (deep, (2, 5, 6, 4))):
        net = hw.model.read(module, shape)
        X = torch.randn(2, *shape, dtype=torch.float64)
        expected = module(X).reshape(2, -1).numpy()
        np.testing.assert_array_equal(net(X.reshape(2, -1).numpy()), expected)
    uneven = torch.cat([draws, 1 - draws])
    with pytest.raises(hw.ModelError, match="other windows in each row"):
        hw.model.read(nn.FractionalMaxPool3d(2, 2, _random_samples=uneven), (2, 5, 6, 4))


def test_a_module_that_rounds_on_the_way_is_read_without_the_rounding():
    """As Keras does, which casts what enters each of its layers to float32."""

    class Rounds(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Linear(4, 8), torch.nn.Linear(8, 3)

        def forward(self, x):
            rounded = x.to(torch.float32).to(x.dtype)
            return self.last(self.first(rounded).relu())

    torch.manual_seed(0)
    module = Rounds()
    net = hw.model.read(module, input_shape=(4,))
    X = np.random.default_rng(0).normal(size=(20, 4))
    with torch.no_grad():
        expected = module(torch.tensor(X, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(net(X), expected, atol=1e-6)
