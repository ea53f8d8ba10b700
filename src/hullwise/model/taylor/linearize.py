"""A torch module at points: value, Jacobian, and a proved bound of what both leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._core.results import UNNAMED_ROWS, Column, RowNames, RowResult
from ..._core.rounding import UNIT_ROUNDOFF
from ..._core.types import Floats, Indices
from ..._core.wording import type_of
from ...errors import DataError, ModelError
from ...io.validation import check_rows, table_row_names
from .._arguments import as_floats, border
from ..network import Network
from ..readers._options import ReadOptions
from ._quadratic_bounds import quadratic_bounds
from ._taylor_model import UPWARD, TaylorModel, TaylorSpace
from ._traced_module import TracedModule

QUADRATIC_NUMBERS = 600  # p_ij of an entry, up to which degree 2 is taken unless it is asked for
FROZEN_STATEMENT = "frozen: exact at x only, no statement elsewhere"


@dataclass(frozen=True, eq=False, repr=False)
class Linearization(RowResult):
    """A module at points X (m, d); made by :func:`hullwise.model.linearize`.

    For a single point all arrays come without their first axis.

    Attributes
    ----------
    title : str
        The module's class.
    X : ndarray (m, d)
    outputs, slopes, remainders : ndarray (m, k), (m, k, d), (m, k)
        Those of all points; `output`, `A` and `remainder` drop the first axis of a single one.
        Remainders are NaN where no radius was given.
    radius : ndarray (d,) or None
        Half axes of the ball.
    norm : float
        Of the ball: 2, or infinity for a box.
    frozen : bool
        Whether attention weights and the scales of norms were held at their values at the point.

    Examples
    --------
    >>> import torch
    >>> import hullwise as hw
    >>> _ = torch.manual_seed(0)
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.LayerNorm(4))
    >>> p = hw.model.linearize(module, [0.3, -0.2], radius=0.01)
    >>> p
    Linearization(1 point of Sequential, remainder proved within 0.01)
    >>> bool(abs(p.A @ [0.3, -0.2] + p.b - p.output).max() < 1e-12)
    True
    """

    title: str
    X: Floats
    outputs: Floats
    slopes: Floats
    remainders: Floats
    radius: Floats | None
    norm: float
    frozen: bool
    single: bool
    row_names: RowNames = UNNAMED_ROWS

    def __len__(self) -> int:
        return len(self.X)

    def _take(self, rows: Indices) -> Linearization:
        return Linearization(
            self.title, self.X[rows], self.outputs[rows], self.slopes[rows], self.remainders[rows],
            self.radius, self.norm, self.frozen, False, self.row_names.take(rows),
        )  # fmt: skip

    def _columns(self) -> Mapping[str, Column]:
        outputs = {f"output_{k}": values for k, values in enumerate(self.outputs.T)}
        steepest = np.sqrt((self.slopes**2).sum(axis=2)).T
        slopes = {f"slope_{k}": values for k, values in enumerate(steepest)}
        if self.radius is None:
            return {**outputs, **slopes}
        remainders = {f"remainder_{k}": values for k, values in enumerate(self.remainders.T)}
        return {**outputs, **slopes, **remainders}

    def _per_point(self, values: Any) -> Any:
        return values[0] if self.single else values

    @property
    def output(self) -> Floats:
        """The module's values (m, k), in float64."""
        return self._per_point(self.outputs)  # type: ignore[no-any-return]

    @property
    def A(self) -> Floats:
        """The Jacobian (m, k, d) at the points; of the frozen module where it is `frozen`."""
        return self._per_point(self.slopes)  # type: ignore[no-any-return]

    @property
    def b(self) -> Floats:
        """Offsets (m, k): ``A @ x + b`` is the output at the point."""
        offsets = self.outputs - np.einsum("mkd,md->mk", self.slopes, self.X)
        return self._per_point(offsets)  # type: ignore[no-any-return]

    @property
    def remainder(self) -> Floats:
        """Proved bounds (m, k) of ``|f(x + u) - output - A u|`` for all u in the ball."""
        if self.radius is None:
            raise DataError(f"{self.statement}: give radius= for a proved remainder")
        return self._per_point(self.remainders)  # type: ignore[no-any-return]

    @property
    def statement(self) -> str:
        """What is known of the module away from the points, in words."""
        if self.frozen:
            return FROZEN_STATEMENT
        if self.radius is None:
            return "exact at x only: no radius, no statement elsewhere"
        size = np.unique(self.radius)
        text = f"{size[0]:g}" if len(size) == 1 else "radii of each input"
        return f"remainder proved within {text}{'' if self.norm == 2 else ' in every input'}"

    def __repr__(self) -> str:
        m = len(self.X)
        points = f"{m:,} point{'' if m == 1 else 's'}"
        return f"Linearization({points} of {self.title}, {self.statement})"


