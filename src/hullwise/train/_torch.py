"""Torch, imported when a training aid first needs it, and the checks of what it is handed."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from .._core.wording import type_of
from ..errors import DataError, DataTypeError, MissingDependencyError, ModelError


def import_torch(purpose: str) -> Any:
    """The torch package, or one clear sentence.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingDependencyError(
            f"{purpose} needs torch, which comes with: pip install 'hullwise[torch]'"
        ) from None
    return torch


@cache
def prepare_forward_mode() -> None:
    """Have torch load its forward derivatives, which warns of torch's own old functions."""
    import torch

    forward = torch.autograd.forward_ad
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with forward.dual_level():
            forward.make_dual(torch.zeros(1), torch.zeros(1))


def refuse_without_forward_mode(error: Exception, what: str) -> None:
    """ModelError if torch's error is that it cannot differentiate `what` forwards."""
    words = str(error).splitlines()[0] if str(error) else ""
    if any(part in words for part in ("forward AD", "forward mode AD", "functorch")):
        raise ModelError(
            f"torch cannot differentiate {what} forwards ({words}): pass method='differences'."
        ) from error


def is_tensor(values: Any) -> bool:
    """Whether it is a torch tensor, without importing torch."""
    return type(values).__module__.partition(".")[0] == "torch" and hasattr(values, "detach")


def check_module(torch: Any, module: Any) -> None:
    """ModelError for what is no torch module."""
    if not isinstance(module, torch.nn.Module):
        raise ModelError(
            f"module is {type_of(module)}: expected a torch.nn.Module. Networks of other "
            "libraries have no gradients to train with."
        )


def float_rows(torch: Any, values: Any, name: str, module: Any = None) -> Any:
    """Rows as a finite tensor of floats; arrays become tensors like the module's parameters.

    Raises
    ------
    DataTypeError
        For whole numbers, complex numbers, and what is no array.
    DataError
        For no rows, NaN and infinity.
    """
    tensor = values if is_tensor(values) else _as_tensor(torch, values, name, module)
    if not tensor.is_floating_point():
        dtype_name = str(tensor.dtype).removeprefix("torch.")
        raise DataTypeError(
            f"{name} is a tensor of {dtype_name}: expected floats, call {name}.float() first."
        )
    if tensor.ndim == 0 or tensor.shape[0] == 0:
        raise DataError(f"{name} has shape {tuple(tensor.shape)}: expected at least one row.")
    refuse_non_finite(torch, tensor, name)
    return tensor


def _as_tensor(torch: Any, values: Any, name: str, module: Any) -> Any:
    """An array as a tensor of the type, and on the device, of the module's parameters."""
    like = next(iter(module.parameters()), None) if module is not None else None
    dtype = torch.get_default_dtype() if like is None else like.dtype
    try:
        if isinstance(values, np.ndarray) and not values.flags.writeable:
            values = values.copy()  # torch warns of arrays that it could write to and may not
        return torch.as_tensor(values, dtype=dtype, device=None if like is None else like.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataTypeError(
            f"{name} of type {type(values).__name__} is no tensor of numbers ({error})."
        ) from None


def refuse_non_finite(torch: Any, tensor: Any, name: str) -> None:
    """DataError that says in which row NaN or infinity stands first."""
    finite = torch.isfinite(tensor.detach())
    if bool(finite.all()):
        return
    row = int((~finite).nonzero()[0][0]) if tensor.ndim else 0
    raise DataError(
        f"{name} holds {int((~finite).sum())} NaN or infinite numbers, first in row {row} (counted "
        "from 0): expected finite ones."
    )
