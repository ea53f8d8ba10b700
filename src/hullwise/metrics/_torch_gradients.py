"""Gradients of any torch module at rows, by its own autograd, on a copy at rest in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from .._core.types import Floats
from .._core.wording import first_line
from ..errors import HullwiseError, ModelError

TORCH_BLOCK_ROWS = 256
ROW_INDEPENDENCE = 1e-5  # of the largest output: more is no rounding, in float32 either


def is_torch(model: Any) -> bool:
    """Whether it is a torch module, without importing torch."""
    return hasattr(model, "state_dict") and hasattr(model, "parameters")


class TorchGradients:
    """By torch, for modules that are not piecewise affine; the module given stays as it is.

    In float64; of a module whose code asks for float32 by name, in float32.
    """

    def __init__(self, module: Any) -> None:
        self.title = type(module).__name__
        self._copies = {"float64": self._at_rest(module)}
        self._precision = "float64"

    @property
    def method(self) -> str:
        single = self._precision == "float32"
        return f"exact, by torch{', in float32' if single else ''}"

    def _at_rest(self, module: Any) -> Any:
        """A copy at rest in float64 on the processor, that keeps no gradients of its own."""
        import torch

        try:
            with torch.inference_mode(False):  # copies made within have no gradients
                copied = copy.deepcopy(module).to("cpu").double().eval()
        except Exception as error:  # whatever torch raises: of lazy, meta or shared tensors
            raise ModelError(
                f"this {self.title} cannot be copied ({first_line(error)}): give a module whose "
                f"parameters have values, or a function of rows"
            ) from None
        for parameter in copied.parameters():
            parameter.requires_grad_(False)
        return copied

    def function(self) -> Callable[[Floats], Floats]:
        """The module as a function of arrays, (m, d) to (m, k)."""
        import torch

        def call(X: Floats) -> Floats:
            parts = []
            with torch.inference_mode(False), torch.no_grad():
                for i in range(0, len(X), TORCH_BLOCK_ROWS):
                    rows = torch.tensor(X[i : i + TORCH_BLOCK_ROWS], dtype=torch.float64)
                    parts.append(self._outputs(rows).numpy())
            return np.concatenate(parts) if parts else np.zeros((0, 0))

        return call

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        """Blocks (m, k, d), one backward pass for each output and block.

        Raises
        ------
        ModelError
            If the module does not take the rows, mixes them, gives several tensors, NaN, or what
            does not depend on them.
        """
        import torch

        self._require_own_rows(X)
        for i in range(0, len(X), TORCH_BLOCK_ROWS):
            with torch.inference_mode(False), torch.enable_grad():
                x = torch.tensor(X[i : i + TORCH_BLOCK_ROWS], dtype=torch.float64)
                x.requires_grad_(True)
                out = self._outputs(x)
                if out.grad_fn is None:
                    raise ModelError(
                        f"what this {self.title} gives has no gradient in its rows: it rounds, "
                        f"compares, or leaves torch on the way"
                    )
                slopes = [self._slopes(out[:, j], x) for j in range(out.shape[1])]
            J = torch.stack(slopes, 1).numpy()
            if not np.isfinite(J).all():
                row = i + int(np.argmin(np.isfinite(J).all(axis=(1, 2))))
                raise ModelError(
                    f"the gradient of this {self.title} is NaN or infinite at row {row}"
                )
            yield J

    def _slopes(self, values: Any, x: Any) -> Any:
        import torch

        with self._module_errors(x):
            (slope,) = torch.autograd.grad(values.sum(), x, retain_graph=True, allow_unused=True)
        return torch.zeros_like(x) if slope is None else slope

    def _answer(self, x: Any) -> Any:
        if self._precision == "float64":
            try:
                return self._copies["float64"](x)
            except RuntimeError as error:
                if not any(word in str(error).lower() for word in ("dtype", "float", "double")):
                    raise
                self._copies["float32"] = copy.deepcopy(self._copies["float64"]).float()
                with suppress(Exception):
                    answer = self._copies["float32"](x.float())
                    self._precision = "float32"
                    return answer
                raise  # what float64 says
        return self._copies["float32"](x.float())

    def _outputs(self, x: Any) -> Any:
        """Outputs (m, k) at rows, in float64."""
        import torch

        with self._module_errors(x):
            answer = self._answer(x)
        tensors = [a for a in _leaves(answer) if isinstance(a, torch.Tensor)]
        tensors = [a for a in tensors if a.is_floating_point()]
        if len(tensors) != 1:
            raise ModelError(
                f"this {self.title} gives {len(tensors)} tensors of numbers; expected one: give a "
                f"module that returns the one that counts"
            )
        if tensors[0].ndim == 0 or len(tensors[0]) != len(x):
            raise ModelError(
                f"this {self.title} gives shape {tuple(tensors[0].shape)} for {len(x)} rows; "
                f"expected one row of outputs for each"
            )
        return tensors[0].reshape(len(x), -1).double()

    @contextmanager
    def _module_errors(self, x: Any) -> Iterator[None]:
        try:
            yield
        except HullwiseError:
            raise
        except Exception as error:  # whatever torch and the module's own code raise
            raise ModelError(
                f"this {self.title} fails on float64 rows of shape {tuple(x.shape[1:])}: "
                f"{first_line(error)}. If its rows have another shape, put "
                f"torch.nn.Unflatten(1, shape) before it; of a module that takes whole numbers (an "
                f"embedding), give the part behind that"
            ) from None

    def _require_own_rows(self, X: Floats) -> None:
        """That outputs of a row do not depend on the rows beside it."""
        import torch

        if len(X) < 2:
            return
        with torch.inference_mode(False), torch.no_grad():
            x = torch.tensor(X[:3], dtype=torch.float64)
            together, alone = self._outputs(x)[:1], self._outputs(x[:1])
        gap, size = float((together - alone).abs().max()), float(together.abs().max())
        if not gap <= ROW_INDEPENDENCE * max(size, 1e-300):
            raise ModelError(
                f"this {self.title} gives a row another output beside other rows: it "
                f"mixes the rows of a batch, or depends on chance"
            )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value
