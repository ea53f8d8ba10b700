"""Every refusal says which it is: not piecewise affine, not continuous, or not implemented."""

import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
from onnx import TensorProto, helper  # noqa: E402

from torch_modules import Calls  # noqa: E402

CURVED, JUMPS, UNREAD = "not piecewise affine", "not continuous", "not implemented"

CALLS = {
    "gelu": (torch.nn.functional.gelu, CURVED),
    "layer_norm": (lambda x: torch.nn.functional.layer_norm(x, (4,)), CURVED),
    "std": (lambda x: x.std(1), CURVED),
    "cumprod": (lambda x: x.cumprod(1), CURVED),
    "lstm": (torch.nn.LSTM(4, 3, batch_first=True).double(), CURVED),
    "product of two branches": (lambda x: x * x.flip(1), CURVED),
    "round": (torch.round, JUMPS),
    "hardshrink": (torch.nn.functional.hardshrink, JUMPS),
    "gt, which jumps": (lambda x: torch.where(x > 0, x + 1, x), JUMPS),
    "cdist": (lambda x: torch.cdist(x, torch.ones(3, 4).double()), CURVED),
    "smooth_l1_loss": (
        lambda x: torch.nn.functional.smooth_l1_loss(x, 0 * x, reduction="none"),
        CURVED,
    ),
    "use of the places": (
        lambda x: torch.nn.functional.max_unpool1d(
            *torch.nn.functional.max_pool1d(x[:, None], 2, return_indices=True), 2
        ),
        JUMPS,
    ),
    "multi_margin_loss": (
        lambda x: torch.nn.functional.multi_margin_loss(
            x, torch.zeros(len(x), dtype=torch.long), reduction="none"
        ),
        UNREAD,
    ),
    "draws its windows": (
        lambda x: torch.nn.functional.fractional_max_pool2d(
            x.reshape(-1, 1, 2, 2), 1, output_size=(2, 2)
        ).flatten(1),
        UNREAD,
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_call_is_refused_as_what_it_is(what):
    function, why = CALLS[what]
    shape = (5, 4) if what == "lstm" else (4,)

    def called(_, x):
        out = function(x)
        return (out[0] if isinstance(out, tuple) else out) * 2

    with pytest.raises(hw.ModelError, match=f"(?i){what}.*: .*{why}"):
        hw.model.read(Calls(called), shape)


OPERATORS = {
    "Gelu": CURVED,
    "LayerNormalization": CURVED,
    "Tanh": CURVED,
    "Round": JUMPS,
    "QuantizeLinear": JUMPS,
    "NegativeLogLikelihoodLoss": UNREAD,
}


@pytest.mark.parametrize("kind", OPERATORS)
def test_an_operator_is_refused_as_what_it_is(kind):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node(kind, ["x"], ["h"], name="here"),
        helper.make_node("Abs", ["h"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=8)
    with pytest.raises(hw.ModelError, match=f"'here' is a {kind}.*: .*{OPERATORS[kind]}"):
        hw.model.read(model)
