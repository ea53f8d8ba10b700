"""Arrays in .npy files."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import FileError
from ..io.paths import readable_path


def read_array(text: str) -> Any:
    """The array of a .npy file, of which no code is run."""
    try:
        return np.load(readable_path(text), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise FileError(text, f"is no .npy file of numbers ({error})") from None
