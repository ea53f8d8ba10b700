"""Which refusal a torch call is that nobody reads, told by its own values.

A function that is piecewise affine has second differences of zero almost everywhere; a curved one
has them nowhere.
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


def refusal_of_call(call: TorchCall) -> Refusal:
    """By name where it jumps, else by its second differences at random places."""
    if call.kind in JUMPING_CALLS:
        return Refusal.JUMPS
    try:
        return Refusal.UNREAD if _is_flat(call) else Refusal.CURVED
    except Exception:  # of torch or the module's own code, whatever it is given
        return Refusal.UNREAD


def _is_flat(call: TorchCall) -> bool:
    """Whether every output has no second difference somewhere."""
    torch = call.reader.torch
    signals = call.node.all_input_nodes
    draw = torch.Generator().manual_seed(0)
    flat: list[Any] = []
    for trial in range(DIFFERENCE_TRIALS):
        at, step = {}, {}
        for node in signals:
            example = call.reader.examples[node]
            if not example.is_floating_point():
                continue
            noise = torch.randn(example.shape, generator=draw, dtype=torch.float64)
            at[node] = example + trial / 4 * noise
            step[node] = DIFFERENCE_STEP * torch.randn(
                example.shape, generator=draw, dtype=torch.float64
            )
        low, middle, high = (_outputs(call, at, step, side) for side in (-1, 0, 1))
        for i, (a, b, c) in enumerate(zip(low, middle, high, strict=True)):
            size = a.abs() + 2 * b.abs() + c.abs() + 1
            here = (a - 2 * b + c).abs() <= FLAT_DIFFERENCE * size
            if len(flat) == i:
                flat.append(here)
            flat[i] |= here
    return all(bool(part.all()) for part in flat)


def _outputs(call: TorchCall, at: dict[Any, Any], step: dict[Any, Any], side: int) -> list[Any]:
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
