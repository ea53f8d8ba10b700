"""Cell complexes of degenerate networks against enumeration in fractions.

    python benchmarks/complexes_exact.py --networks 300

Whole numbers with ties, copies, opposites and multiples of units, without biases at times (the
generator of tests/model/test_cell_complex.py, other seeds), each also with its units scaled so that
ties hold to rounding only; both methods, and cells in parts. Compared are activation codes, counts
of faces of every dimension, the Euler characteristic, volumes, and the extremes of the outputs.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _measure import parser, show

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "model")]
WIDTHS = [(2, 5, 4, 1), (2, 4, 4, 3, 1), (3, 4, 4, 1), (3, 6, 2), (3, 3, 3, 3, 1), (4, 4, 3, 1),
          (4, 5, 1), (5, 4, 2, 1)]  # fmt: skip
FIRST_SEED = 100_000


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--networks", type=int, default=300)
    options = p.parse_args()
    from test_cell_complex import degenerate_arrays, exact_counts, scaled

    import hullwise as hw
    from rational import exact_cells, exact_outputs, exact_volume

    wrong, n_cells, n_complexes, n_simple = Counter[str](), 0, 0, 0
    for seed in range(FIRST_SEED, FIRST_SEED + options.networks):
        widths = WIDTHS[seed % len(WIDTHS)]
        W, b = degenerate_arrays(widths, seed)
        cells = exact_cells(W, b)
        n_cells += len(cells)
        truth = {
            code: (
                float(exact_volume(cell)),
                [[float(v) for v in exact_outputs(W, b, x)] for x, _ in cell],
            )
            for cell, code in cells
        }
        counts = exact_counts(cells, widths[0])
        for arrays in ((W, b), scaled(W, b, seed)):
            net = hw.model.from_arrays(*arrays)
            for method in ("cells", "lattice"):
                c = hw.model.cell_complex(net, 1.0, method=method)
                n_complexes += 1
                n_simple += method == "cells" and c.structure.is_simple
                wrong["counts of faces"] += c.n_faces != counts or c.euler_characteristic != 1
                wrong["edges"] += len(c.edges) != counts[1]
                _compare([c], truth, wrong)
            _compare(list(hw.model.cell_parts(net, 1.0, max_part_regions=3)), truth, wrong)
    checked = f"{n_complexes:,} complexes of {options.networks:,} networks"
    print(f"{checked}, {n_cells:,} cells; {n_simple:,} simple\n")
    show(("what", "wrong"), [[name, str(n)] for name, n in wrong.items()])


def _compare(parts: list[Any], truth: dict[Any, Any], wrong: Counter[str]) -> None:
    codes = [tuple(int(k) for k in code) for part in parts for code in part.codes]
    if set(codes) != set(truth) or len(set(codes)) != len(codes):
        wrong["codes"] += 1
        return
    wrong["codes"] += 0
    volumes = np.concatenate([part.volumes for part in parts])
    wrong["volumes"] += not np.allclose(volumes, [truth[c][0] for c in codes], rtol=1e-9)
    for name, extreme in (("minimum", np.min), ("maximum", np.max)):
        own = np.concatenate([getattr(part, name) for part in parts])
        exact = [extreme(truth[code][1], axis=0) for code in codes]
        wrong[name] += not np.allclose(own, exact, rtol=1e-9, atol=1e-9)


if __name__ == "__main__":
    main()
