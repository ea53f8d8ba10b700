"""One network minus another, as a network: where they differ is then drawn as regions are."""

from __future__ import annotations

from ..errors import ModelError
from .affine_layers import Sum
from .network import Network
from .nodes import Node

__all__ = ["network_difference"]


def network_difference(a: Network, b: Network) -> Network:
    """``a - b`` of two networks with the same inputs and outputs.

    Its walls are those of both, so that on each of its regions both are affine. Cost: none, the
    layers are shared.

    Raises
    ------
    ModelError
        If inputs or outputs differ in shape.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.model.network_difference import network_difference
    >>> relu = hw.model.from_arrays([[[1.0]], [[1.0]]])
    >>> identity = hw.model.from_arrays([[[1.0]]])
    >>> network_difference(relu, identity)([[2.0], [-3.0]]).ravel()
    array([0., 3.])
    """
    if a.input_shape != b.input_shape or a.output_shape != b.output_shape:
        raise ModelError(
            f"the networks map {a.input_shape} to {a.output_shape} and {b.input_shape} to "
            f"{b.output_shape}: there is a difference where both are the same"
        )
    shift = len(a.nodes) - 1
    second = (
        Node(
            f"{node.name} of the second",
            node.op,
            tuple(j + shift if j else 0 for j in node.inputs),
            node.shape,
        )
        for node in b.nodes[1:]
    )
    nodes = (*a.nodes, *second)
    last = Node("difference", Sum((1.0, -1.0)), (shift, len(nodes) - 1), a.output_shape)
    return Network((*nodes, last), a.source)
