"""One descent: a problem, a method, a rate and a seed, with its losses, times and memory."""

from __future__ import annotations

from collections.abc import Mapping
from time import process_time
from typing import Any

import numpy as np

import hullwise as hw
from hullwise.errors import DataError

from .._types import Array, Floats
from ._problems import ForwardProblem, FunctionModel, NetworkModel

LOSS_WINDOW = 20  # steps whose losses are averaged into one point

# Options of `hullwise.train.accumulate_forward_gradient`; None is backpropagation.
GRADIENT_METHODS: Mapping[str, dict[str, Any] | None] = {
    "backpropagation": None,
    "forward": {"directions": "gaussian"},
    "forward-4": {"n_tangents": 4, "directions": "rademacher"},
    "activations": {"directions": "rademacher", "perturb": "activations"},
}
METHOD_TITLES = {
    "backpropagation": "backpropagation",
    "forward": "forward, 1 tangent",
    "forward-4": "forward, 4 tangents",
    "activations": "forward, activations",
}


# Those that are run at the rate that all share, too.
ONE_RATE_METHODS = ("backpropagation", "forward")


def methods_of(problem: ForwardProblem) -> tuple[str, ...]:
    """What a problem is minimised with: a point has no activations."""
    return tuple(GRADIENT_METHODS) if problem.is_network else ("backpropagation", "forward")


def descend(
    torch: Any,
    model: FunctionModel | NetworkModel,
    method: str,
    rate: float,
    decay: float,
    seed: int,
    steps: int,
) -> dict[str, Array]:
    """Follow the gradients downhill; what is NaN from some step on went to infinity.

    Times are of the processor, which other programs do not lengthen.
    """
    module, options = model.module, GRADIENT_METHODS[method]
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, float(np.exp(-decay)))
    generator = torch.Generator().manual_seed(seed)
    rows = options is not None and options.get("perturb") == "activations"
    losses, seconds = np.full(steps, np.nan), np.full(steps, np.nan)
    for step in range(steps):
        start = process_time()
        loss = model.loss(step, rows=rows)
        optimizer.zero_grad()
        try:
            value = _gradient(torch, module, loss, options, generator)
        except DataError:
            break
        if not np.isfinite(value):
            break
        optimizer.step()
        schedule.step()
        losses[step], seconds[step] = value, process_time() - start
    test_loss, accuracy = model.test() if np.isfinite(losses[-1]) else (np.nan, np.nan)
    return {
        "losses": _windows(losses),
        "seconds": np.cumsum(seconds)[LOSS_WINDOW - 1 :: LOSS_WINDOW],
        "step_seconds": np.array(np.nanmedian(seconds) if np.isfinite(seconds).any() else np.nan),
        "test": np.array([test_loss, accuracy]),
        "rate": np.array(rate),
        "weights": np.array(sum(p.numel() for p in module.parameters())),
        "memory": np.array(kept_for_the_way_back(torch, model) if options is None else 0),
    }


def _gradient(torch: Any, module: Any, loss: Any, options: Any, generator: Any) -> float:
    """Fill the gradients; the loss."""
    if options is not None:
        step = hw.train.accumulate_forward_gradient(loss, module, generator, **options)
        return float(step.value)
    value = loss(module)
    value.backward()
    return float(value.detach())


def kept_for_the_way_back(torch: Any, model: FunctionModel | NetworkModel) -> int:
    """Bytes that backpropagation keeps of one step, beside the weights."""
    weights = {p.untyped_storage().data_ptr() for p in model.module.parameters()}
    sizes: dict[int, int] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kept = model.loss(0)(model.module)  # what is kept stays alive, each in its own place
    del kept
    return sum(sizes.values())


def _windows(losses: Floats) -> Floats:
    whole = len(losses) // LOSS_WINDOW * LOSS_WINDOW
    return np.asarray(losses[:whole].reshape(-1, LOSS_WINDOW).mean(axis=1))
