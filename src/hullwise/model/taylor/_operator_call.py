"""One call of a torch operator in a traced module, its arguments by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from ...errors import ModelError
from ._taylor_model import TaylorModel, TaylorSpace


@dataclass(frozen=True, eq=False)
class OperatorCall:
    """`arguments` by the names of the operator's schema: Taylor models, tensors and options."""

    space: TaylorSpace
    operator: Any
    arguments: dict[str, Any]
    frozen: bool

    @property
    def name(self) -> str:
        return operator_name(self.operator)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def get(self, name: str, otherwise: Any = None) -> Any:
        value = self.arguments.get(name)
        return otherwise if value is None else value

    def only(self, *names: str) -> None:
        """That Taylor models are among these arguments alone."""
        for name, value in self.arguments.items():
            if isinstance(value, TaylorModel) and name not in names:
                self.refuse(f"whose {name} depends on the input")

    def run(self, /, **replaced: Any) -> Any:
        """The operator itself on tensors, some arguments replaced."""
        return self.operator(**{**self.arguments, **replaced})

    def refuse(self, how: str = "") -> NoReturn:
        raise ModelError(
            f"operator {self.name!r}{f' {how}' if how else ''} has no proved remainder here: not "
            f"implemented. Written with matrix products, sums, products, softmax, norms and the "
            f"usual activations the module can be expanded; hullwise.metrics.agop and "
            f"locate need gradients only, and take it as it is"
        )


Rule = Callable[[OperatorCall], Any]
OPERATOR_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """A decorator: the rule of operators of these names."""

    def register(function: Rule) -> Rule:
        OPERATOR_RULES.update(dict.fromkeys(names, function))
        return function

    return register


def operator_name(operator: Any) -> str:
    """mul, of aten.mul.Tensor and aten.mul_.Tensor."""
    packet = getattr(operator, "overloadpacket", operator)
    name = str(getattr(packet, "__name__", packet))
    return name.rstrip("_") if operator._schema.is_mutable else name
