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


def layer_colors(count: int, dark: bool = False) -> list[str]:
    """From the first layer, which stands out most, to the last; `dark` is for dark paper."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    first, last = (0.97, 0.35) if dark else (0.0, 0.78)
    shares = [first + (last - first) * i / max(1, count - 1) for i in range(count)]
    return [to_hex(colormaps["plasma"](v)) for v in shares]


def label_colors(labels: Any, n_outputs: int) -> list[str]:
    """A colour for each label: by class where they are few, else along a scale."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize, to_hex

    values = np.asarray(labels)
    found, place = np.unique(values, return_inverse=True)
    numbers = values.dtype.kind in "iufb"
    whole = numbers and len(found) and bool((found == np.round(found.astype(float))).all())
    if whole and found.min() >= 0 and found.max() < max(2, n_outputs):
        return [CLASSES[int(v) % 10] for v in values]
    if numbers and len(found) > 10:
        scale = Normalize(float(values.min()), float(values.max()))
        return [to_hex(c) for c in colormaps["viridis"](scale(values.astype(float)))]
    return [CLASSES[k % 10] for k in place.ravel().tolist()]
