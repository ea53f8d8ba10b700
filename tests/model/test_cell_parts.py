"""Cells in parts against the complex as a whole."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from networks import mixed, mlp


@pytest.mark.parametrize(
    ("widths", "most", "threads"),
    [((2, 6, 6, 2), 5, 1), ((3, 9, 9, 1), 60, 2), ((4, 70, 1), 3000, 2), ((5, 7, 6, 1), 100, 2)],
)
def test_parts_are_the_regions_of_the_complex(widths, most, threads):
    net = mlp(widths, seed=2)
    half = 0.2 if widths[1] > 60 else 1.0
    whole = hw.model.cell_complex(net, half)
    parts = list(hw.model.cell_parts(net, half, max_part_regions=most, threads=threads))
    assert max(part.n_regions for part in parts) <= most
    codes = np.concatenate([part.codes for part in parts])
    rows = [np.lexsort(c.T) for c in (codes, whole.codes)]
    np.testing.assert_array_equal(codes[rows[0]], whole.codes[rows[1]])
    for name in ("volumes", "centroids", "minimum", "maximum"):
        own = np.concatenate([getattr(part, name) for part in parts])
        other = getattr(whole, name)
        np.testing.assert_allclose(own[rows[0]], other[rows[1]], rtol=1e-6, atol=1e-11)


def test_the_order_does_not_depend_on_threads():
    net = mlp((4, 12, 8, 1), seed=0)
    one, three = (
        np.concatenate([p.codes for p in hw.model.cell_parts(net, max_part_regions=40, threads=n)])
        for n in (1, 3)
    )
    np.testing.assert_array_equal(one, three)


def test_degenerate_networks_in_parts():
    """Bias-free whole numbers with a copied unit: all walls pass through one point."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        W = [rng.integers(-1, 2, shape).astype(float) for shape in ((5, 3), (4, 5), (1, 4))]
        W[0][1] = W[0][0]
        net = hw.model.from_arrays(W)
        whole = hw.model.cell_complex(net)
        parts = list(hw.model.cell_parts(net, max_part_regions=3))
        assert sum(part.n_regions for part in parts) == whole.n_regions
        own = {tuple(code) for part in parts for code in part.codes}
        assert own == {tuple(code) for code in whole.codes}


def test_limits_and_stopping():
    net, seen = mlp((3, 12, 12, 1), seed=1), []
    parts = hw.model.cell_parts(
        net, max_part_regions=100, progress=lambda done, all_, text: seen.append((done, text))
    )
    n = sum(part.n_regions for part in parts)
    assert seen[-1] == (1000, f"{n:,} regions")
    with pytest.raises(hw.errors.ModelError, match=f"more than max_regions={n - 1:,} regions"):
        list(hw.model.cell_parts(net, max_part_regions=100, max_regions=n - 1))
    with pytest.raises(hw.errors.MemoryLimitError, match="parts of 64 regions in 3 dimensions"):
        hw.model.cell_parts(net, max_memory=1000)
    stop = hw.model.StopFlag()
    going = hw.model.cell_parts(net, max_part_regions=100, stop=stop)
    next(going)
    stop.set()
    with pytest.raises(hw.errors.StoppedError):
        list(going)
    with pytest.raises(hw.errors.ModelError, match="maxima"):
        hw.model.cell_parts(mixed(2, 0))
