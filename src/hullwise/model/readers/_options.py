"""What a caller may say about a model beside the model itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._core.options import check_positive
from ..._core.wording import type_of
from ...errors import DataError, Hint, ModelError


@dataclass(frozen=True)
class ReadOptions:
    """See `hullwise.model.read`."""

    input_shape: Any = None
    upto: str | None = None
    output: str | int | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    unit_error: float | None = None  # of pieces in place of smooth units; None: those are refused

    def __post_init__(self) -> None:
        if self.upto is not None and self.output is not None:
            raise DataError("give upto= or output=, not both: one says where the reading ends")
        if not isinstance(self.constants, Mapping):
            raise DataError(
                f"constants is {type_of(self.constants)}; give a dict of the inputs that "
                f"stay what they are, by their names"
            )

    def require_one_input(self, kind: str) -> None:
        """That nothing is said that only models of several inputs or outputs can be told."""
        if self.constants or self.output is not None or isinstance(self.input_shape, Mapping):
            raise ModelError(
                f"{kind} has one input and one output: constants=, output= and an input_shape "
                f"that is a dict say nothing of it"
            )


def unit_error(smooth: Any, error: Any) -> float | None:
    """How far pieces may be off smooth units; None where these are refused.

    Raises
    ------
    DataError
        If the options are not what they can be.
    """
    if smooth is None:
        return None
    if smooth != "pieces":
        raise DataError(f"smooth={smooth!r}: expected 'pieces', or None")
    return check_positive("error", error)


def chosen_output(names: list[str], output: str | int | None, title: str) -> str:
    """The name of the output that is wanted, of those there are.

    Raises
    ------
    ModelError
        If there are several and none is named, or there is none of that name.
    """
    listed = ", ".join(repr(name) for name in names[:40])
    if output is None:
        if len(names) == 1:
            return names[0]
        error = ModelError(f"{title} gives {len(names)} outputs ({listed})")
        raise error.with_hint(Hint.CHOOSE_OUTPUT, repr(names[0]))
    if str(output) in names:
        return str(output)
    if isinstance(output, int) and -len(names) <= output < len(names):
        return names[output]
    raise ModelError(f"{title} gives no output {output!r}; there are {listed}")
