"""A network at points: the affine piece, the region around it, how near its walls are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._affine import Floats
from ._complex import Ints
from ._units import Codes
from .network import Network


@dataclass(frozen=True, eq=False)
class Facets:
    """The walls that bound a region: ``{y : normals @ y + offsets >= 0}``, none to spare.

    normals (k, d) unit vectors pointing inwards, offsets (k,), units (k,) the unit behind each
    (counted through all layers).
    """

    normals: Floats
    offsets: Floats
    units: Ints

    def __repr__(self) -> str:
        return f"Facets({len(self.offsets)} in {self.normals.shape[1]} dimensions)"


@dataclass(frozen=True, eq=False, repr=False)
class PowerCell:
    """The cell of a layer's power diagram that a point lies in, within its parent cell.

    centroid (d,) and squared radius in the input space: among the pieces of this layer *inside the
    region of the layers before it* the point's own has the least ``|x - centroid|^2 - squared_radius``.
    The squared radius is fixed up to one common constant and may be negative.
    """

    layer: str
    centroid: Floats
    squared_radius: float

    def power(self, x: Any) -> float:
        """``|x - centroid|^2 - squared_radius``: least for the cell that x (d,) is in."""
        gap = np.asarray(x, dtype=np.float64) - self.centroid
        return float(gap @ gap) - self.squared_radius

    def __repr__(self) -> str:
        return f"PowerCell({self.layer!r}, squared radius {self.squared_radius:.6g})"


@dataclass(frozen=True, eq=False, repr=False)
class Dissection:
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
        The network's values.
    """

    net: Network
    X: Floats
    codes: Codes
    outputs: Floats
    single: bool

    def _shown(self, values: Any) -> Any:
        return values[0] if self.single else values

    @property
    def code(self) -> Codes:
        return self._shown(self.codes)  # type: ignore[no-any-return]

    @property
    def output(self) -> Floats:
        return self._shown(self.outputs)  # type: ignore[no-any-return]

    @cached_property
    def _A(self) -> Floats:
        m, n = self.outputs.shape
        out = np.empty((m, n, self.net.n_inputs))
        seed, last = np.eye(n)[None], len(self.net.nodes) - 1
        for rows in self.net.blocks(m, n):
            code = self.codes[rows]
            out[rows] = self.net.pull({last: np.broadcast_to(seed, (len(code), n, n))}, code)
        return out

    @property
    def A(self) -> Floats:
        """Slopes (m, n_outputs, d) of the affine piece; row c is output c's template.

        Cost: one backward pass for each output.
        """
        return self._shown(self._A)  # type: ignore[no-any-return]

    @cached_property
    def _b(self) -> Floats:
        out = np.empty_like(self.outputs)
        for rows in self.net.blocks(len(out)):
            zero = np.zeros((len(out[rows]), 1, self.net.n_inputs))
            out[rows] = self.net.push(zero, self.codes[rows])[:, 0]
        return out

    @property
    def b(self) -> Floats:
        """Offsets (m, n_outputs): the network is ``A @ x + b`` on the region."""
        return self._shown(self._b)  # type: ignore[no-any-return]

    @cached_property
    def _boundary(self) -> tuple[Floats, Ints]:
        return _nearest_walls(self.net, self.X, self.codes)

    @property
    def boundary_distance(self) -> Floats:
        """Distance (m,) to the region's nearest wall, exact; infinite where there is none.

        The least of ``|z| / |grad z|`` over the walls of all units of all layers. Cost: a forward
        pass for each of min(d, width of the first layer) directions.
        """
        return self._shown(self._boundary[0])  # type: ignore[no-any-return]

    @property
    def boundary_unit(self) -> Ints:
        """The unit (m,) of the nearest wall, counted through all layers; -1 for none."""
        units = np.r_[_wall_units(self.net), -1]  # wall -1 is none
        return self._shown(units[self._boundary[1]])  # type: ignore[no-any-return]

    @cached_property
    def _direction(self) -> Floats:
        return _wall_directions(self.net, self.codes, self._boundary[1])

    @property
    def boundary_direction(self) -> Floats:
        """Unit vectors (m, d) from the points to their nearest walls; zero where there is none."""
        return self._shown(self._direction)  # type: ignore[no-any-return]

    @cached_property
    def _facets(self) -> list[Facets]:
        return [
            _facets(self.net, x, code[None]) for x, code in zip(self.X, self.codes, strict=True)
        ]

    @property
    def facets(self) -> Any:
        """:class:`Facets` of the region around each point: a list, or one for a single point.

        Cost: a small linear programme for each wall that no shortcut decides.
        """
        return self._shown(self._facets)

    def decision(self, budget: int = 1000) -> Any:
        """Distance to the decision boundary, as a bracket; a list, or one for a single point."""
        from ._decision import decision_distance

        return self._shown([decision_distance(self.net, x, budget=budget) for x in self.X])

    @cached_property
    def _decisions(self) -> list[Any]:
        found = self.decision()
        return [found] if self.single else found

    @property
    def decision_distance(self) -> Floats:
        """Distance (m,) to the nearest point where the largest output (or the sign) changes.

        The upper end of :meth:`decision`'s bracket; exact where `decision_gap` is 0.
        """
        return self._shown(np.array([one.upper for one in self._decisions]))  # type: ignore[no-any-return]

    @property
    def decision_gap(self) -> Floats:
        """How much smaller `decision_distance` may be in truth, (m,): 0 unless the budget ended."""
        return self._shown(np.array([one.upper - one.lower for one in self._decisions]))  # type: ignore[no-any-return]

    def power_cells(self) -> Any:
        """Centroids and radii layer by layer: a list of :class:`PowerCell` for each point.

        Balestriero, Cosentino, Aazhang & Baraniuk (2019), The Geometry of Deep Networks: each layer
        subdivides the cells of the layers before it by a power diagram. Only siblings, pieces within
        the same parent cell, may be compared: there is no one diagram of the whole network.
        """
        return self._shown(_power_cells(self.net, self.codes))

    def __repr__(self) -> str:
        m = len(self.X)
        return f"Dissection({m:,} point{'' if m == 1 else 's'} of {self.net!r})"


