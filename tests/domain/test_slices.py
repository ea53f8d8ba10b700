"""A large table located in slices says what it says located at once, whatever the slices."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw


@pytest.fixture(scope="module")
def domain_and_new():
    rng = np.random.default_rng(3)

    def table(n, width):
        columns = {f"x{j}": width * rng.normal(size=n) for j in range(4)}
        return columns | {"job": np.array(list("abc"))[rng.integers(0, 3, n)].tolist()}

    new = table(90, 1.3)
    new["x1"][::9] = np.nan
    return hw.Domain(reference=50).fit(table(20_000, 1.0)), new


@pytest.mark.parametrize("size", [1, 7, 40])
def test_slices_are_located_as_the_whole(domain_and_new, size):
    domain, new = domain_and_new
    whole = domain.locate(new)
    for start in range(0, 90, size):
        at = slice(start, start + size)
        part = domain.locate({name: cells[at] for name, cells in new.items()})
        for name in ("verdict", "band"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[at])
        assert [list(rows) for rows in part.nearest_rows] == [
            list(rows) for rows in whole.nearest_rows[at]
        ]
        # a distance is closed to 1e-6: two searches may end at two places of that bracket
        np.testing.assert_allclose(part.upper, whole.upper[at], rtol=2e-6, atol=1e-12)