@border("expanding the module")
def linearize(
    module: Any,
    X: Any,
    *,
    radius: Any = None,
    norm: float = 2,
    frozen: bool = False,
    input_shape: Any = None,
    output: str | int | None = None,
    constants: Mapping[str, Any] | None = None,
    degree: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Linearization:
    """Value and Jacobian of a torch module at points, with a proved remainder on a ball around.

    For networks that are not piecewise affine: attention, layer norm, RMS norm, group norm, softmax
    inside, products of activations, GELU, SiLU and their kin, and ReLU too.

    Parameters
    ----------
    module : torch.nn.Module
        A copy at rest (eval) in float64 is expanded; the one given is not changed.
    X : array-like (d,) or (m, d), or (m, *input_shape)
        The points.
    radius : float or array-like (d,), optional
        Of the ball, in the units of the inputs; one number for each input makes it an ellipsoid or
        a box. None: value and Jacobian only.
    norm : 2 or numpy.inf
        The ball is ``|u| <= radius`` in this norm; infinity for boxes.
    frozen : bool
        The Jacobian with attention weights (softmax) and the scales of norms held fixed at their
        values at the point: the usual "linearised" reading of a transformer. It is exact at the
        point only, and says nothing elsewhere, so that it takes no radius.
    input_shape, output, constants : optional
        As for :func:`hullwise.model.read`; None takes the shape from X.
    degree : 1 or 2, optional
        Of the Taylor models that the bound is made of: 2 is tighter, and costs d/2 times as much.
        None: 2 for up to about 30 inputs.
    progress : callable, optional
        Called with the number of points done, and of all.

    Returns
    -------
    Linearization
        `output`, `A`, `b`, `remainder`, `statement`.

    Raises
    ------
    DataError
        If X does not fit, is not finite, or radius, norm and frozen do not go together.
    ModelError
        If an operator has no rule (it is named), the module looks at its input's values, or its
        value at a point is not that of the operators it was seen to run.

    Notes
    -----
    The bound holds in real arithmetic for the module's float64 parameters, and has all rounding of
    `output`, `A` and itself in it; elementary functions are taken to be right to 32 units in the
    last place. It is infinite where the ball is too large to say anything. Makino & Berz (2003),
    Taylor models. Cost: per point, a forward pass for each input (d²/2 for degree 2) and for each
    noise symbol (an entry of a nonlinear step; 16,384 at most).

    Examples
    --------
    >>> import torch
    >>> import hullwise as hw
    >>> _ = torch.manual_seed(0)
    >>> layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    >>> p = hw.model.linearize(layer, torch.randn(1, 3, 4), radius=1e-3)
    >>> p.A.shape, bool(p.remainder.max() < 1e-3)
    ((1, 12, 12), True)
    """
    title = type(module).__name__
    if isinstance(module, Network):
        raise ModelError(
            "a Network is piecewise affine: hullwise.dissect has its exact piece, and "
            "boundary_distance says how far it reaches; radius= and frozen= are for torch modules"
        )
    if not (hasattr(module, "state_dict") and hasattr(module, "named_parameters")):
        raise ModelError(f"{type_of(module)} cannot be expanded; give a torch.nn.Module")
    if norm not in (2, np.inf):
        raise DataError(f"norm is {norm!r}; expected 2 or numpy.inf")
    if degree not in (None, 1, 2):
        raise DataError(f"degree is {degree!r}; expected 1, 2 or None")
    if frozen and radius is not None:
        raise DataError(
            "frozen=True with a radius: the frozen reading is exact at x only and has no "
            "remainder; leave one of them out"
        )
    rows, shape, single = _points(X, input_shape)
    half_axes = None if radius is None else _half_axes(radius, rows.shape[1])
    options = ReadOptions(shape, None, output, {} if constants is None else constants)
    traced = TracedModule(module, rows[0] if len(rows) else np.zeros(rows.shape[1]), options)
    import torch

    if degree is None:
        degree = 2 if rows.shape[1] * (rows.shape[1] + 1) // 2 <= QUADRATIC_NUMBERS else 1
    expansions = []
    bounded = half_axes is not None
    for i, row in enumerate(rows):
        space = TaylorSpace(torch, len(row), float(norm), degree if bounded else 1, bounded)
        expansions.append(_expansion(traced, space, row, half_axes, frozen))
        if progress is not None:
            progress(i + 1, len(rows))
    k, d = traced.n_outputs, rows.shape[1]
    outputs, slopes, remainders = (
        np.array([e[i] for e in expansions]).reshape(len(rows), *shape)
        for i, shape in enumerate([(k,), (k, d), (k,)])
    )
    return Linearization(
        title, rows, outputs, slopes, remainders, half_axes, float(norm), frozen, single,
        table_row_names(X),
    )  # fmt: skip


def _expansion(
    traced: TracedModule, space: TaylorSpace, row: Floats, half_axes: Floats | None, frozen: bool
) -> tuple[Floats, Floats, Floats]:
    """Output (k,), Jacobian (k, d) and remainder (k,) at a row."""
    torch, d = space.torch, space.dimension
    axes = np.ones(d) if half_axes is None else half_axes
    rows = np.zeros((space.n_rows, d))
    rows[0] = row
    rows[1 : 1 + d] = np.diag(axes)
    shape = (1, *traced.inputs.shape)
    start = TaylorModel(
        space, torch.tensor(rows).reshape(-1, *shape), torch.zeros(shape, dtype=torch.float64)
    )
    out = traced.expanded(row, start, frozen)
    slopes = out.linear.numpy().T / axes
    noise = (out.symbols.abs().sum(0) + out.rest).numpy()
    division = 2 * UNIT_ROUNDOFF * out.linear_size.numpy()
    remainder = (quadratic_bounds(out) + noise + division) * UPWARD
    if half_axes is None:
        remainder = np.full_like(remainder, np.nan)
    return out.value.numpy().copy(), slopes, remainder


def _points(X: Any, input_shape: Any) -> tuple[Floats, Any, bool]:
    """Rows (m, d), the shape of one, and whether X is a single point."""
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    if not hasattr(X, "columns") and np.ndim(X) != 2:
        X = as_floats(X, "X", "points as rows of numbers")
    shape = None if input_shape is None else tuple(int(s) for s in np.atleast_1d(input_shape))
    own = np.shape(X)
    single = len(own) == 1 or (shape is not None and own == shape)
    if single:
        X = np.reshape(X, (1, -1))
    elif len(own) > 2:
        shape = own[1:] if shape is None else shape
        X = np.reshape(X, (own[0], -1))
    rows = np.asarray(check_rows(X, name="X", allow_empty=True).values, dtype=np.float64)
    return np.ascontiguousarray(rows), shape or (rows.shape[1],), single


def _half_axes(radius: Any, d: int) -> Floats:
    half = as_floats(radius, "radius", f"a positive number, or {d} of them")
    if half.shape not in ((), (d,)) or not (np.isfinite(half).all() and (half > 0).all()):
        raise DataError(f"radius is {radius!r}; give a positive number, or {d} of them")
    return np.array(np.broadcast_to(half, (d,)))
