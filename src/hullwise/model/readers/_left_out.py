"""One rule for what a model has behind its last affine piece, whatever it was read from.

An elementwise increasing function, or a softmax over the classes of one row, is left out with a
warning that names it and says what it changes. Every other function is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ...errors import DataWarning
from ..output_activations import ACROSS, OutputActivation


def warn_left_out(
    names: Sequence[tuple[str, str]], activations: Sequence[OutputActivation]
) -> None:
    """Say what was left out: operators and the names of their layers, and what they were."""
    if not names:
        return
    functions = " and ".join(
        f"the {kind} ({layer!r})" if layer else f"the {kind}" for kind, layer in names[:4]
    )
    more = "" if len(names) <= 4 else f" and {len(names) - 4} more"
    one = len(names) == 1
    if not activations:
        kept = "the largest output is the label"
    elif activations[-1].kind in ACROSS:
        kept = "regions and the largest output of each row are the same"
    else:
        kept = "regions and the order of outputs are the same"
    warnings.warn(
        f"{functions}{more} at the end {'is' if one else 'are'} not piecewise affine and "
        f"{'is' if one else 'are'} left out: outputs are what enters {'it' if one else 'them'}. "
        f"Values and gradients are those before {'it' if one else 'them'}; {kept}.",
        DataWarning,
        stacklevel=5,
    )
