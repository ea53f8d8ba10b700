"""One rule for what a model has behind its last affine piece, whatever it was read from.

A function that increases entry by entry, or a softmax over the classes of one row, is left out with
a warning that names it and says what it changes. Every other function is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import DataWarning
from ..network import Network
from ..output_activations import ACROSS

NAMED_LAYERS = 4  # that are left out and named in a warning; more are counted


class ReadModel(NamedTuple):
    """What a reader gives: the network, and what it left out behind it.

    `left_out` holds a kind and a layer's name (empty where it has none) for each.
    """

    network: Network
    left_out: Sequence[tuple[str, str]] = ()


def warn_left_out(read: ReadModel, stacklevel: int) -> None:
    """Say what was left out, if anything, and what that changes."""
    names = [f"the {kind} ({layer!r})" if layer else f"the {kind}" for kind, layer in read.left_out]
    if not names:
        return
    more = f" and {len(names) - NAMED_LAYERS} more" * (len(names) > NAMED_LAYERS)
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    last = read.network.output_activations[-1]
    same = "the largest output of each row" if last.kind in ACROSS else "the order of outputs"
    warnings.warn(
        f"{' and '.join(names[:NAMED_LAYERS])}{more} at the end {are} not piecewise affine and "
        f"{are} left out: outputs are what enters {them}. Values and gradients are those before "
        f"{them}; regions and {same} stay what they are. model_outputs and model_jacobians put "
        f"{last.kind} back.",
        DataWarning,
        stacklevel=stacklevel + 1,
    )
