"""Seeds from what users pass as `random_state`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..errors import DataError


def seed_of(random_state: Any) -> int:
    """A seed: the number itself, or the next one that a generator draws.

    Raises
    ------
    DataError
        It is neither a whole number of at least 0 nor a generator of NumPy's or PyTorch's.
    """
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**62))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(random_state, torch.Generator):
        device = random_state.device
        return int(torch.randint(2**62, (1,), generator=random_state, device=device))
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer):
        raise DataError(
            f"random_state={random_state!r}: expected a whole number of at least 0, a "
            "torch.Generator or a numpy.random.Generator."
        )
    if random_state < 0:
        raise DataError(f"random_state={random_state}: expected a whole number of at least 0.")
    return int(random_state)
