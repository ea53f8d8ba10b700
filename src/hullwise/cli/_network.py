"""A network as the options of a command say that it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError
from ..io.paths import readable_path
from ..model import read
from ..model.network import Network
from ._network_options import ModelReadingOptions
from ._npy_files import read_array


def read_network(options: ModelReadingOptions) -> Network:
    """The network of a file, or the part of it that the options name.

    Raises
    ------
    FileError, ModelError
        The file, or that of a constant, cannot be read.
    """
    path: Path = readable_path(str(options.model))
    if path.stat().st_size == 0:
        raise FileError(str(options.model), "is empty; export the network as ONNX again")
    constants = {name: _constant(value) for name, value in options.constants.items()}
    reading: dict[str, Any] = {"constants": constants} if constants else {}
    if options.smooth is not None:
        reading |= {"smooth": "pieces", "error": options.smooth}
    net: Network = read(
        path, options.input_shape, upto=options.upto, output=options.model_output, **reading
    )
    return net


def _constant(value: str | tuple[float, ...]) -> Any:
    """The array of a .npy file, or numbers as one row."""
    if not isinstance(value, str):
        return np.array([value])
    return read_array(value)
