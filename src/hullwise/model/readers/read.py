"""Reading a model: a live torch module, an ONNX file, a fitted scikit-learn MLP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..._core.foreign import own_errors
from ..._core.wording import type_of
from ...errors import MissingDependencyError, ModelError
from ...io.paths import PICKLE_SUFFIXES, readable_path
from ..network import Network
from ._left_out import ReadModel, warn_left_out
from ._options import ReadOptions, unit_error


def read(
    model: Any,
    input_shape: Any = None,
    *,
    upto: str | None = None,
    output: str | int | None = None,
    constants: Mapping[str, Any] | None = None,
    smooth: str | None = None,
    error: float = 1e-3,
) -> Network:
    """A network as a graph of affine layers and piecewise affine units, in float64.

    Parameters
    ----------
    model : torch.nn.Module, path to an ONNX or .pt2 file, onnx.ModelProto, MLP, or Network
        A module (a compiled one and a program of torch.export, too) is copied, put at rest (eval)
        and traced; the one given is not changed. Of a .pt2 file no code is run but torch's own
        operators, in the file's order. An
        MLPClassifier's outputs are its logits. Pipelines of scalers and an MLP are read whole, and
        so is what skl2onnx writes of them.
    input_shape : int or tuple of int, optional
        The shape of one row, without the batch: (channels, height, width) for images. Needed for a
        torch module that does not begin with a linear layer, and for ONNX files that leave it open.
        With as many axes as an ONNX file declares, the whole input is one row. For a model of
        several inputs a dict of their names and shapes: rows hold them side by side, in that order.
    upto : str, optional
        Read the part before this layer only; for an ONNX file, also the name of a value to read to.
    output : str or int, optional
        Which one, where a model gives several: its key, or its place in a tuple ('aux.0' in nested
        ones); the name of an ONNX file's.
    constants : dict, optional
        Inputs that stay what they are, by name. An array whose first axis has size 1 is repeated
        for each row; everything else is passed as it is.
    smooth : "pieces", optional
        Put straight pieces in the place of smooth activations (GELU, SiLU, Mish, tanh, sigmoid,
        softplus, ELU, SELU, CELU, Hardswish), which are refused otherwise.
    error : float
        How far these may be off the activation, anywhere. `Network.approximation_errors` says what
        that makes of the outputs.

    Returns
    -------
    Network
        Takes rows (m, d), images flattened row-major, or ``(m, *input_shape)``.

    Raises
    ------
    ModelError
        If a layer is not piecewise affine or not known (it is named, with those that are), if the
        file cannot be read, if the module cannot be traced, if weights are NaN, or if what was read
        does not give the model's own answers on test inputs.

    Notes
    -----
    Files that run code when opened (pickles: .pt, .pkl, .joblib) are refused, never opened. A
    softmax over the classes of a row, or a function that increases entry by entry (sigmoid, exp,
    tanh, ...), at the very end is left out with a DataWarning and named by
    ``Network.output_activations``; labels and reshapes behind it are looked through. ONNX operators
    are read as the file's opset means them and, where onnxruntime is installed, compared with it.

    Examples
    --------
    >>> import hullwise as hw
    >>> from sklearn.neural_network import MLPRegressor
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0)
    >>> mlp = mlp.fit(X, [0.0, 1.0, 1.0, 2.0])
    >>> hw.model.read(mlp)
    Network(2 inputs, 1 output, 4 units in 1 layer, from MLPRegressor)
    """
    with own_errors("reading the network"):
        named = {} if constants is None else constants
        options = ReadOptions(input_shape, upto, output, named, unit_error(smooth, error))
        if isinstance(model, Network):
            options.require_one_input("a Network")
            return model if upto is None else model.upto(upto)
        read_model = _reader_of(model)(model, options)
        warn_left_out(read_model, stacklevel=2)
        return read_model.network


def _reader_of(model: Any) -> Callable[[Any, ReadOptions], ReadModel]:
    """The reader for a kind of model; what it needs is imported when it is used."""
    if isinstance(model, str | PathLike):
        path = Path(fspath(model))
        if path.suffix.lower() == ".pt2":
            return lambda _, options: _read_program(path, options)
        _refuse_pickle(path)
        from .onnx_graph.reader import read_onnx

        return read_onnx
    home = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "torch" in home and hasattr(model, "state_dict"):
        from ._torch_reader import read_torch

        return read_torch
    if "onnx" in home and hasattr(model, "graph"):
        from .onnx_graph.reader import read_onnx

        return read_onnx
    if "sklearn" in home:
        from ._sklearn_reader import read_sklearn

        return read_sklearn
    raise ModelError(
        f"{type_of(model)} cannot be read; give a torch.nn.Module, the path of an ONNX "
        f"file, a fitted scikit-learn MLP, or arrays to hullwise.model.from_arrays"
    )


def _read_program(path: Path, options: ReadOptions) -> ReadModel:
    readable_path(path)
    try:
        from ._torch_reader import read_torch

        return read_torch(path, options)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError(
            f"{path.name} is a program of torch.export: reading it needs PyTorch, pip install torch"
        ) from None


def _refuse_pickle(path: Path) -> None:
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(4)
    pickled = head[:1] == b"\x80" or head == b"PK\x03\x04"
    if path.suffix.lower() in PICKLE_SUFFIXES or pickled:
        raise ModelError(
            f"{path.name} is a pickle, which runs code when it is opened: it is not read. Load it "
            f"yourself and pass the module to hullwise.model.read, or export it: "
            f'torch.onnx.export(module, (example,), "model.onnx")'
        )
