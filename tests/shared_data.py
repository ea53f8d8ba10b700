"""Recorded answers and data sets that are not part of the project; tests skip without them."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("HULLWISE_SHARED", ROOT / "../shared/data"))


def shared_path(name):
    """The path of a shared file."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set HULLWISE_SHARED to the folder that holds it")
    return path


def load_npz(name):
    """The arrays of a shared file, by name."""
    with np.load(shared_path(name)) as data:
        return dict(data)
