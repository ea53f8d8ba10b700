"""A network at points: the affine piece, the region around it, how near its walls are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from .._core.results import UNNAMED_ROWS, Column, RecordResult, RowNames, RowResult
from .._core.types import Floats, Indices, Ints
from ..errors import DataError, ModelError
from ..io.validation import table_row_names
from ._affine_maps import offsets_at, slopes_at, slopes_of_output
from ._arguments import as_floats, border, check_index
from ._piecewise_layers import Codes
from ._point_codes import codes_and_outputs
from .network import Network
from .output_activations import applied
from .region_walls import Facets, facets, nearest_walls, wall_directions, wall_units

if TYPE_CHECKING:
    from .taylor.linearize import Linearization


@dataclass(frozen=True, eq=False, repr=False)
class PowerCell(RecordResult):
    """The cell of a layer's power diagram that a point lies in, within its parent cell.

    centroid (d,) and squared radius in the input space: among the pieces of this layer *inside the
    region of the layers before it* the point's own has the least
    ``|x - centroid|^2 - squared_radius``. The squared radius is fixed up to one common constant and
    may be negative.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0]]])
    >>> (cell,) = hw.dissect(net, [3.0, 1.0]).power_cells()
    >>> cell, cell.centroid
    (PowerCell('relu0', squared radius 5), array([1., 2.]))
    """

    layer: str
    centroid: Floats
    squared_radius: float

    @border("computing the power of a point")
    def power(self, x: Any) -> float:
        """``|x - centroid|^2 - squared_radius``: least for the cell that x (d,) is in."""
        point = as_floats(x, "x", f"a point of {len(self.centroid)} numbers")
        if point.shape != self.centroid.shape:
            raise DataError(f"x has shape {point.shape}, not {self.centroid.shape}")
        gap = point - self.centroid
        return float(gap @ gap) - self.squared_radius

    def __repr__(self) -> str:
        return f"PowerCell({self.layer!r}, squared radius {self.squared_radius:.6g})"


@dataclass(frozen=True, eq=False, repr=False)
class Dissection(RowResult):
    """A network at points X (m, d); made by :func:`hullwise.dissect`.

    Everything but the codes and outputs is computed when first asked for. For a single point (d,)
    all arrays come without their first axis.

    Attributes
    ----------
    net : Network
    X : ndarray (m, d)
    code : ndarray (m, n_units)
        The piece of every unit.
    output : ndarray (m, n_outputs)
        The network's values; `model_output` has those of a model whose last function (a softmax)
        was left out.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> p = hw.dissect(net, [[2.0, 3.0], [-1.0, 3.0]])
    >>> p
    Dissection(2 points of Network(2 inputs, 1 output, 2 units in 1 layer, from arrays))
    >>> p.code
    array([[1, 1],
           [0, 1]], dtype=uint8)
    >>> p.boundary_direction
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    net: Network
    X: Floats
    codes: Codes
    outputs: Floats
    single: bool
    row_names: RowNames = UNNAMED_ROWS

    def plot(self, ax: Any = None) -> Any:
        """Draw how far the nearest walls are; returns matplotlib axes."""
        from ..report.error_pictures import draw_dissection

        return draw_dissection(self, ax)

    def __len__(self) -> int:
        return len(self.X)

    def _take(self, rows: Indices) -> Dissection:
        names = self.row_names.take(rows)
        return Dissection(
            self.net, self.X[rows], self.codes[rows], self.outputs[rows], False, names
        )

    def _columns(self) -> Mapping[str, Column]:
        distance, wall = self._boundary
        units = np.r_[wall_units(self.net), -1]  # wall -1 is none
        outputs = {f"output_{k}": values for k, values in enumerate(self.outputs.T)}
        return {**outputs, "boundary_distance": distance, "boundary_unit": units[wall]}

    def _per_point(self, values: Any) -> Any:
        return values[0] if self.single else values

    @property
    def code(self) -> Codes:
        return self._per_point(self.codes)  # type: ignore[no-any-return]

    @property
    def output(self) -> Floats:
        return self._per_point(self.outputs)  # type: ignore[no-any-return]

    @cached_property
    def _A(self) -> Floats:
        return slopes_at(self.net, self.codes)

    @property
    def A(self) -> Floats:
        """Slopes (m, n_outputs, d) of the affine piece; row c is output c's template.

        Cost: one backward pass for each output.
        """
        return self._per_point(self._A)  # type: ignore[no-any-return]

    def template(self, output: int) -> Floats:
        """What an output matches its input with: its row of `A` in the shape of the input.

        ``output = <template, x> + b`` on the region. Shape ``(m, *input_shape)``, without m for a
        single point. Cost: one backward pass, and m d numbers, whatever the number of outputs.
        """
        output = check_index("output", output, self.net.n_outputs)
        whole = vars(self).get("_A")
        rows = slopes_of_output(self.net, self.codes, output) if whole is None else whole[:, output]
        return self._per_point(rows.reshape(-1, *self.net.input_shape))  # type: ignore[no-any-return]

    @cached_property
    def _b(self) -> Floats:
        return offsets_at(self.net, self.codes)

    @property
    def b(self) -> Floats:
        """Offsets (m, n_outputs): the network is ``A @ x + b`` on the region."""
        return self._per_point(self._b)  # type: ignore[no-any-return]

    @property
    def model_output(self) -> Floats:
        """What the model gives behind the `output_activations` of the network: (m, n_outputs).

        `output`, `A` and `b` are of what enters them (the logits of a softmax).
        """
        return self._per_point(applied(self.net.output_activations, self.outputs))  # type: ignore[no-any-return]

    @property
    def model_jacobian(self) -> Floats:
        """The derivatives (m, n_outputs, d) of `model_output`; `A` where nothing was left out."""
        seeds = self.net.output_seeds(self.outputs)
        return self._per_point(seeds @ self._A)  # type: ignore[no-any-return]

    @cached_property
    def _boundary(self) -> tuple[Floats, Ints]:
        return nearest_walls(self.net, self.X, self.codes)

    @property
    def boundary_distance(self) -> Floats:
        """Distance (m,) to the region's nearest wall, exact; infinite where there is none.

        The least of ``|z| / |grad z|`` over the walls of all units of all layers. Cost: a forward
        pass for each of min(d, width of the first layer) directions, or fewer backward passes that
        units without a common input share. In large networks (where that would push more than 2^24
        numbers a point) 16 directions at random say which walls need an exact look, some 15 of
        them: there a wall of another unit is nearer with a probability of 1e-9 at most.
        """
        return self._per_point(self._boundary[0])  # type: ignore[no-any-return]

    @property
    def boundary_unit(self) -> Ints:
        """The unit (m,) of the nearest wall, counted through all layers; -1 for none."""
        units = np.r_[wall_units(self.net), -1]  # wall -1 is none
        return self._per_point(units[self._boundary[1]])  # type: ignore[no-any-return]

    @cached_property
    def _direction(self) -> Floats:
        return wall_directions(self.net, self.codes, self._boundary[1])

    @property
    def boundary_direction(self) -> Floats:
        """Unit vectors (m, d) from the points to their nearest walls; zero where there is none."""
        return self._per_point(self._direction)  # type: ignore[no-any-return]

    @cached_property
    def _facets(self) -> list[Facets]:
        points = zip(self.X, self.codes, strict=True)
        return [facets(self.net, x, code[None]) for x, code in points]

    @property
    def facets(self) -> Any:
        """:class:`Facets` of the region around each point: a list, or one for a single point.

        Cost: a small linear programme for each wall that no shortcut decides.
        """
        return self._per_point(self._facets)

    def decision(self, max_regions: int = 1000, *, norm: Any = 2, box: Any = None) -> Any:
        """:class:`DecisionDistance` of each point: a list, or one for a single point.

        At most `max_regions` regions are visited for each. The distance is in the norm 1, 2 or
        numpy.inf, to points of the box (half width, pair of ends, or None: of all inputs).
        """
        from ._decision_boundary import decision_distance

        return self._per_point(
            [
                decision_distance(self.net, x, norm=norm, box=box, max_regions=max_regions)
                for x in self.X
            ]
        )

    @cached_property
    def _decisions(self) -> list[Any]:
        decisions = self.decision()
        return [decisions] if self.single else decisions

    @property
    def decision_distance(self) -> Floats:
        """Distance (m,) to the nearest point where the largest output (or the sign) changes.

        The upper end of :meth:`decision`'s bracket; exact where `decision_gap` is 0.
        """
        return self._per_point(np.array([one.upper for one in self._decisions]))  # type: ignore[no-any-return]

    @property
    def decision_gap(self) -> Floats:
        """How much smaller `decision_distance` may be, (m,): 0 unless `max_regions` was reached."""
        return self._per_point(np.array([one.gap for one in self._decisions]))  # type: ignore[no-any-return]

    def power_cells(self) -> Any:
        """Centroids and radii layer by layer: a list of :class:`PowerCell` for each point.

        Balestriero, Cosentino, Aazhang & Baraniuk (2019), The Geometry of Deep Networks: each layer
        subdivides the cells of the layers before it by a power diagram. Only siblings, pieces
        within the same parent cell, may be compared: no one diagram is the whole network's.
        """
        return self._per_point(_power_cells(self.net, self.codes))

    def __repr__(self) -> str:
        m = len(self.X)
        return f"Dissection({m:,} point{'' if m == 1 else 's'} of {self.net!r})"


