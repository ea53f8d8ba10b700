"""The binary frame: what a page draws of one slice, in typed-array views without copying.

Little endian, version 1. First words (u32): their count n after this one, then n words: version,
frame, configuration, step, V vertices, C corners, F polygons, E edges, k outputs, bytes of an index
(2 or 4), L + 1, then L + 1 counts of edges (the rectangle's, those of layer 1, ..., L), flags.
Flags: 1 partial (more regions than the limit: those of the first layers only), 2 curved inputs
(polygons are those of an approximation by flat steps, whose own grid is not among the edges).

Then, each starting at a multiple of 4 bytes:

| type | what |
|---|---|
| f32 [1] | loss on the batches since the last frame |
| f32 [4] | view: centre x, y, half width, half height |
| f32 [2 V] | vertices, RELATIVE to the view's centre |
| f32 [k V] | outputs, those of a vertex beside each other |
| u32 [F] | where each polygon's corners end |
| index [C] | vertices of the corners, counter-clockwise |
| index [2 E] | the two vertices of each edge, edges in the order of their layers |

The page acknowledges a frame when it is drawn, and with it all before; at most two are on their
way. A frame whose configuration is not the page's current one is acknowledged and not drawn.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from ..model.slices import Slice
from .configuration import Viewport

__all__ = ["FRAME_VERSION", "FrameHeader", "pack_frame"]

FRAME_VERSION = 1
PARTIAL_FLAG, CURVED_FLAG = 1, 2
SHORT_INDEX_LIMIT = 2**16
FLOAT32_LIMIT = 3e38  # what float32 holds; a training run that diverges goes beyond it


@dataclass(frozen=True)
class FrameHeader:
    """What a frame belongs to."""

    frame: int
    configuration: int
    step: int
    loss: float
    view: Viewport


def pack_frame(header: FrameHeader, picture: Slice, n_chord_layers: int = 0) -> bytes:
    """The bytes of a frame; edges of the first layers that only stand for curves are left out."""
    complex_ = picture.complex
    corners, ends = complex_.loops
    layers = picture.edge_layers - n_chord_layers * (picture.edge_layers >= 0)
    drawn = np.flatnonzero((layers >= 0) | (picture.edge_layers < 0))
    order = drawn[np.argsort(layers[drawn], kind="stable")]
    n_layers = len(picture.net.layers) - n_chord_layers
    per_layer = np.bincount(layers[drawn] + 1, minlength=n_layers + 1)
    index = np.dtype("<u2" if len(complex_.xy) < SHORT_INDEX_LIMIT else "<u4")
    flags = PARTIAL_FLAG * picture.partial + CURVED_FLAG * (n_chord_layers > 0)
    words = [
        *(FRAME_VERSION, header.frame, header.configuration, header.step),
        *(len(complex_.xy), len(corners), len(ends), len(order), picture.outputs.shape[1]),
        *(index.itemsize, len(per_layer), *per_layer.tolist(), flags),
    ]
    numbers = min(header.loss, FLOAT32_LIMIT), *header.view.center, *header.view.half
    outputs = np.clip(picture.outputs, -FLOAT32_LIMIT, FLOAT32_LIMIT)
    return b"".join(
        [
            struct.pack(f"<{len(words) + 1}I", len(words), *words),
            struct.pack("<5f", *numbers),
            complex_.xy.astype("<f4").tobytes(),
            outputs.astype("<f4").tobytes(),
            ends.astype("<u4").tobytes(),
            _padded(complex_.start[corners].astype(index).tobytes()),
            _padded(picture.edges[order].astype(index).tobytes()),
        ]
    )  # fmt: skip


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
