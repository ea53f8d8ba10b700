"""Colours of the pictures of networks, the same in matplotlib and on the page."""

from __future__ import annotations

from typing import Any

import numpy as np

INK, SOFT = "#1b1e22", "#565c64"
REGIONS = (
    *("#8fb8d6", "#f0c58a", "#a9cf9f", "#e3a6a0"),
    *("#c3b1dc", "#f3e2a0", "#8fcac6", "#d9c3ad"),
)
CLASSES = (
    *("#27639b", "#c98208", "#3a8a52", "#b02a1a", "#7a5aa8"),
    *("#2f8f9d", "#a4517a", "#6d7a1f", "#8a5a2b", "#5b6570"),
)
# Every 32nd part of the scales of that name in matplotlib: pages are drawn without it.
VIRIDIS = (
    "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d "
    "2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a "
    "3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725"
)
PLASMA = (
    "0d0887 220690 310597 3f049c 4c02a1 5901a5 6600a7 7201a8 7e03a8 8a09a5 9511a1 "
    "a01a9c aa2395 b32c8e bc3587 c43e7f cc4778 d35171 da5a6a e06363 e66c5c eb7655 "
    "f0804e f58b47 f89540 fba139 fdac33 feb82c fdc527 fcd225 f8df25 f4ed27 f0f921"
)


def scale_color(scale: str, share: float) -> str:
    """The colour (#rrggbb) at a share from 0 to 1 of a scale, VIRIDIS or PLASMA."""
    stops = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in scale.split()]
    places = np.linspace(0, 1, len(stops))
    mixed = (np.interp(share, places, part) for part in zip(*stops))
    return "#" + "".join(f"{round(float(value)):02x}" for value in mixed)


def layer_colors(count: int, dark: bool = False) -> list[str]:
    """From the first layer, which stands out most, to the last; `dark` is for dark paper."""
    first, last = (0.97, 0.35) if dark else (0.0, 0.78)
    shares = [first + (last - first) * i / max(1, count - 1) for i in range(count)]
    return [scale_color(PLASMA, share) for share in shares]


def label_colors(labels: Any, n_outputs: int) -> list[str]:
    """A colour for each label: by class where they are few, else along a scale."""
    values = np.asarray(labels)
    distinct, place = np.unique(values, return_inverse=True)
    numbers = values.dtype.kind in "iufb"
    whole = numbers and len(distinct) and bool((distinct == np.round(distinct.astype(float))).all())
    if whole and distinct.min() >= 0 and distinct.max() < max(2, n_outputs):
        return [CLASSES[int(v) % 10] for v in values]
    if numbers and len(distinct) > 10:
        low, width = float(values.min()), float(values.max()) - float(values.min())
        return [scale_color(VIRIDIS, (float(v) - low) / width) for v in values]
    return [CLASSES[k % 10] for k in place.ravel().tolist()]