def dissect(net: Any, X: Any) -> Dissection:
    """The affine piece and the region of a network at points.

    Parameters
    ----------
    net : Network or anything :func:`hullwise.model.read` takes
        A torch module, a path to an ONNX file, a fitted scikit-learn MLP.
    X : array-like (d,) or (m, d), or of the network's input shape
        The points.

    Returns
    -------
    Dissection
        `A`, `b`, `code`, `output`, `boundary_distance`, `boundary_unit`, `boundary_direction`,
        `facets`, `decision_distance`, `power_cells()`.

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
    if not isinstance(net, Network):
        from .read import read

        net = read(net)
    single = np.shape(X) in ((net.n_inputs,), net.input_shape)
    rows = net.rows(X)
    codes = np.empty((len(rows), net.n_units), dtype=net.code_dtype)
    outputs = np.empty((len(rows), net.n_outputs))
    for part in net.blocks(len(rows)):
        own = codes[part]

        def see(layer: int, z: Floats, code: Codes, own: Codes = own) -> None:
            own[:, net.layers[layer].columns] = code

        outputs[part] = net.push(rows[part, None], visit=see)[:, 0]
    return Dissection(net, rows, codes, outputs, single)


def walls(net: Network, X: Floats, codes: Codes | None = None) -> tuple[Floats, Floats, Ints]:
    """All walls of the regions around X (m, d), none left out: G (m, k, d), c (m, k), units (k,).

    The region is ``G @ y + c >= 0``; walls that are none (a maximum's winner against itself) are 0.
    """
    codes = net.codes(X) if codes is None else codes
    G, at = [], []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        G.append(op.walls(z, code, True))

    frame = np.vstack([np.zeros(net.n_inputs), np.eye(net.n_inputs)])[None]
    net.push(np.broadcast_to(frame, (len(X), *frame.shape[1:])), codes, visit=see)
    at = np.concatenate(G, axis=2) if G else np.zeros((len(X), net.n_inputs + 1, 0))
    return at[:, 1:].transpose(0, 2, 1), at[:, 0], _wall_units(net)


def _wall_units(net: Network) -> Ints:
    """The unit of each wall through all layers."""
    parts = [
        net.nodes[layer.node].op.wall_units() + layer.start  # type: ignore[union-attr]
        for layer in net.layers
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _wall_values(net: Network, X: Floats, codes: Codes) -> Floats:
    """The walls' values (m, k) at the points, all >= 0."""
    parts: list[Floats] = []

    def see(layer: int, z: Floats, code: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        parts.append(op.walls(z, code, True)[:, 0])

    net.push(X[:, None], codes, visit=see)
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(X), 0))


@dataclass(frozen=True, eq=False)
class _Start:
    """Tangents at the first units, which are the same at every point: held nodes (1, T, size).

    Where only one narrow layer is seen there, T is its width instead of d, by a QR factorisation:
    lengths are the same. basis (T, d) leads back, None: the unit vectors.
    """

    held: dict[int, Floats]
    after: int
    basis: Floats | None


def _start(net: Network) -> _Start:
    held: dict[int, Floats] = {0: np.eye(net.n_inputs)[None]}
    after = net.layers[0].node - 1
    if after > 0:
        net.resume(held, 0, origin=False, until=after)
    if len(held) == 1:
        ((node, block),) = held.items()
        if block.shape[2] < net.n_inputs:
            Q, R = np.linalg.qr(block[0])
            return _Start({node: R[None]}, after, Q.T)
    return _Start(held, after, None)


