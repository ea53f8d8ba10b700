"""A torch module followed while it trains: its network, and exact slices, after every step."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

from .._core.foreign import own_errors
from .._core.options import check_int
from .._core.wording import type_of
from ..errors import ModelError
from ._arguments import border
from .network import Network
from .readers._left_out import ReadModel, warn_left_out
from .readers._options import ReadOptions, unit_error
from .readers._torch_weights import StructureChanged, TorchWeights
from .slices import Slice

CHECK_EVERY = 50  # refreshes between two comparisons with the module


class LiveSlice:
    """A torch module whose weights change, and its network without reading it each time.

    The module is read once. A refresh puts its present weights into the structure that was read; it
    gives a new `Network`, equal to that of a fresh `hullwise.model.read` bit for bit. Networks and
    slices of earlier weights keep their answers.

    Parameters
    ----------
    module : torch.nn.Module
        The one that trains; it is never written to, and may stay in training mode: read is a copy
        at rest.
    input_shape : int or tuple of int, optional
        As for `hullwise.model.read`.
    upto : str, optional
        Follow the part before this layer only.
    output, constants, smooth, error
        As for `hullwise.model.read`: which of several outputs is followed, inputs that stay what
        they are, pieces in the place of smooth activations.
    check_every : int
        After so many refreshes the network's outputs are compared with the module's own at two
        rows, 0.3 ms and more; where they differ the module is read afresh.

    Attributes
    ----------
    network : Network
        As of the last refresh.
    n_reads : int
        How often the module was read: 1, and once more for each change of its structure.

    Raises
    ------
    ModelError
        If it is no torch module, or cannot be read.

    Notes
    -----
    A refresh costs some microseconds for each tensor (0.03 ms for two layers of 32 units). Which
    tensor belongs to which layer was seen when the calls were traced: shared parameters, slices and
    norms of parameters, batch norm at rest, PReLU, branches and maxima all keep their places. The
    module is read afresh where a part, a parameter or a setting was replaced by another, and at
    every refresh where its code turns a parameter into a number of Python.

    Several threads may share one; they take turns.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> module = torch.nn.Sequential(
    ...     torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ... )
    >>> live = hw.model.LiveSlice(module)
    >>> optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> for step in range(3):
    ...     optimiser.zero_grad()
    ...     module(torch.ones(8, 2)).square().mean().backward()
    ...     optimiser.step()
    ...     s = live.slice([0, 0], [[1, 0], [0, 1]])
    >>> live
    LiveSlice(Network(2 inputs, 1 output, 4 units in 1 layer, from Sequential), read 1 time)
    """

    def __init__(
        self,
        module: Any,
        input_shape: Any = None,
        *,
        upto: str | None = None,
        output: str | int | None = None,
        constants: Mapping[str, Any] | None = None,
        smooth: str | None = None,
        error: float = 1e-3,
        check_every: int = CHECK_EVERY,
    ) -> None:
        homes = {cls.__module__.partition(".")[0] for cls in type(module).__mro__}
        if "torch" not in homes:
            raise ModelError(
                f"{type_of(module)} does not train step by step: LiveSlice follows a "
                f"torch.nn.Module; hullwise.model.read reads other models once"
            )
        named = {} if constants is None else constants
        options = ReadOptions(input_shape, upto, output, named, unit_error(smooth, error))
        self._arguments = module, options
        self._check_every = check_int("check_every", check_every, 1)
        self._lock = Lock()
        self.n_reads, self._n_unchecked = 0, 0
        self._read()
        warn_left_out(ReadModel(self._weights.network, self._weights.left_out), stacklevel=2)

    @property
    def network(self) -> Network:
        return self._weights.network

    def refresh(self) -> Network:
        """The network with the module's present weights.

        Raises
        ------
        ModelError
            If a weight is NaN or infinite (training has diverged), or the module has become one
            that cannot be read. `network` is then still that of the last refresh.
        """
        with self._lock, own_errors("reading the weights of the module"):
            weights = self._weights
            if not (weights.can_be_refreshed and weights.is_same_structure()):
                return self._read()
            try:
                network = weights.refresh()
            except StructureChanged:
                return self._read()
            self._n_unchecked += 1
            if self._n_unchecked < self._check_every:
                return network
            self._n_unchecked = 0
            try:
                weights.require_module_outputs()
            except ModelError:
                return self._read()
            return network

    @border("slicing the network")
    def slice(self, origin: Any, axes: Any, half_width: Any = 1.0, **options: Any) -> Slice:
        """`refresh`, and `Network.slice` of what it gives, with the same arguments."""
        return self.refresh().slice(origin, axes, half_width, **options)

    def _read(self) -> Network:
        self._weights = TorchWeights(*self._arguments)
        self.n_reads, self._n_unchecked = self.n_reads + 1, 0
        return self._weights.network

    def __repr__(self) -> str:
        times = f"{self.n_reads:,} time{'' if self.n_reads == 1 else 's'}"
        return f"LiveSlice({self.network!r}, read {times})"
