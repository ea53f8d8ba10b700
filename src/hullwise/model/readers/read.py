"""Reading a model: a live torch module, an ONNX file, a fitted scikit-learn MLP."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ..network import Network

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin")


def read(model: Any, input_shape: Any = None, *, upto: str | None = None) -> Network:
    """A network as a graph of affine layers and piecewise affine units, in float64.

    Parameters
    ----------
    model : torch.nn.Module, path to an ONNX file, onnx.ModelProto, scikit-learn MLP, or Network
        A module is copied, put at rest (eval) and traced; the one given is not changed. An
        MLPClassifier's outputs are its logits. Pipelines of scalers and an MLP are read whole.
    input_shape : int or tuple of int, optional
        The shape of one row, without the batch: (channels, height, width) for images. Needed for a
        torch module that does not begin with a linear layer, and for ONNX files that leave it open.
    upto : str, optional
        Read the part before this layer only.

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
    softmax or sigmoid at the very end is left out with a DataWarning.

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
    if isinstance(model, Network):
        return model if upto is None else model.upto(upto)
    if isinstance(model, str | PathLike):
        path = Path(fspath(model))
        _refuse_pickle(path)
        from .onnx_graph.reader import read_onnx

        return read_onnx(path, input_shape, upto)
    home = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "torch" in home and hasattr(model, "state_dict"):
        from ._torch_reader import read_torch

        return read_torch(model, input_shape, upto)
    if "onnx" in home:
        from .onnx_graph.reader import read_onnx

        return read_onnx(model, input_shape, upto)
    if "sklearn" in home:
        from ._sklearn_reader import read_sklearn

        return read_sklearn(model, upto)
    raise ModelError(
        f"a {type(model).__name__} cannot be read; give a torch.nn.Module, the path of an ONNX "
        f"file, a fitted scikit-learn MLP, or arrays to hullwise.model.from_arrays"
    )


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