def _tangents(net: Network, m: int, start: _Start) -> Iterator[tuple[slice, dict[int, Floats]]]:
    """Blocks of points with all or, where one point's do not fit, a part of the tangents."""
    T = next(iter(start.held.values())).shape[1]
    step = max(1, net.blocks(T)[0].stop)
    for rows in net.blocks(m, T):
        n = len(range(*rows.indices(m)))
        for low in range(0, T, step):
            parts = {j: block[:, low : low + step] for j, block in start.held.items()}
            yield rows, {j: np.broadcast_to(b, (n, *b.shape[1:])) for j, b in parts.items()}


def _nearest_walls(net: Network, X: Floats, codes: Codes) -> tuple[Floats, Ints]:
    """Distance (m,) to the nearest wall and which it is, -1 for none."""
    if not net.layers or not len(X):
        return np.full(len(X), np.inf), np.full(len(X), -1)
    start = _start(net)
    distance, which = np.full(len(X), np.inf), np.full(len(X), -1)
    norms: dict[int, Floats] = {}

    def settle(rows: slice) -> None:
        length = np.sqrt(np.concatenate([norms[i] for i in range(len(net.layers))], axis=1))
        value = _wall_values(net, X[rows], codes[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.where(length > 0, value / length, np.inf)
        best = gap.argmin(axis=1)
        distance[rows] = gap[np.arange(len(gap)), best]
        which[rows] = np.where(np.isfinite(distance[rows]), best, -1)

    last: slice | None = None
    for rows, held in _tangents(net, len(X), start):
        if last is not None and rows != last:
            settle(last)
            norms.clear()
        last = rows

        def see(layer: int, z: Floats, code: Codes) -> None:
            op: Any = net.nodes[net.layers[layer].node].op
            same = z.strides[0] == 0 and not hasattr(op, "groups")
            found = op.wall_norms(z[:1] if same else z, code)
            norms[layer] = norms[layer] + found if layer in norms else found

        net.resume(dict(held), start.after, codes[rows], origin=False, visit=see,
                   until=net.layers[-1].node)  # fmt: skip
        for i, found in norms.items():
            norms[i] = np.broadcast_to(found, (len(codes[rows]), found.shape[1]))
    if last is not None:
        settle(last)
    return distance, which


def _wall_directions(net: Network, codes: Codes, which: Ints) -> Floats:
    """Unit vectors (m, d) towards wall `which` of each point."""
    out = np.zeros((len(codes), net.n_inputs))
    ends = np.cumsum([0] + [net.nodes[one.node].op.n_walls for one in net.layers])  # type: ignore[union-attr]
    for i, layer in enumerate(net.layers):
        mine = np.flatnonzero((which >= ends[i]) & (which < ends[i + 1]))
        node = net.nodes[layer.node].inputs[0]
        op: Any = net.nodes[layer.node].op
        width = int(np.prod(net.nodes[node].shape))
        for rows in net.blocks(len(mine)):
            points = mine[rows]
            code = codes[points]
            seed = _wall_seed(op, width, code[:, layer.columns], which[points] - ends[i])
            out[points] = -net.pull({node: seed[:, None]}, code)[:, 0]
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.asarray(out / np.where(length > 0, length, 1))


def _wall_seed(op: Any, width: int, code: Codes, wall: Ints) -> Floats:
    """The wall as a linear function (B, width) of the units' input, signed to be >= 0."""
    B = len(code)
    seed, rows = np.zeros((B, width)), np.arange(B)
    unit = op.wall_units()[wall]
    own = code[rows, unit]
    if hasattr(op, "groups"):
        place = wall % op.groups.shape[1]
        seed[rows, op.groups[unit, own]] += 1
        seed[rows, op.groups[unit, place]] -= 1
    else:
        seed[rows, unit] = np.where(own > wall // width, 1.0, -1.0)
    return seed


def _facets(net: Network, x: Floats, code: Codes) -> Facets:
    from ._polytope import essential

    if not net.layers:
        return Facets(np.zeros((0, net.n_inputs)), np.zeros(0), np.zeros(0, dtype=np.int64))
    start, rows = _start(net), []

    def see(layer: int, z: Floats, own: Codes) -> None:
        op: Any = net.nodes[net.layers[layer].node].op
        rows.append(op.walls(z, own, False)[0].T)

    parts = []
    for _, held in _tangents(net, 1, start):
        rows.clear()
        net.resume(held, start.after, code, origin=False, visit=see, until=net.layers[-1].node)
        parts.append(np.concatenate(rows))
    G = np.concatenate(parts, axis=1)  # in the coordinates of the basis, with x as the origin
    value = _wall_values(net, x[None], code)[0]
    length = np.linalg.norm(G, axis=1)
    real = np.flatnonzero(length > 0)
    G, value = G[real] / length[real, None], value[real] / length[real]
    kept = essential(G, value, np.zeros(G.shape[1]))
    normals = G[kept] if start.basis is None else G[kept] @ start.basis
    return Facets(normals, value[kept] - normals @ x, _wall_units(net)[real[kept]])


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
