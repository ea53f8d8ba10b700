"""TangentProp: how much a network's outputs change along tangents, as something to train down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._core.foreign import own_errors
from .._core.options import check_positive
from .._core.wording import type_of
from ..errors import DataError, ModelError
from ._torch import (
    check_module,
    float_rows,
    import_torch,
    prepare_forward_mode,
    refuse_without_forward_mode,
)
from .tangents import transformation_tangents


def tangent_penalty(
    module: Any,
    X: Any,
    tangents: Any,
    *,
    method: str = "jvp",
    step: float | None = None,
    reduction: str = "mean",
) -> Any:
    """The squared derivative of a network's outputs along tangents of its inputs.

    Parameters
    ----------
    module : torch.nn.Module
        Answers each row by itself with one tensor.
    X : Tensor or array-like (n, ...)
        Rows or images, of floats.
    tangents : Tensor or array-like (n, ...) or (n, k, ...), or callable
        One tangent for each row, or k of them; or a transformation ``transform(X, amount)``, whose
        tangents are taken by finite differences (`transformation_tangents` has more choices). Those
        of a table are `local_tangents`.
    method : {"jvp", "differences"}
        Exactly, by forward differentiation; or by central differences of the outputs, for modules
        with operations that torch cannot differentiate forwards, and inside of another forward
        differentiation.
    step : float, optional
        Length of the differences. The cube root of the type's rounding, times the root mean square
        of a row's length, unless told.
    reduction : {"mean", "sum", "none"}
        Over the rows.

    Returns
    -------
    Tensor () or (n,)
        For each row the sum over tangents and outputs of the squared derivatives. Its own gradient
        by the parameters is exact: add it to the loss, times a weight of your choice.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    ModelError
        For what is no torch module, outputs that are no tensor of n rows, or operations without a
        forward derivative.
    DataError, DataTypeError
        Whole numbers, NaN, infinity, tangents of another shape.

    Notes
    -----
    For a linear network W x + b it is |W t|^2, and with all d unit vectors as tangents it is the
    squared norm of the Jacobian. Cost: a pass with k rows for each row, two for differences, and
    its backward pass. Batch normalisation uses its running statistics meanwhile (with those of the
    batch the rows would move each other); both passes of the differences see the same dropout;
    autocast is off meanwhile.

    Source: P. Simard, B. Victorri, Y. LeCun, J. Denker, *Tangent Prop: a formalism for specifying
    selected invariances in an adaptive network*, NeurIPS 1991 (printed in 1992), equation (2).

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> net = torch.nn.Linear(2, 1)
    >>> with torch.no_grad():
    ...     _ = net.weight.copy_(torch.tensor([[3.0, 4.0]]))
    >>> X, along = torch.zeros(5, 2), torch.tensor([[1.0, 0.0]]).expand(5, 2)
    >>> penalty = hw.train.tangent_penalty(net, X, along)
    >>> float(penalty.detach())
    9.0
    >>> penalty.backward()
    >>> net.weight.grad
    tensor([[6., 0.]])
    """
    torch = import_torch("tangent_penalty")
    check_module(torch, module)
    if method not in ("jvp", "differences"):
        raise DataError(f"method={method!r}: expected 'jvp' or 'differences'.")
    if reduction not in ("mean", "sum", "none"):
        raise DataError(f"reduction={reduction!r}: expected 'mean', 'sum' or 'none'.")
    if torch.is_inference_mode_enabled():
        raise ModelError("torch.inference_mode keeps no derivatives: use torch.no_grad instead.")
    rows = float_rows(torch, X, "X", module)
    directions = _tangents_of_rows(torch, module, rows, tangents)
    n, k = directions.shape[:2]
    repeated = rows.repeat_interleave(k, dim=0)
    flat = directions.reshape(n * k, *rows.shape[1:])
    with (
        own_errors("computing the tangent penalty"),
        _running_statistics(torch, module),
        torch.autocast(rows.device.type, enabled=False),
    ):
        if method == "jvp":
            derivatives = _derivatives_by_jvp(torch, module, repeated, flat)
        else:
            derivatives = _derivatives_by_differences(torch, module, repeated, flat, step)
    per_row = derivatives.reshape(n, -1).square().sum(dim=1)
    return per_row if reduction == "none" else getattr(per_row, reduction)()


def _tangents_of_rows(torch: Any, module: Any, rows: Any, tangents: Any) -> Any:
    """Tangents (n, k, ...) of rows (n, ...)."""
    if callable(tangents) and not isinstance(tangents, torch.Tensor):
        tangents = transformation_tangents(tangents, rows)
    directions = float_rows(torch, tangents, "tangents", module).to(rows)
    if directions.shape == rows.shape:
        return directions[:, None]
    if directions.ndim == rows.ndim + 1 and directions.shape[1] > 0:
        n, _, *features = directions.shape
        if (n, *features) == tuple(rows.shape):
            return directions
    row_text = ", ".join(map(str, rows.shape[1:]))
    raise DataError(
        f"tangents have shape {tuple(directions.shape)}: X has shape {tuple(rows.shape)}, expected "
        f"({rows.shape[0]}, {row_text}) or ({rows.shape[0]}, k, {row_text})."
    )


@contextmanager
def _running_statistics(torch: Any, module: Any) -> Iterator[None]:
    """Batch normalisation at rest, so that each row is answered by itself."""
    normalising = [
        part
        for part in module.modules()
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)
        and part.training
        and part.track_running_stats
    ]
    for part in normalising:
        part.training = False
    try:
        yield
    finally:
        for part in normalising:
            part.training = True


def _checked_outputs(torch: Any, outputs: Any, n: int) -> Any:
    if not isinstance(outputs, torch.Tensor) or outputs.ndim == 0 or outputs.shape[0] != n:
        what = (
            f"shape {tuple(outputs.shape)}"
            if isinstance(outputs, torch.Tensor)
            else f"{type_of(outputs)}"
        )
        raise ModelError(f"the module answers {n} rows with {what}: expected a tensor of {n} rows.")
    return outputs


def _derivatives_by_jvp(torch: Any, module: Any, rows: Any, tangents: Any) -> Any:
    prepare_forward_mode()
    forward = torch.autograd.forward_ad
    try:
        with forward.dual_level():
            outputs = _checked_outputs(
                torch, module(forward.make_dual(rows, tangents)), rows.shape[0]
            )
            derivative = forward.unpack_dual(outputs).tangent
    except (NotImplementedError, RuntimeError) as error:
        refuse_without_forward_mode(error, f"this {type(module).__name__}")
        raise
    if derivative is None:
        raise ModelError(
            f"the outputs of this {type(module).__name__} carry no derivative by X: it does not "
            "use X, or leaves torch's functions (NumPy, detach). Pass method='differences'."
        )
    return derivative


def _derivatives_by_differences(
    torch: Any, module: Any, rows: Any, tangents: Any, step: float | None
) -> Any:
    """Central differences, the points as far from each row whatever the tangent's length."""
    lengths = tangents.flatten(1).norm(dim=1)
    shape = (-1, *(1 for _ in rows.shape[1:]))
    amount = _difference_length(torch, rows) if step is None else check_positive("step", step)
    unit = tangents / lengths.clamp_min(torch.finfo(rows.dtype).tiny).reshape(shape)
    answer = _same_random_numbers(torch, rows, module)
    above = _checked_outputs(torch, answer(rows + amount * unit), rows.shape[0])
    slope = (above - answer(rows - amount * unit)) / (2 * amount)
    return slope * lengths.reshape(-1, *(1 for _ in slope.shape[1:]))


def _difference_length(torch: Any, rows: Any) -> float:
    size = float(rows.detach().flatten(1).square().sum(dim=1).mean().sqrt())
    return float(torch.finfo(rows.dtype).eps ** (1 / 3)) * (size or 1.0)


def _same_random_numbers(torch: Any, rows: Any, module: Any) -> Callable[[Any], Any]:
    """The module's answer, with the same dropout whenever it is called."""
    on_gpu = rows.device.type == "cuda"
    state = torch.get_rng_state()
    gpu_state = torch.cuda.get_rng_state(rows.device) if on_gpu else None

    def answer(points: Any) -> Any:
        torch.set_rng_state(state)
        if on_gpu:
            torch.cuda.set_rng_state(gpu_state, rows.device)
        return module(points)

    return answer
