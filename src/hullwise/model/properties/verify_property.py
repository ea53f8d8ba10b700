"""Whether a property of a network holds over a box: proved, refuted by an example, or how far."""

from __future__ import annotations

import time
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from ..._core.options import check_int, check_positive
from ..._core.results import RecordResult
from ..._core.threads import single_threaded_blas
from ..._core.types import Floats, Progress
from ...errors import DataError
from .._arguments import border
from ..network import Network
from ._box_search import BoxCuts, BoxSearch
from ._certificate_file import load_certificate, save_certificate
from ._property_checker import PropertyCheck, check_cuts, check_example
from .output_property import OutputProperty, UnsafeCase
from .property_text import output_property


@dataclass(frozen=True, eq=False, repr=False)
class PropertyResult(RecordResult):
    """What was found of a property.

    Attributes
    ----------
    status : str
        "holds", "violated" or "open".
    claim : OutputProperty
        What was asked.
    counter_example : ndarray (d,) or None
        Inputs that break it, as rational arithmetic without rounding has confirmed.
    outputs : ndarray (n_outputs,) or None
        The network's outputs there.
    open_share : float
        Share of the volume of the boxes asked about that is neither proved nor refuted.
    n_boxes : int
        Boxes looked at.
    seconds : float
    cuts : tuple of BoxCuts
        The certificate where it holds.
    broken : UnsafeCase or None
        What the counter-example meets.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    >>> hw.verify_property(net, 2.0, "y0 < 2.1")
    PropertyResult('y0 < 2.1' holds, 1 box)
    """

    status: str
    claim: OutputProperty
    counter_example: Floats | None
    outputs: Floats | None
    open_share: float
    n_boxes: int
    seconds: float
    net: Network
    cuts: tuple[BoxCuts, ...]
    broken: UnsafeCase | None

    @property
    def text(self) -> str:
        """The property in words, or the name of its file."""
        return self.claim.text

    @property
    def holds(self) -> bool:
        """Whether the property is proved; not the opposite of `violated`."""
        return self.status == "holds"

    @property
    def violated(self) -> bool:
        """Whether an input that breaks it was found."""
        return self.status == "violated"

    def verify(self, progress: Progress | None = None) -> PropertyCheck:
        """Check the answer anew by code that shares nothing with the search; see `PropertyCheck`.

        Cost: one backward pass for each layer and each box that was not cut.
        """
        if self.counter_example is not None and self.broken is not None:
            return check_example(self.net, self.claim, self.counter_example, self.broken)
        return check_cuts(self.net, self.claim, self.cuts, progress)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the proof, or the counter-example, to a file for `check_certificate`.

        Raises
        ------
        DataError
            If the property is open: there is nothing to prove it with.
        FileError
            If the file cannot be written, or is there and `force` is false.
        """
        if self.status == "open":
            raise DataError(
                f"{self.text!r} is open on {self.open_share:.2%} of the volume: there is no proof "
                "to save; give more max_boxes or max_seconds"
            )
        example = self.counter_example
        save_certificate(path, self.claim, self.cuts, example, self.broken, force=force)

    def __repr__(self) -> str:
        boxes = f"{self.n_boxes:,} box{'' if self.n_boxes == 1 else 'es'}"
        if self.status == "open":
            return f"PropertyResult({self.text!r} open on {self.open_share:.2%}, {boxes})"
        if self.violated:
            return f"PropertyResult({self.text!r} violated at {self.counter_example})"
        return f"PropertyResult({self.text!r} holds, {boxes})"


@border("verifying a property of the network")
def verify_property(
    net: Any,
    box: Any,
    outputs: str | OutputProperty,
    *,
    max_boxes: int = 1_000_000,
    max_seconds: float | None = None,
    random_state: int | None = 0,
    progress: Progress | None = None,
) -> PropertyResult:
    """Decide whether a property of the outputs holds for every input in a box.

    Parameters
    ----------
    net : Network, or what :func:`hullwise.model.read` takes
    box : float, (float, float), (array-like, array-like) or None
        A half width, or lower and upper ends of the inputs (all, or for each). None where `outputs`
        is an :class:`~hullwise.model.OutputProperty`, which has boxes of its own.
    outputs : str or OutputProperty
        What must be true, such as ``"y0 <= 3 and y1 < y0"`` or ``"argmax == 2"``; see
        :func:`hullwise.model.output_property` and :func:`hullwise.model.read_vnnlib`.
    max_boxes : int
        Boxes to look at before what is left is called open.
    max_seconds : float, optional
        Seconds after which what is left is called open.
    random_state : int, optional
        Of the points tried at first as counter-examples.
    progress : callable, optional
        Called with (boxes settled, boxes known, words).

    Returns
    -------
    PropertyResult

    Raises
    ------
    DataError
        If the property or the box do not fit the network.
    ModelError
        If the network cannot be read.

    Notes
    -----
    The answer is about the network in real arithmetic: rounding is bounded and counted against a
    proof, and a counter-example is confirmed by rational arithmetic. Boxes are cut across inputs,
    of which some ten are in reach: in many inputs (images) all that can be expected is what bounds
    over the whole box prove. A bound that an output attains exactly stays open, by
    rounding. Cost: for each box one backward pass through every layer for each undecided unit of
    the next.

    Zhang et al. (2018), CROWN; Wang et al. (2018), ReluVal.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])  # |x|
    >>> result = hw.verify_property(net, (-1.0, 2.0), "y0 < 1.5")
    >>> result.status, result.outputs > 1.5
    ('violated', array([ True]))
    >>> hw.verify_property(net, 1.0, "y0 < 1.1").verify().ok
    True
    """
    net = _network(net)
    claim = _property(net, box, outputs)
    limit = np.inf if max_seconds is None else check_positive("max_seconds", max_seconds)
    search = BoxSearch(net, claim, check_int("max_boxes", max_boxes, 1), limit, progress)
    with single_threaded_blas():  # the products are small: two threads would mostly wait
        search.run(np.random.default_rng(random_state))
    return _result(search)


@border("checking a proof of a property")
def check_certificate(
    path: str | PathLike[str],
    net: Any,
    box: Any,
    outputs: str | OutputProperty,
    *,
    progress: Progress | None = None,
) -> PropertyCheck:
    """Whether a file that `PropertyResult.save` wrote decides a property of a network.

    Parameters
    ----------
    path : path-like
    net, box, outputs : as for :func:`verify_property`
        The file says none of them, so that what is checked is
        this property of this network, whatever the file was made from.
    progress : callable, optional
        Called with (boxes checked, boxes, "boxes").

    Returns
    -------
    PropertyCheck
        `ok` where it is a proof, or `refutes` where it is a counter-example.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, or is about a property of other cases.
    DataError, ModelError
        As `verify_property`.

    Notes
    -----
    The checker shares nothing with the search: one backward pass through sparse matrices for each
    layer and each box that was not cut, some 4 ms for 300 units.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "proof.npz")
    >>> hw.verify_property(net, 2.0, "y0 < 2.1").save(path)
    >>> hw.model.check_certificate(path, net, 2.0, "y0 < 2.1")
    PropertyCheck(ok, 1 box)
    >>> hw.model.check_certificate(path, net, 2.0, "y0 < 1.9").ok
    False
    """
    net = _network(net)
    claim = _property(net, box, outputs)
    cuts, example, broken = load_certificate(path, claim)
    if example is not None and broken is not None:
        return check_example(net, claim, example, broken)
    return check_cuts(net, claim, cuts, progress)


def _network(net: Any) -> Network:
    if isinstance(net, Network):
        return net
    from ..readers.read import read

    return read(net)


def _property(net: Network, box: Any, outputs: str | OutputProperty) -> OutputProperty:
    if not isinstance(outputs, OutputProperty):
        if box is None:
            raise DataError("box=None: give the box of inputs that the property is about")
        return output_property(outputs, box, net.n_inputs, net.n_outputs)
    if box is not None:
        raise DataError("outputs is an OutputProperty, which has boxes of its own: give box=None")
    for case in outputs.cases:
        sizes = len(case.low), case.C.shape[1]
        if sizes != (net.n_inputs, net.n_outputs):
            raise DataError(
                f"the property {outputs.text!r} is about {sizes[0]} inputs and {sizes[1]} outputs, "
                f"the network has {net.n_inputs} and {net.n_outputs}"
            )
    return outputs


def _result(search: BoxSearch) -> PropertyResult:
    example = search.counter_example
    status = "violated" if example is not None else "open" if search.open_share else "holds"
    return PropertyResult(
        status,
        search.claim,
        example,
        None if example is None else search.net(example[None])[0],
        search.open_share,
        search.n_boxes,
        time.monotonic() - search.started,
        search.net,
        tuple(cuts.frozen() for cuts in search.cuts) if status != "violated" else (),
        search.broken,
    )
