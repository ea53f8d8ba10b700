"""A penalty on the angles between the hyperplanes of a layer, or the templates of the last one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .._core.foreign import own_errors
from ..errors import ModelError
from ..io.coercion import format_names
from ._torch import check_module, import_torch


@own_errors("computing the orthogonality penalty")
def orthogonality_penalty(module: Any, *, layers: str | Sequence[str] = "last") -> Any:
    """The mean squared cosine between the rows of a layer's weights: 0 where they are orthogonal.

    The rows of the last layer are templates that an input is matched with, one for each output;
    those of a hidden layer are normals of the hyperplanes at which its units change their piece.

    Parameters
    ----------
    module : torch.nn.Module
        With layers Linear, Conv1d, Conv2d or Conv3d.
    layers : {"last", "hidden", "all"} or sequence of str
        Which of them, in the order of ``module.named_modules()``; or their names there.

    Returns
    -------
    Tensor ()
        Sum over the layers of the mean of cos^2 over all pairs of different rows, in float of the
        weights; each layer gives 0 to 1. Add it to the loss, times a weight of your choice.

    Raises
    ------
    MissingDependencyError
        If torch is not installed.
    ModelError
        For what is no torch module, one without such layers, or names that it does not have.

    Notes
    -----
    O(k^2 d) for a layer of k rows of d weights. Where k > d the rows cannot all be orthogonal: the
    least value is (k - d) / (d (k - 1)), the Welch bound. Filters of different groups of a
    convolution see different channels and count as orthogonal; one filter's own translates are
    not compared. The size of the weights does not matter, nor do biases.

    Source: R. Balestriero, R. Baraniuk, *Mad Max: affine spline insights into deep learning*, 2018,
    section on template orthogonality: the sum of squared off-diagonal entries of W W' of the last
    layer, here with rows of length 1 and as a mean, so that one weight serves any width.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> with torch.no_grad():
    ...     _ = net[2].weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [3.0, 3.0, 0.0]]))
    >>> round(float(hw.train.orthogonality_penalty(net).detach()), 6)
    0.5
    """
    torch = import_torch("orthogonality_penalty")
    check_module(torch, module)
    penalties = [
        _mean_squared_cosine(torch, layer) for layer in _selected_layers(torch, module, layers)
    ]
    return torch.stack(penalties).sum()


def _mean_squared_cosine(torch: Any, layer: Any) -> Any:
    """Over all ordered pairs of different rows; 0 for a single row."""
    groups = getattr(layer, "groups", 1)
    n_rows = layer.weight.shape[0]
    weights = layer.weight.reshape(groups, n_rows // groups, -1)
    directions = torch.nn.functional.normalize(weights, dim=-1)
    cosines = directions @ directions.transpose(-1, -2)
    off_diagonal = cosines - torch.diag_embed(torch.diagonal(cosines, dim1=-2, dim2=-1))
    return off_diagonal.square().sum() / max(n_rows * (n_rows - 1), 1)


def _layers_with_rows(torch: Any, module: Any) -> Iterator[tuple[str, Any]]:
    nn = torch.nn
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            yield name, layer


def _selected_layers(torch: Any, module: Any, layers: str | Sequence[str]) -> list[Any]:
    available = dict(_layers_with_rows(torch, module))
    names = list(available)
    if not names:
        raise ModelError(
            f"this {type(module).__name__} has no Linear or convolutional layer, and so no rows of "
            "weights to compare."
        )
    if layers == "hidden" and len(names) == 1:
        raise ModelError(f"the only layer is {names[0]!r}, the last one: pass layers='last'.")
    ranges = {"last": names[-1:], "hidden": names[:-1], "all": names}
    chosen = ranges.get(layers, [layers]) if isinstance(layers, str) else list(layers)
    unknown = [name for name in chosen if name not in available]
    if unknown or not chosen:
        raise ModelError(
            f"layers={layers!r}: expected 'last', 'hidden', 'all' or names of Linear or "
            f"convolutional layers, which are {format_names(names)}."
        )
    return [available[name] for name in chosen]