@overload
def dissect(net: Any, X: Any) -> Dissection: ...


@overload
def dissect(net: Any, X: Any, *, radius: float | Floats, norm: float = 2) -> Linearization: ...


@overload
def dissect(net: Any, X: Any, *, frozen: Literal[True]) -> Linearization: ...


@border("dissecting the network")
def dissect(
    net: Any, X: Any, *, radius: Any = None, norm: float = 2, frozen: bool = False
) -> Dissection | Linearization:
    """The affine piece and the region of a network at points.

    Parameters
    ----------
    net : Network or anything :func:`hullwise.model.read` takes
        A torch module, a path to an ONNX file, a fitted scikit-learn MLP.
    X : array-like (d,) or (m, d), or of the network's input shape
        The points.
    radius, norm, frozen : optional
        For torch modules that are not piecewise affine (attention, layer norm, GELU): value and
        Jacobian with a proved remainder on a ball, or the frozen reading. See
        :func:`hullwise.model.linearize`, which has more options.

    Returns
    -------
    Dissection
        `A`, `b`, `code`, `output`, `boundary_distance`, `boundary_unit`, `boundary_direction`,
        `facets`, `decision_distance`, `power_cells()`.
    Linearization
        Where `radius` or `frozen` is given: `A`, `b`, `output`, `remainder`.

    Raises
    ------
    DataError
        If X does not fit the network's input, or is not finite.
    ModelError
        If the network cannot be read.

    Notes
    -----
    Cost: one forward pass; the rest when asked for. Balestriero & Baraniuk (2018), A Spline Theory
    of Deep Learning, eq. (10): the network is ``A[x] x + b[x]`` on the region of x.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1]], [[1, 1], [1, -1]]], [[0, 0], [0, 0.5]])
    >>> p = hw.dissect(net, [2.0, 3.0])
    >>> p.A, p.b
    (array([[ 1.,  1.],
           [ 1., -1.]]), array([0. , 0.5]))
    >>> float(p.boundary_distance), int(p.boundary_unit)
    (2.0, 0)
    """
    if radius is not None or frozen:
        from .taylor.linearize import linearize

        return linearize(net, X, radius=radius, norm=norm, frozen=frozen)
    if not isinstance(net, Network):
        net = _read(net, np.shape(X))
    single = np.shape(X) in ((net.n_inputs,), net.input_shape)
    rows = net.rows(X)
    codes, outputs = codes_and_outputs(net, rows)
    return Dissection(net, rows, codes, outputs, single, table_row_names(X))


def _read(model: Any, shape: tuple[int, ...]) -> Network:
    """A model as a network, for points X of this shape."""
    from .readers.read import read

    if len(shape) > 2:
        return read(model, shape[1:] if len(shape) == 4 else None)  # a batch of images
    try:
        return read(model)
    except ModelError:
        if not hasattr(model, "state_dict") or not shape:
            raise
        return read(model, shape[-1])  # its first layer does not say what it takes


def _power_cells(net: Network, codes: Codes) -> list[list[PowerCell]]:
    out: list[list[PowerCell]] = []
    for code in codes:
        sums: list[float] = []

        def see(layer: int, z: Floats, own: Codes, sums: list[float] = sums) -> None:
            op: Any = net.nodes[net.layers[layer].node].op
            sums.append(float(op.push(z, own, True).sum()))

        net.push(np.zeros((1, 1, net.n_inputs)), code[None], visit=see)
        cells = []
        for layer, at_zero in zip(net.layers, sums, strict=True):
            centre = net.pull({layer.node: np.ones((1, 1, layer.n_units))}, code[None])[0, 0]
            cells.append(PowerCell(layer.name, centre, float(centre @ centre) + 2 * at_zero))
        out.append(cells)
    return out
