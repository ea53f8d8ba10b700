"""A network as a graph of affine layers and piecewise affine units, and what is pushed through it.

Balestriero & Baraniuk (2018), A Spline Theory of Deep Learning: on each region of its partition
the network is one affine map. Everything in this room follows from one pass: *blocks* of points
and tangents are pushed through the layers, the units' codes read off the points (or given), and
whoever needs a layer's input looks on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Floats
from ..errors import ModelError
from ._arguments import border, network_rows
from ._piecewise_layers import Codes
from ._point_codes import codes_and_outputs
from ._rounding import RoundingErrors
from .affine_layers import Shape
from .nodes import Node, UnitLayer, needed_nodes, unit_layers
from .output_activations import OutputActivation, applied, pulled

if TYPE_CHECKING:
    from .line import Line
    from .regions import Regions
    from .slice_parts import SliceParts
    from .slices import Slice
    from .trees.tree import NetworkTree

Visit = Callable[[int, Floats, Codes], Any]
PUSH_BLOCK_NUMBERS = 2**22  # numbers of the widest layer held at a time


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A continuous piecewise affine function on convex regions, layer by layer.

    Made by :func:`hullwise.model.read` or :func:`hullwise.model.from_arrays`. Calling it evaluates
    it in float64: rows (m, d) in, outputs (m, n_outputs). Inputs of more than one axis (images) are
    flattened row-major; both forms are taken.

    Attributes
    ----------
    n_inputs, n_outputs : int
        d and the number of outputs, flat.
    input_shape, output_shape : tuple of int
        The shapes without the batch.
    layers : tuple of UnitLayer
        The layers of units, in order: `name`, `kind`, `n_units`, `columns` (their place in a code).
    n_units : int
        Units in all, the length of an activation code.
    source : str
        What it was read from.
    output_activations : tuple of OutputActivation
        What the model applies to these outputs and the reader left out (softmax, exp, ...), in
        order. The network's values, pieces, regions and boundaries are of what enters them;
        `model_outputs` and `model_jacobians` take them into account.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    >>> net
    Network(1 input, 1 output, 2 units in 1 layer, from arrays)
    >>> net([[3.0], [-2.0]]).ravel()
    array([3., 2.])
    """

    nodes: tuple[Node, ...]
    source: str = "arrays"
    output_activations: tuple[OutputActivation, ...] = ()

    @property
    def input_shape(self) -> Shape:
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        return self.nodes[-1].shape

    @property
    def n_inputs(self) -> int:
        return prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        return prod(self.output_shape)

    @cached_property
    def layers(self) -> tuple[UnitLayer, ...]:
        return unit_layers(self.nodes)

    @property
    def n_units(self) -> int:
        return sum(layer.n_units for layer in self.layers)

    @cached_property
    def widest(self) -> int:
        """Numbers in the largest layer."""
        return max(prod(node.shape) for node in self.nodes)

    @cached_property
    def rounding_errors(self) -> RoundingErrors:
        """What rounding may have done to the values of its nodes."""
        return RoundingErrors(self)

    @cached_property
    def shared_passes(self) -> Any:
        """What `_locality` makes of it: backward passes that many units share, or None."""
        from ._locality import layer_passes

        return layer_passes(self, self.n_first_tangents) if self.layers else None

    @property
    def n_first_tangents(self) -> int:
        """Tangents at the first units: as many as inputs, or the width of what is before them."""
        return min([self.n_inputs, *(prod(self.nodes[j].shape) for j in self.before_units)])

    @property
    def before_units(self) -> list[int]:
        """The nodes that the first units are made of, where it is one narrow layer alone."""
        first = self.layers[0].node if self.layers else 0
        open_ = {j for n in self.nodes[first:] for j in n.inputs if j < first}
        return list(open_) if len(open_) == 1 else []

    @cached_property
    def _last_use(self) -> list[int]:
        last = list(range(len(self.nodes)))
        for i, node in enumerate(self.nodes):
            for j in node.inputs:
                last[j] = i
        last[-1] = len(self.nodes)
        return last

    def rows(self, X: Any, name: str = "X") -> Floats:
        """Rows X (m, d), (d,) or ``(m, *input_shape)`` as float64 (m, d).

        Raises
        ------
        DataError
            If the shape does not fit the input or a value is NaN or infinite.
        """
        return network_rows(self, X, name)

    @border("evaluating the network")
    def __call__(self, X: Any) -> Floats:
        """Outputs (m, n_outputs) at rows X (m, d). Cost: one forward pass in float64."""
        X = self.rows(X)
        parts = [self.push(X[rows, None])[:, 0] for rows in self.blocks(len(X))]
        return np.concatenate(parts) if parts else np.zeros((0, self.n_outputs))

    def approximation_errors(self, box: Any = None) -> Floats:
        """How far the outputs may be from the model's, (n_outputs,), for all inputs in a box.

        Zero unless the model was read with pieces in the place of smooth units. `box` is a half
        width or a pair of ends; None for all inputs, which is a larger bound. Cost: one forward
        pass, over a box one of bounds.

        Examples
        --------
        >>> import numpy as np
        >>> import hullwise as hw
        >>> from sklearn.neural_network import MLPRegressor
        >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
        >>> mlp = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs")
        >>> mlp = mlp.set_params(random_state=0).fit(X, X[:, 0] * X[:, 1])
        >>> net = hw.model.read(mlp, smooth="pieces", error=1e-4)
        >>> bool(abs(net(X)[:, 0] - mlp.predict(X)).max() <= net.approximation_errors(1.0)[0])
        True
        """
        from ._input_box import input_box
        from .approximation_error import approximation_errors

        if not any(getattr(node.op, "error", 0.0) for node in self.nodes):
            return np.zeros(self.n_outputs)
        return approximation_errors(self, None if box is None else input_box(self, box))

    @border("evaluating the model")
    def model_outputs(self, X: Any) -> Floats:
        """What the model that was read gives at rows X (m, d): (m, n_outputs).

        Those of the network itself, behind the `output_activations` that the reader left out.
        """
        return applied(self.output_activations, self(X))

    @border("differentiating the model")
    def model_jacobians(self, X: Any) -> Floats:
        """The derivatives (m, n_outputs, d) of `model_outputs` at rows X (m, d).

        Cost: one backward pass for each output, and all the numbers at once.
        """
        from ._affine_maps import empty_slopes, weighted_slopes

        X = self.rows(X)
        out = empty_slopes(len(X), self.n_outputs, self.n_inputs)
        for rows in self.blocks(len(X), self.n_outputs):
            seeds = self.output_seeds(self(X[rows]))
            out[rows] = weighted_slopes(self, self.codes(X[rows]), seeds)
        return out

    def output_seeds(self, Y: Floats) -> Floats:
        """Weights (m, n_outputs, n_outputs) that `pull` makes the model's Jacobians of, at Y."""
        k = self.n_outputs
        seeds = np.broadcast_to(np.eye(k), (len(Y), k, k))
        return pulled(self.output_activations, Y, seeds)

    @border("reading activation codes")
    def codes(self, X: Any) -> Codes:
        """Activation codes (m, n_units) of rows X (m, d): for each unit the piece it is on.

        0 and 1 for ReLU; the number of knots below for units of more pieces; the place of the
        winner for a maximum. What is within rounding of a knot counts as on it, and has the lower
        code; of the largest entries of a maximum, to rounding, the first wins.
        """
        return codes_and_outputs(self, self.rows(X))[0]

    @cached_property
    def code_dtype(self) -> Any:
        wide = any(
            getattr(n.op, "groups", np.zeros((1, 1))).shape[1] > 256
            for n in self.nodes
            if n.is_piecewise
        )
        return np.uint16 if wide else np.uint8

    @property
    def most_slots(self) -> int:
        """Points and tangents that are pushed at a time."""
        return max(1, PUSH_BLOCK_NUMBERS // self.widest)

    def blocks(self, m: int, slots: int = 1) -> list[slice]:
        """Slices of m points, each small enough to push with so many slots."""
        step = max(1, self.most_slots // slots)
        return [slice(start, min(m, start + step)) for start in range(0, m, step)]

    def split(self, code: Codes) -> list[Codes]:
        """Codes (m, n_units) layer by layer."""
        return [code[:, layer.columns] for layer in self.layers]

    def push(
        self,
        block: Floats,
        code: Codes | None = None,
        *,
        origin: bool = True,
        visit: Visit | None = None,
    ) -> Floats:
        """A block (B, T, d) through all layers: (B, T, n_outputs).

        Slot 0 holds points where `origin` (the other slots tangents); the codes are then read off
        it. With `code` (B, n_units) given the affine pieces it names are applied instead, so that
        slot 0 may be any origin of coordinates. `visit(layer, input, code)` sees the flat input
        (B, T, i) of each layer of units and its codes.
        """
        return self.resume({0: block}, 0, code, origin=origin, visit=visit)

    def resume(
        self,
        outputs: dict[int, Floats],
        after: int,
        code: Codes | None = None,
        *,
        origin: bool = True,
        visit: Visit | None = None,
        until: int | None = None,
    ) -> Floats:
        """`push` from the outputs of nodes up to `after`, to node `until` (None: the last).

        `outputs` maps nodes to blocks (B, T, size); it is emptied of what nothing needs any more.
        """
        layer = sum(1 for one in self.layers if one.node <= after)
        end = len(self.nodes) - 1 if until is None else until
        for i in range(after + 1, end + 1):
            node = self.nodes[i]
            inputs = [outputs[j] for j in node.inputs]
            B, T = inputs[0].shape[:2]
            if node.is_piecewise:
                units: Any = node.op
                z = inputs[0]
                own = units.code(z[:, 0]) if code is None else code[:, self.layers[layer].columns]
                if visit is not None:
                    visit(layer, z, own)
                outputs[i] = units.push(z, own, origin)
                layer += 1
            else:
                affine: Any = node.op
                shaped = [
                    g.reshape(B * T, *self.nodes[j].shape)
                    for g, j in zip(inputs, node.inputs, strict=True)
                ]
                out = affine.linear(*shaped).reshape(B, T, *node.shape)
                if origin and affine.offset is not None:
                    out = _unshared(out, inputs)
                    out[:, 0] += affine.offset
                outputs[i] = out.reshape(B, T, -1)
            self.release(outputs, i)
        return outputs[end]

    def release(self, outputs: dict[int, Floats], i: int) -> None:
        """Drop what no node behind node i needs."""
        for j in set(self.nodes[i].inputs):
            if self._last_use[j] <= i:
                del outputs[j]

    def pull(self, seeds: dict[int, Floats], code: Codes, to: int | None = None) -> Floats:
        """The adjoint of `push`'s tangents: gradients (B, T, d) of weighted nodes.

        seeds (B, T, size) weigh the outputs of nodes; the affine pieces are those of code
        (B, n_units). With `to` the gradients are those in the output of that node. Cost: one
        backward pass for each of the T.
        """
        B, T = next(iter(seeds.values())).shape[:2]
        columns = {layer.node: layer.columns for layer in self.layers}
        gradients = dict(seeds)

        def accumulate(j: int, part: Floats) -> None:
            gradients[j] = gradients[j] + part if j in gradients else part

        end = 0 if to is None else to
        for i in range(max(seeds), end, -1):
            block = gradients.pop(i, None)
            if block is None:
                continue
            node = self.nodes[i]
            shapes = [self.nodes[j].shape for j in node.inputs]
            op: Any = node.op
            if node.is_piecewise:
                accumulate(node.inputs[0], op.pull(block, code[:, columns[i]], prod(shapes[0])))
                continue
            parts = op.transpose(block.reshape(B * T, *node.shape), *shapes)
            for j, part in zip(node.inputs, parts, strict=True):
                accumulate(j, part.reshape(B, T, -1))
        return gradients.get(end, np.zeros((B, T, prod(self.nodes[end].shape))))

    def upto(self, layer: int | str) -> Network:
        """The network whose output is what enters a layer of units (by index or name).

        Raises
        ------
        ModelError
            If there is no such layer.
        """
        names = [one.name for one in self.layers]
        if isinstance(layer, str) and layer not in names:
            raise ModelError(f"the network has no layer of units {layer!r}; it has {names}")
        if not isinstance(layer, str | Integral) or isinstance(layer, bool):
            raise ModelError(f"layer is {layer!r}; give the index or the name of one of {names}")
        i = names.index(layer) if isinstance(layer, str) else int(layer)
        if not -len(names) <= i < len(names):
            raise ModelError(f"the network has {len(names)} layers of units, so none number {i}")
        end = self.nodes[self.layers[i].node].inputs[0]
        return replace(pruned(self, end), output_activations=())

    @border("following a segment through the network")
    def along(self, x0: Any, x1: Any) -> Line:
        """Every affine piece on the segment from x0 to x1; see :class:`hullwise.model.Line`."""
        from .line import trace_segment

        return trace_segment(self, x0, x1)

    @border("slicing the network")
    def slice(self, origin: Any, axes: Any, half_width: Any = 1.0, **options: Any) -> Slice:
        """Every region on a plane, as polygons; see :class:`hullwise.model.Slice`.

        Parameters
        ----------
        origin : array-like (d,)
        axes : array-like (2, d)
            A point of the plane is ``origin + u axes[0] + v axes[1]``.
        half_width : float or (float, float)
            The rectangle is ``|u| <= half_width[0], |v| <= half_width[1]``.
        **options
            `max_regions` (layers that make more are left out and the slice is partial),
            `max_memory` (bytes or text such as "2 GB"; all that is free unless told), `progress`,
            called with (layers done, layers, words), in shares of 1000 once the work is divided,
            and `stop`, a `hullwise.model.StopFlag`, which Ctrl-C sets, too.

        Returns
        -------
        Slice

        Raises
        ------
        DataError
            If the axes do not span a plane, or a number is not finite.
        MemoryLimitError
            If the regions need more than `max_memory`.
        StoppedError
            If `stop` was set.
        """
        from ._slicing import slice_plane

        return slice_plane(self, origin, axes, half_width, **options)

    @border("slicing the network")
    def slice_parts(
        self, origin: Any, axes: Any, half_width: Any = 1.0, **options: Any
    ) -> SliceParts:
        """The regions on a plane part by part, for more than memory holds; see `SliceParts`.

        As `slice`, but each part is computed when it is taken; options are `max_memory` for the
        work on it, `progress` and `stop`. `.save(path)` writes all parts into a file.
        """
        from .slice_parts import slice_parts

        return slice_parts(self, origin, axes, half_width, **options)

    @border("slicing the network")
    def slice_through(self, a: Any, b: Any, c: Any, margin: float = 0.5, **options: Any) -> Slice:
        """The slice through three points, in a rectangle that holds them with a margin.

        The axes are orthonormal, the first from a towards b; options as for `slice`.
        """
        from ._slicing import slice_through

        return slice_through(self, a, b, c, margin, **options)

    @border("enumerating the regions of the network")
    def regions(
        self, box: Any, *, start: Any = None, max_regions: int = 10_000, **options: Any
    ) -> Regions:
        """Every region in a box of the input space, by walking facets; see `Regions`."""
        from .regions import enumerate_regions

        return enumerate_regions(self, box, start=start, max_regions=max_regions, **options)

    @border("making a tree of the network")
    def to_tree(self, box: Any = None, **options: Any) -> NetworkTree:
        """The equivalent decision tree over a box; see :func:`hullwise.model.to_tree`."""
        from .trees.to_tree import to_tree

        return to_tree(self, box, **options)

    def __repr__(self) -> str:
        def count(n: int, what: str) -> str:
            return f"{n:,} {what}{'' if n == 1 else 's'}"

        before = "".join(f" before {one.kind}" for one in self.output_activations[:1])
        return (
            f"Network({count(self.n_inputs, 'input')}, {count(self.n_outputs, 'output')}{before}, "
            f"{count(self.n_units, 'unit')} in {count(len(self.layers), 'layer')}, "
            f"from {self.source})"
        )


def _unshared(out: Floats, inputs: list[Floats]) -> Floats:
    """`out`, copied where it is a view of an input (a reshape)."""
    return out.copy() if any(np.may_share_memory(out, g) for g in inputs) else out


def pruned(net: Network, end: int) -> Network:
    """The nodes that node `end` needs, it the last."""
    return Network(needed_nodes(net.nodes, end), net.source, net.output_activations)
