"""Which polygon of a complex holds a point."""

from __future__ import annotations

import numpy as np

from .._core.numba import jit


@jit
def locate_points(points, xy, start, after, first, slack):  # type: ignore[no-untyped-def]
    """The polygon of each point, the one that it is deepest in; -1 farther than `slack` outside."""
    out = np.full(len(points), -1)
    for i in range(len(points)):
        most = -np.inf
        for f in range(len(first)):
            h, least = first[f], np.inf
            while True:
                p, q = start[h], start[after[h]]
                du, dv = xy[q, 0] - xy[p, 0], xy[q, 1] - xy[p, 1]
                left = du * (points[i, 1] - xy[p, 1]) - dv * (points[i, 0] - xy[p, 0])
                if left < 0 and left * left > slack * slack * (du * du + dv * dv):
                    least = -np.inf
                    break
                least = min(least, left / np.hypot(du, dv))
                h = after[h]
                if h == first[f]:
                    break
            if least > most:
                out[i], most = f, least
    return out
