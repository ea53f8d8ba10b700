"""A pass over rows in a torch tensor: products on its device, and only answers leave it.

What a frame does to rows is done here with the same operations in the same order, so that the
bounds on rounding hold as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Array, Floats, Indices
from ._score_blocks import BLOCK_DIRECTIONS, GroupSpans, ScoreBlock, merge_top
from .scaled_view import ScaledView

DEVICE_BLOCK_NUMBERS = 1 << 22  # numbers of a block of rows, and of its scores


@dataclass(frozen=True, eq=False)
class TensorScoreBlock:
    """A block of scores in a tensor (directions, rows)."""

    S: Any

    @property
    def width(self) -> int:
        return int(self.S.shape[1])

    def hide(self, directions: Indices, rows: Indices) -> None:
        self.S[_on_device_of(self.S, directions), _on_device_of(self.S, rows)] = -np.inf

    def best(self) -> tuple[Indices, Array]:
        # torch's arg-max is the first of equal ones
        arg = self.S.argmax(dim=1)
        value = self.S.gather(1, arg[:, None])[:, 0]
        return arg.cpu().numpy().astype(np.intp), value.double().cpu().numpy()

    def above(self, threshold: Floats) -> tuple[Indices, Indices]:
        which, row = (_on_device_of(self.S, threshold)[:, None] <= self.S).nonzero(as_tuple=True)
        return which.cpu().numpy(), row.cpu().numpy()

    def insert(self, start: int, values: Floats, rows: Indices) -> None:
        """Only scores that could enter the lists leave the device."""
        k = min(values.shape[1], self.width)
        # of equal scores beyond it the lowest rows enter
        threshold = self.S.topk(k, dim=1).values[:, -1]
        threshold = threshold.maximum(_on_device_of(self.S, values[:, -1]))
        which, row = (threshold[:, None] <= self.S).nonzero(as_tuple=True)
        score = self.S[which, row].double().cpu().numpy()
        which, row = which.cpu().numpy(), row.cpu().numpy()  # ascending in both
        for j in range(len(which)):
            b = slice(int(which[j]), int(which[j]) + 1)
            merge_top(score[j : j + 1, None], 1, start + int(row[j]), values[b], rows[b])


def _on_device_of(like: Any, values: Array) -> Any:
    import torch

    return torch.as_tensor(np.ascontiguousarray(values), device=like.device)


def scan_on_device(
    view: ScaledView,
    directions: Array,
    spans: GroupSpans,
    single: bool,
    consume: Callable[[int, int, slice, ScoreBlock], None],
    h: float,
) -> None:
    """As `scan_scores`, with products by torch."""
    with _full_precision():
        _scan_tensor(view, directions, spans, single, consume, h)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products as precise as their type says: the bounds on rounding do not hold for shorter ones.

    A program may have allowed torch to multiply float32 in fewer bits, and to add bfloat16 up in
    bfloat16; both are settings of the process.
    """
    import torch

    matmul = torch.backends.cuda.matmul
    before = torch.get_float32_matmul_precision()
    reduced = matmul.allow_bf16_reduced_precision_reduction
    torch.set_float32_matmul_precision("highest")
    matmul.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        matmul.allow_bf16_reduced_precision_reduction = reduced


def _scan_tensor(
    view: ScaledView,
    directions: Array,
    spans: GroupSpans,
    single: bool,
    consume: Callable[[int, int, slice, ScoreBlock], None],
    h: float,
) -> None:
    import torch

    rows: Any = view.source
    coarse = single and rows.propose == "bfloat16"
    kind = torch.bfloat16 if coarse else torch.float32 if single else torch.float64
    frame = view.diagonal_frame if view.folds_matrix(len(directions), h) else view.frame
    device = rows.tensor.device
    U = torch.as_tensor(directions, device=device).to(kind)
    count = min(BLOCK_DIRECTIONS, len(directions))
    step = max(64, DEVICE_BLOCK_NUMBERS // max(view.source.d, count))
    for group, first, last in spans:
        for start in range(first, last, step):
            part = rows.tensor[start : min(start + step, last)]
            Z = part if single and view.multiplies_stored_rows else _map_tensor(part, frame, single)
            weight = h * (Z * Z).sum(dim=1) if h else None
            Z = Z.to(kind)
            for low in range(0, len(directions), BLOCK_DIRECTIONS):
                at = slice(low, min(low + BLOCK_DIRECTIONS, len(directions)))
                S = (U[at] @ Z.T).to(torch.float32 if single else torch.float64)
                if weight is not None:
                    S -= weight
                consume(group, start, at, TensorScoreBlock(S))


def _map_tensor(part: Any, frame: Any, single: bool) -> Any:
    """`Frame.map`, or `Frame.map_single`."""
    import torch

    on = {"device": part.device}
    short = part.element_size() <= (4 if part.is_floating_point() else 2)
    if single and frame.fits_float32 and short:
        Z = part.to(torch.float32, copy=True)
        Z -= torch.as_tensor(frame.shift.astype(np.float32), **on)
        return Z.mul_(torch.as_tensor(frame.factor.astype(np.float32), **on))
    if part.device.type == "mps":
        return torch.as_tensor(frame.map(part.cpu().numpy()).astype(np.float32), **on)
    Z = part.to(torch.float64, copy=True)
    if frame.is_prescaled:
        Z *= torch.as_tensor(frame.prescale, **on)
    Z -= torch.as_tensor(frame.shift * frame.prescale, **on)
    Z *= torch.as_tensor(frame.factor, **on)
    if frame.matrix is not None:
        Z = Z @ torch.as_tensor(frame.matrix, **on)
    return Z.to(torch.float32) if single else Z
