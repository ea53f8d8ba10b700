"""The cells of a network in a box, part by part, in bounded memory and on all processors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..._core.memory import size_text
from ..._core.options import check_int, check_size
from ..._core.threads import StopFlag, cpu_count, single_threaded_blas
from ..._core.types import Floats, Progress
from ...errors import MemoryLimitError, ModelError, StoppedError
from .._arguments import border
from .._layer_values import LayerValues
from .._piecewise_layers import Codes
from ..network import Network
from ..readers.read import read
from ._cell_cutter import FacetsOverflow
from ._cell_quantities import CellQuantities
from ._cell_table import CellTable, table_of_domain
from ._cells_in_hand import CELLS_OUT_OF_ONE, CellsInHand
from ._face_lattice import CellLattice
from .build import complex_domain, complex_subspace

PART_CELLS = 2**14
LEAST_PART_CELLS = 64
PARTS_AHEAD = 2  # for each thread, of those that may be worked on before their turn
SECONDS_BETWEEN_LOOKS = 0.1  # at Ctrl-C and `stop`
PART_PROGRESS_STEPS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class CellPart(CellQuantities):
    """Some cells of a network in a box.

    Made by :func:`hullwise.model.cell_parts`. Vertices are numbered within the part; coordinates
    are those of the box, as in :class:`hullwise.model.CellComplex`.

    Attributes
    ----------
    net : Network
    origin, axes : ndarray (n_inputs,), (k, n_inputs)
    structure : CellTable
        Cells by their corners and facets.
    codes : ndarray (n_regions, n_units)
        Activation codes.
    outputs : ndarray (V, n_outputs)
        The network's values at the vertices.

    Examples
    --------
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0, 0], [0, 1, 0]], [[1, 1]]])
    >>> part = next(hw.model.cell_parts(net))
    >>> part
    CellPart(4 regions in 3 dimensions, 18 vertices)
    >>> float(part.maximum.max())
    2.0
    """

    net: Network
    origin: Floats
    axes: Floats
    structure: CellTable
    codes: Codes
    outputs: Floats

    @property
    def n_regions(self) -> int:
        """Cells in this part."""
        return self.structure.n_cells

    def __repr__(self) -> str:
        return (
            f"CellPart({self.n_regions:,} region{'' if self.n_regions == 1 else 's'} in "
            f"{self.structure.dimension} dimensions, {len(self.vertices):,} vertices)"
        )


@border("going through the cells of a network")
def cell_parts(
    net: Any,
    box: Any = 1.0,
    *,
    origin: Any = None,
    axes: Any = None,
    simplex: Any = None,
    max_part_regions: int = PART_CELLS,
    max_regions: int | None = None,
    max_memory: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    stop: StopFlag | None = None,
) -> Iterator[CellPart]:
    """Go through every linear region of a network in a box, some thousand at a time.

    For sums, extremes and tables of more regions than memory holds: a part that was looked at can
    be let go of. Each region comes once, in an order that does not depend on the threads.

    Parameters
    ----------
    net, box, origin, axes, simplex : as for :func:`hullwise.model.cell_complex`
    max_part_regions : int
        Most regions in a part; fewer where `max_memory` asks for it.
    max_regions : int, optional
        More are an error, raised when they come; unless given there is no limit.
    max_memory : int or str, optional
        About what the parts at hand may take, as bytes or text such as "500 MB"; what threads
        work with, some 60 MB, comes on top.
    threads : int, optional
        At most as many as processors unless given.
    progress : callable, optional
        Called with (thousandths of the work, 1000, words); how much there is is a guess.
    stop : StopFlag, optional
        Set by another thread to end the work.

    Yields
    ------
    CellPart

    Raises
    ------
    DataError
        If the box, the axes or a limit are none.
    ModelError
        If `net` cannot be read, has other than 2 to 8 inputs and no axes are given, has layers of
        maxima (whose cells are joined across parts: take `cell_complex`), or more than
        `max_regions` regions; or where a cell has more than 64 facets.
    MemoryLimitError
        If `max_memory` is too little for parts of 64 regions.
    StoppedError
        If `stop` was set.

    Notes
    -----
    Cells are cut layer by layer, by up to 64 walls at a time; more than fit are divided, and the
    first part goes on, so that parts of several layers are at hand and no layer as a whole. What is
    zero for a unit is the same number in all parts. Facets are matched, and faces counted, within
    a part only: for neighbours, topology and decision boundaries take `cell_complex`.

    Cost: that of cutting cells alone, and vertices between parts several times. Ctrl-C ends it
    within a second.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> W = np.vstack([np.eye(3), -np.eye(3)])
    >>> net = hw.model.from_arrays([W, np.ones((1, 6))], [np.zeros(6), np.full(1, -0.5)])
    >>> parts = hw.model.cell_parts(net, 1.0, max_part_regions=4)
    >>> sum(float(part.volumes.sum()) for part in parts)
    8.0
    """
    if not isinstance(net, Network):
        net = read(net)
    base, frame = complex_subspace(net, origin, axes)
    domain = complex_domain(net, box, simplex, len(frame), axes is not None)
    if any(hasattr(node.op, "groups") for node in net.nodes):
        raise ModelError(
            "cell_parts: the network has layers of maxima, whose cells are joined across parts: "
            "take cell_complex."
        )
    most = check_int("max_part_regions", max_part_regions, 1)
    n_threads = cpu_count() if threads is None else check_int("threads", threads, 1)
    if max_memory is not None:
        memory = check_size("max_memory", max_memory, 1)
        most = min(most, _cells_within(memory, net, len(frame), n_threads))
    limit = None if max_regions is None else check_int("max_regions", max_regions, 1)
    work = _Work(net, base, frame, most, n_threads, stop or StopFlag())
    return _all_parts(work, domain, limit, progress)


def _cells_within(memory: int, net: Network, d: int, n_threads: int) -> int:
    """How many cells a part may have, all parts at hand taking about so many bytes."""
    width: int = max(prod(node.shape) for node in net.nodes)
    row = 8 * (3 * width + d + 8)  # of a vertex: values of a few nodes, and how it was cut
    cell = 18 * 2**d + 2 * row + net.n_units + 80
    at_hand = CELLS_OUT_OF_ONE * (1 + PARTS_AHEAD) * n_threads * len(net.layers)
    cells = memory // (cell * at_hand)
    if cells < LEAST_PART_CELLS:
        needed = size_text(LEAST_PART_CELLS * cell * at_hand)
        raise MemoryLimitError(
            f"max_memory={size_text(memory)}: parts of {LEAST_PART_CELLS} regions in {d} "
            f"dimensions take {needed} on {n_threads} thread{'s' * (n_threads > 1)}; give that or "
            "fewer threads."
        )
    return int(cells)


@dataclass(eq=False)
class _Work:
    """What all parts have in common."""

    net: Network
    origin: Floats
    axes: Floats
    most_cells: int
    n_threads: int
    outer_stop: StopFlag
    stop: StopFlag = field(default_factory=StopFlag)

    def first(self, domain: CellLattice) -> CellsInHand:
        """The domain as one cell before the first layer."""
        values = LayerValues(self.net, np.asarray(self.origin + domain.vertices @ self.axes))
        none = np.zeros((1, 0), self.net.code_dtype), np.zeros((1, 0), np.uint64)
        cells = CellsInHand(table_of_domain(domain), values, *none, 0, None, 0, 1.0)
        cells.begin_layer(0)
        return cells

    def check(self) -> None:
        """Called now and then by threads and by who waits for them."""
        if self.stop.is_set() or self.outer_stop.is_set():
            raise StoppedError("going through the cells of a network was stopped")

    def advance(self, cells: CellsInHand) -> list[CellsInHand] | CellPart:
        """As far as one part goes; a part with an end has its outputs."""
        with single_threaded_blas():
            while not cells.is_done:
                self.check()
                parts = cells.advance(self.most_cells, self.check)
                if len(parts) > 1:
                    return parts
            outputs = np.asarray(cells.values.finish()[0])
        return CellPart(self.net, self.origin, self.axes, cells.table, cells.codes, outputs)


def _all_parts(
    work: _Work, domain: CellLattice, max_regions: int | None, progress: Progress | None
) -> Iterator[CellPart]:
    agenda: list[Any] = [work.first(domain)]  # parts in order: waiting, at work, or done
    shares: dict[int, float] = {}
    done, n_regions = 0.0, 0
    pool = ThreadPoolExecutor(work.n_threads)
    try:
        while agenda:
            if isinstance(agenda[0], CellPart):
                part = agenda.pop(0)
                n_regions += part.n_regions
                if max_regions is not None and n_regions > max_regions:
                    raise _too_many(max_regions, done)
                done += shares.pop(id(part))
                if progress is not None:
                    steps = round(PART_PROGRESS_STEPS * done)
                    progress(steps, PART_PROGRESS_STEPS, f"{n_regions:,} regions")
                yield part
                continue
            _start(agenda, work, pool)
            _settle(agenda, work, shares)
    except FacetsOverflow:
        raise ModelError(
            "cell_parts: a cell has more than 64 facets: take cell_complex(method='lattice')."
        ) from None
    finally:
        work.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _too_many(max_regions: int, done: float) -> ModelError:
    return ModelError(
        f"the network has more than max_regions={max_regions:,} regions in the box, of which about "
        f"{done:.1%} was gone through: give more, None, or a smaller box."
    )


@dataclass(eq=False)
class _AtWork:
    future: Future[list[CellsInHand] | CellPart]
    share: float


def _start(agenda: list[Any], work: _Work, pool: ThreadPoolExecutor) -> None:
    """Give the threads work: parts whose turn is near, so that few are done before it."""
    running = sum(isinstance(one, _AtWork) for one in agenda[: PARTS_AHEAD * work.n_threads + 1])
    for i, one in enumerate(agenda[: PARTS_AHEAD * work.n_threads + 1]):
        if running < work.n_threads and isinstance(one, CellsInHand):
            agenda[i] = _AtWork(pool.submit(work.advance, one), one.share)
            running += 1


def _settle(agenda: list[Any], work: _Work, shares: dict[int, float]) -> None:
    """Wait for a thread, and put what it made in the place of what it was given."""
    futures = [one.future for one in agenda if isinstance(one, _AtWork)]
    wait(futures, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
    work.check()
    for i in reversed(range(len(agenda))):
        one = agenda[i]
        if isinstance(one, _AtWork) and one.future.done():
            result = one.future.result()
            if isinstance(result, CellPart):
                shares[id(result)] = one.share
                agenda[i] = result
            else:
                agenda[i : i + 1] = result
