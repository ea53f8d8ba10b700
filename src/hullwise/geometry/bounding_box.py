"""The bounding box: which features leave the range of the training rows, and by how much.

What many tools call "the domain". It misses everything between features (on MNIST the box flags
0.2 % of the test images, the hull all of them), so it stands beside the hull, not in its place.
"""

from __future__ import annotations

import numpy as np

from .._core.types import Floats


def excess(Q: Floats, minimum: Floats, maximum: Floats) -> Floats:
    """Amounts by which each row of Q (m, d) leaves the range, in the data's own units.

    Positive above the maximum, negative below the minimum, 0 within; O(m d).
    """
    with np.errstate(over="ignore"):
        return np.asarray(np.maximum(Q - maximum, 0.0) - np.maximum(minimum - Q, 0.0))
