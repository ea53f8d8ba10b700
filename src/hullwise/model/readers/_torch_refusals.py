"""Which refusal a torch call is that nobody reads, told by its own values.

A function that is piecewise affine has second differences of zero almost everywhere. Where one is
curved they are not, and fall to a quarter as the step is halved, as no kink makes them twice.
"""

from __future__ import annotations

import warnings
from typing import Any

from ._refusals import Refusal
from ._torch_layers import TorchCall, map_calls
from ._torch_recorder import leaves

JUMPING_CALLS = {
    *("argmax", "argmin", "argsort", "bucketize", "ceil", "fix", "floor", "floor_divide", "fmod"),
    *("frac", "hardshrink", "heaviside", "histc", "isclose", "isfinite", "mode"),
    *("ne", "eq", "nonzero", "one_hot", "quantize_per_channel", "quantize_per_tensor", "remainder"),
    *("round", "searchsorted", "signbit", "trunc", "unique", "fake_quantize_per_tensor_affine"),
}
DIFFERENCE_TRIALS = 12
DIFFERENCE_STEP = 2.0**-10
FLAT_DIFFERENCE = 1e-11  # of the values: a second difference of rounding alone
QUARTER_TOLERANCE = 0.01  # of a quarter: what higher derivatives change of it


def refusal_of_call(call: TorchCall) -> Refusal:
    """By name where it jumps, else by its second differences at random places."""
    if call.kind in JUMPING_CALLS:
        return Refusal.JUMPS
    try:
        return Refusal.CURVED if _is_curved(call) else Refusal.UNREAD
    except Exception:  # of torch or the module's own code, whatever it is given
        return Refusal.UNREAD


def _is_curved(call: TorchCall) -> bool:
    """Whether an output is curved somewhere, or nowhere flat."""
    torch = call.reader.torch
    draw = torch.Generator().manual_seed(0)
    flat: list[Any] = []
    for trial in range(DIFFERENCE_TRIALS):
        at, step = {}, {}
        for node in call.node.all_input_nodes:
            example = call.reader.examples[node]
            if not example.is_floating_point():
                continue
            noise, way = (
                torch.randn(example.shape, generator=draw, dtype=torch.float64) for _ in range(2)
            )
            at[node], step[node] = example + trial / 4 * noise, DIFFERENCE_STEP * way
        wide, half, quarter = (_differences(call, at, step, 2.0**-i) for i in range(3))
        for i, ((d, size), (d2, _), (d4, _)) in enumerate(zip(wide, half, quarter, strict=True)):
            bent = d.abs() > FLAT_DIFFERENCE * size
            if bool((bent & _is_a_quarter(d2, d) & _is_a_quarter(d4, d2)).any()):
                return True
            if len(flat) == i:
                flat.append(~bent & (d == d))
            flat[i] |= ~bent & (d == d)
    return not all(bool(part.all()) for part in flat)


def _is_a_quarter(small: Any, large: Any) -> Any:
    return (small - large / 4).abs() <= QUARTER_TOLERANCE * large.abs() / 4


def _differences(
    call: TorchCall, at: dict[Any, Any], step: dict[Any, Any], share: float
) -> list[tuple[Any, Any]]:
    """For each output its second difference along a share of the steps, and its size."""
    sides = (_outputs(call, at, step, side * share) for side in (-1, 0, 1))
    return [
        (a - 2 * b + c, a.abs() + 2 * b.abs() + c.abs() + 1) for a, b, c in zip(*sides, strict=True)
    ]


def _outputs(call: TorchCall, at: dict[Any, Any], step: dict[Any, Any], side: float) -> list[Any]:
    def moved(node: Any) -> Any:
        if node in at:
            return at[node] + side * step[node]
        return call.reader.examples[node]

    torch = call.reader.torch
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = call.node.target(
            *map_calls(moved, call.node.args), **map_calls(moved, call.node.kwargs)
        )
    parts = [a for a in leaves(answer) if isinstance(a, torch.Tensor)]
    parts = [torch.view_as_real(a) if a.is_complex() else a for a in parts]
    return [a for a in parts if a.is_floating_point()]
