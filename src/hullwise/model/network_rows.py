"""What a network does at every row of a table, in blocks, for the command and the page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Ints, Progress
from .dissect import dissect
from .network import Network
from .slice_shapes import class_of

SLOPES_AT_ONCE = 2**23  # of the outputs


@dataclass(frozen=True, eq=False, repr=False)
class NetworkRows:
    """One entry for each of m rows.

    Attributes
    ----------
    outputs : ndarray (m, n_outputs)
    distance : ndarray (m,)
        To the nearest wall of the row's region, in the units of the input; infinite without one.
    unit : ndarray (m,)
        The unit behind that wall, counted through all layers; -1 for none.
    region_code : ndarray (m,) of str
        A hash of the activation code: the region's name.
    margin : ndarray (m,)
        The largest output less the second largest; for one output its size.
    decision_if_affine : ndarray (m,)
        The distance at which the class would change if the region's affine map held everywhere;
        it is the true one where it is at most `distance`.
    """

    net: Network
    outputs: Floats
    distance: Floats
    unit: Ints
    region_code: NDArray[np.str_]
    margin: Floats
    decision_if_affine: Floats

    def __len__(self) -> int:
        return len(self.outputs)

    @cached_property
    def classes(self) -> Ints:
        """The largest output of each row; for one output whether it is above 0."""
        return class_of(self.outputs)

    @cached_property
    def _regions(self) -> tuple[Ints, Ints]:
        _, first, place, count = np.unique(
            self.region_code, return_index=True, return_inverse=True, return_counts=True
        )
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[place], count[place]

    @property
    def region(self) -> Ints:
        """Regions numbered from 0 in the order of the rows."""
        return self._regions[0]

    @property
    def rows_in_region(self) -> Ints:
        """How many rows lie in the row's region, itself included."""
        return self._regions[1]

    @property
    def n_regions(self) -> int:
        return int(self.region.max(initial=-1)) + 1

    @cached_property
    def layer(self) -> Ints:
        """The layer of `unit`, -1 for none."""
        ends = [layer.start + layer.n_units for layer in self.net.layers]
        layer = np.searchsorted(ends, self.unit, side="right")
        return np.asarray(np.where(self.unit < 0, -1, layer))

    @property
    def decision_is_exact(self) -> NDArray[np.bool_]:
        """Where `decision_if_affine` is the exact distance to the decision boundary."""
        return np.asarray(
            np.isfinite(self.decision_if_affine) & (self.decision_if_affine <= self.distance)
        )

    @property
    def decision_at_least(self) -> Floats:
        """A lower bound of the distance to the decision boundary, always valid."""
        return np.minimum(self.decision_if_affine, self.distance)


def network_rows(net: Network, X: Floats, progress: Progress | None = None) -> NetworkRows:
    """Everything of `NetworkRows` for rows X (m, d), m may be 0.

    Cost: a forward pass and the boundary distance, and one backward pass for each output.
    """
    each = int(np.clip(SLOPES_AT_ONCE // max(1, net.n_outputs * net.n_inputs), 1, 4096))
    blocks = [_block(net, X[:0])]
    for start in range(0, len(X), each):
        if progress is not None:
            progress(start, len(X), "rows")
        blocks.append(_block(net, X[start : start + each]))
    return NetworkRows(
        net,
        outputs=np.concatenate([block.outputs for block in blocks]),
        distance=np.concatenate([block.distance for block in blocks]),
        unit=np.concatenate([block.unit for block in blocks]),
        region_code=np.concatenate([block.region_code for block in blocks]),
        margin=np.concatenate([block.margin for block in blocks]),
        decision_if_affine=np.concatenate([block.decision_if_affine for block in blocks]),
    )


def _block(net: Network, X: Floats) -> NetworkRows:
    p = dissect(net, X)
    codes = [hashlib.blake2b(code.tobytes(), digest_size=6).hexdigest() for code in p.code]
    margin, if_affine = _margins(p.output, p.A)
    unit = np.asarray(p.boundary_unit, np.int64)
    code = np.array(codes, dtype="<U12")
    return NetworkRows(net, p.output, p.boundary_distance, unit, code, margin, if_affine)


def _margins(f: Floats, A: Floats) -> tuple[Floats, Floats]:
    """By how much the class leads, and how far away the affine maps put the change.

    (f_i - f_j) / |A_i - A_j| at its least over the rivals j; for one output |f| / |A|.
    """
    if f.shape[1] < 2:
        lead, slopes = np.abs(f), A
    else:
        own = f.argmax(axis=1)
        rows = np.arange(len(f))
        lead = f[rows, own][:, None] - f
        slopes = A[rows, own][:, None] - A
        lead[rows, own] = np.inf
    size = np.sqrt((slopes**2).sum(axis=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(size > 0, lead / size, np.inf)
    return lead.min(axis=1, initial=np.inf), away.min(axis=1, initial=np.inf)
