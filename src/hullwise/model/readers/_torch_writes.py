"""What torch code writes in place, as calls that give new tensors.

A call that writes into a tensor is recorded as one on a copy of it. Tensors that share the memory
(the whole that it is a view of, other views) are then recorded as overwritten where they overlap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

BUFFER_FACTORIES = {"zeros", "ones", "full", "empty", "eye", "linspace", "zeros_like", "ones_like"}


def assigned(target: Any, key: Any, value: Any) -> Any:
    """``target[key] = value``, as a new tensor."""
    out = target.clone()
    out[key] = value
    return out


def overwritten(old: Any, new: Any, places: Any) -> Any:
    """`old` with the entries of `new` that stand at its places (-1: none)."""
    taken = new.reshape(-1)[places.clamp(min=0)]
    return taken.where(places >= 0, old.to(taken.dtype))


def on_copy(call: Callable[..., Any], key: str | None) -> Callable[..., Any]:
    """A call that writes into its first argument, or into that of this name, on a copy of it."""

    @functools.wraps(call)
    def copied(*args: Any, **kwargs: Any) -> Any:
        if key is not None:
            out = kwargs[key].clone()
            call(*args, **{**kwargs, key: out})
            return out
        out = args[0].clone()
        answer = call(out, *args[1:], **kwargs)
        return out if answer is None else answer

    return copied


def named_target(call: Any, args: Any, kwargs: Any) -> tuple[Any, str | None]:
    """The tensor that a call writes into by its name or its arguments, and the argument's name."""
    if kwargs.get("out") is not None:
        return kwargs["out"], "out"
    name = str(getattr(call, "__name__", "")).partition(".")[0]
    own = name.endswith("_") and not name.endswith("__")
    in_place_operator = name.startswith("__i") and name.endswith("__") and name[3:-2] != "nvert"
    if (own or in_place_operator or kwargs.get("inplace")) and args:
        return args[0], None
    return None, None


def version_of(tensor: Any) -> int | None:
    """How often a tensor was written to; None where torch does not count (inference mode)."""
    return None if tensor.is_inference() else int(tensor._version)


def sharing(tensor: Any, others: Iterable[Any]) -> list[Any]:
    """Those of the other tensors that share its memory."""
    start = _memory(tensor)
    return [
        one for one in others if one is not tensor and start is not None and _memory(one) == start
    ]


def _memory(tensor: Any) -> Any:
    try:
        return tensor.untyped_storage().data_ptr() or None
    except (NotImplementedError, RuntimeError):  # tensors without memory of their own
        return None


def overlap(torch: Any, tensor: Any, written: Any) -> Any:
    """For each entry of a tensor its place in one that shares its memory, -1 where it has none."""
    size = 1 + max(_last(tensor), _last(written))
    where = torch.full((size,), -1)
    where[_positions(torch, written).reshape(-1)] = torch.arange(written.numel())
    return where[_positions(torch, tensor)]


def _last(tensor: Any) -> int:
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return int(tensor.storage_offset() + sum((n - 1) * step for n, step in steps))


def _positions(torch: Any, tensor: Any) -> Any:
    """Of a tensor's entries in its memory."""
    out = torch.full(tuple(tensor.shape), tensor.storage_offset())
    for axis, (n, step) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        out = out + step * torch.arange(n).reshape(-1, *[1] * (tensor.dim() - axis - 1))
    return out


def widened(name: str, kwargs: Any, result: Any) -> Any:
    """A buffer of torch's default type in float64, which the module's copy at rest works in."""
    if name in BUFFER_FACTORIES and kwargs.get("dtype") is None and "float32" in str(result.dtype):
        return result.double()
    return result
