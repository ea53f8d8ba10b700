"""What is asked of a network over boxes of its inputs, as the cases in which it is broken."""

from __future__ import annotations

from dataclasses import dataclass

from ..._core.types import Floats, Mask


@dataclass(frozen=True, eq=False, repr=False)
class UnsafeCase:
    """Inputs and outputs that break a property: x in a box with ``A x + C y + c >= 0``.

    Attributes
    ----------
    low, high : ndarray (d,)
        The box of the inputs x.
    A : ndarray (r, d)
    C : ndarray (r, n_outputs)
    c : ndarray (r,)
        All r rows must hold at once.
    strict : ndarray (r,) of bool
        Rows that must be above zero and not at it.

    Examples
    --------
    >>> import hullwise as hw
    >>> claim = hw.model.output_property("y0 <= 3", box=1.0, n_inputs=2, n_outputs=1)
    >>> claim.cases[0].C, claim.cases[0].c  # y0 - 3 > 0 would break it
    (array([[1.]]), array([-3.]))
    """

    low: Floats
    high: Floats
    A: Floats
    C: Floats
    c: Floats
    strict: Mask

    def __repr__(self) -> str:
        d, r = len(self.low), len(self.c)
        return f"UnsafeCase({r} condition{'' if r == 1 else 's'} in a box of {d} inputs)"


@dataclass(frozen=True, eq=False, repr=False)
class OutputProperty:
    """A property of a network: it holds where none of the cases does.

    Attributes
    ----------
    cases : tuple of UnsafeCase
    text : str
        The property as it was given.

    Examples
    --------
    >>> import hullwise as hw
    >>> hw.model.output_property("y0 <= 3 and y1 < y0", box=1.0, n_inputs=2, n_outputs=2)
    OutputProperty('y0 <= 3 and y1 < y0', 2 unsafe cases)
    """

    cases: tuple[UnsafeCase, ...]
    text: str

    def __repr__(self) -> str:
        n = len(self.cases)
        text = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f"OutputProperty({text!r}, {n} unsafe case{'' if n == 1 else 's'})"
