"""A torch module as the list of torch operators that it runs on one row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any, NoReturn

import numpy as np

from ..._core.types import Floats
from ..._core.wording import first_line
from ...errors import HullwiseError, ModelError
from ..readers._options import ReadOptions, chosen_output
from ..readers._torch_inputs import TorchInputs, answers, inputs_of_module
from ..readers._torch_reader import copy_at_rest
from ..readers._torch_refusals import JUMPING_CALLS
from . import _affine_rules, _curved_rules
from ._operator_call import OPERATOR_RULES, OperatorCall
from ._taylor_model import TaylorModel, TaylorSpace

VALUE_TOLERANCE = 1e-9  # of the largest output: the operators' values against the module's own
COMPARING = {"gt", "ge", "lt", "le", "eq", "ne", "sign", "where", "max", "min", "argmax", "sort"}
RULE_MODULES = (_affine_rules, _curved_rules)  # that fill the table of rules


class TracedModule:
    """A copy of a module at rest in float64, and the operators it ran on the row it was traced at.

    Attributes
    ----------
    title : str
    inputs : TorchInputs
    n_outputs : int
    """

    def __init__(self, module: Any, row: Floats, options: ReadOptions) -> None:
        import torch

        module = getattr(module, "_orig_mod", module)  # of torch.compile
        self.torch, self.title = torch, type(module).__name__
        self.module = copy_at_rest(module)
        self.inputs: TorchInputs = inputs_of_module(self.module, options)
        self.output = options.output
        if prod(self.inputs.shape) != len(row):
            raise ModelError(
                f"this {self.title} takes rows of shape {self.inputs.shape}, and the points have "
                f"{len(row)} numbers; give input_shape= where it is another"
            )
        self.graph = self._trace(row)
        self.n_outputs = len(self.values(row))

    def _tensor(self, row: Floats) -> Any:
        return self.torch.tensor(row, dtype=self.torch.float64).reshape(1, *self.inputs.shape)

    def _answer(self, x: Any) -> Any:
        named = answers(self.inputs.call(self.torch, self.module, x))
        tensors = {k: a for k, a in named.items() if isinstance(a, self.torch.Tensor)}
        if not tensors:
            raise ModelError(f"this {self.title} returns no tensor")
        return tensors[chosen_output(list(tensors), self.output, f"this {self.title}")]

    def _trace(self, row: Floats) -> Any:
        from torch.func import functionalize
        from torch.fx.experimental.proxy_tensor import make_fx

        with self._at_rest():
            return make_fx(functionalize(lambda x: self._answer(x)))(self._tensor(row)).eval()

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Attention runs as matrix products here; what the module's code raises is named."""
        from torch.nn.attention import SDPBackend, sdpa_kernel

        torch = self.torch
        fast, kind = torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()
        torch.backends.mha.set_fastpath_enabled(False)
        torch.set_default_dtype(torch.float64)  # of masks that the module's code makes
        try:
            with sdpa_kernel(SDPBackend.MATH), torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's own, about how it computes
                yield
        except HullwiseError:
            raise
        except Exception as error:  # whatever torch and the module's own code raise
            raise ModelError(
                f"this {self.title} cannot be traced on float64 rows of shape "
                f"{self.inputs.shape}: {first_line(error)}. Its code must not look at the input's "
                f"values; of a module that takes whole numbers (an embedding), give the part "
                f"behind it"
            ) from None
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            torch.set_default_dtype(kind)

    def values(self, row: Floats) -> Floats:
        """The module's own outputs (k,) at a row, in float64."""
        with self._at_rest():
            return np.asarray(self._answer(self._tensor(row)).reshape(-1).double().numpy())

    def expanded(self, row: Floats, start: TaylorModel, frozen: bool) -> TaylorModel:
        """Taylor models (k,) of the outputs, from that of the input around a row.

        Raises
        ------
        ModelError
            If an operator has no rule, or the value is not that of the module.
        """
        results: dict[Any, Any] = {}
        out: Any = None
        with self.torch.no_grad(), np.errstate(all="ignore"):
            for node in self.graph.graph.nodes:
                if node.op == "placeholder":
                    results[node] = start
                elif node.op == "get_attr":
                    results[node] = self._constant(getattr(self.graph, node.target))
                elif node.op == "output":
                    out = results[node.args[0]]
                else:
                    results[node] = self._called(node, results, start.space, frozen)
                    if _writes(node.target):  # what torch's own composed operators do
                        results[node.args[0]] = results[node]
                for used in node.all_input_nodes:
                    if list(used.users)[-1] is node:  # in the order of the calls
                        results.pop(used, None)
        if not isinstance(out, TaylorModel):
            raise ModelError(f"this {self.title} returns what does not depend on its input")
        flat = out.mapped(lambda z: z.reshape(-1), None, 0)
        self._require_values(flat.value.numpy(), row)
        return flat

    def _constant(self, value: Any) -> Any:
        is_real = isinstance(value, self.torch.Tensor) and value.is_floating_point()
        return value.double() if is_real else value

    def _called(self, node: Any, results: dict[Any, Any], space: TaylorSpace, frozen: bool) -> Any:
        def filled(value: Any) -> Any:
            if isinstance(value, tuple | list):
                return [filled(part) for part in value]
            return results[value] if hasattr(value, "all_input_nodes") else value

        args = [filled(a) for a in node.args]
        kwargs = {k: filled(a) for k, a in node.kwargs.items()}
        if not hasattr(node.target, "_schema"):  # getitem of what an operator gave
            return args[0][args[1]]
        if not any(isinstance(a, TaylorModel) for a in _parts([*args, *kwargs.values()])):
            result = node.target(*args, **kwargs)
            return [*map(self._constant, result)] if isinstance(result, tuple | list) else (
                self._constant(result)
            )  # fmt: skip
        call = OperatorCall(space, node.target, _by_name(node.target, args, kwargs), frozen)
        rule = OPERATOR_RULES.get(call.name)
        if rule is None:
            _refuse(call)
        return rule(call)

    def _require_values(self, values: Floats, row: Floats) -> None:
        """That the operators, run one by one, give what the module gives at this row."""
        truth = self.values(row)
        if not np.isfinite(truth).all():
            raise ModelError(f"this {self.title} gives NaN or infinity at a point")
        scale = max(float(np.abs(truth).max(initial=0.0)), 1e-300)
        gap = float(np.abs(values - truth).max()) if values.shape == truth.shape else np.inf
        if not gap <= VALUE_TOLERANCE * scale:
            raise ModelError(
                f"this {self.title} cannot be expanded: run operator by operator it differs from "
                f"itself by {gap / scale:.1e} of its largest output; what it does depends on the "
                f"input's values or on chance"
            )


def _writes(operator: Any) -> bool:
    """Whether it writes into its first argument, as add_ does."""
    return hasattr(operator, "_schema") and operator._schema.is_mutable


def _refuse(call: OperatorCall) -> NoReturn:
    if call.name in COMPARING or call.name in JUMPING_CALLS:
        call.refuse("that compares or jumps")
    call.refuse()


def _parts(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _parts(value)
        else:
            yield value


def _by_name(operator: Any, args: list[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names of an operator's schema, defaults too."""
    schema = operator._schema.arguments
    named = {one.name: one.default_value for one in schema if one.has_default_value()}
    named |= {one.name: value for one, value in zip(schema, args, strict=False)}
    return named | dict(kwargs)
