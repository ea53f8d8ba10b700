"""Random networks of all layers that are read, against autograd and rational arithmetic.

    python benchmarks/networks_exact.py [--networks 1000] [--exact 300]

The networks are those of `tests/random_networks.py`: 2 to 5 of 32 kinds of layers between affine
maps, three inputs. Values, Jacobians, A x + b and what the network gives at the nearest wall are
compared with PyTorch; regions in a square of 2-4-3-1 networks with whole weights, their ReLUs
written in nine ways, are counted in fractions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from _measure import parser, show

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
WRONG = 1e-11  # of the largest value: more than rounding


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--networks", type=int, default=1000)
    arguments.add_argument("--exact", type=int, default=300)
    options = arguments.parse_args()
    from random_networks import faults, regions_and_exact

    worst: dict[str, float] = {}
    wrong = 0
    for seed in range(options.networks):
        errors = faults(seed)
        wrong += max(errors.values()) > WRONG
        worst = {key: max(worst.get(key, 0.0), float(value)) for key, value in errors.items()}
    counts = [regions_and_exact(seed) for seed in range(options.exact)]
    unlike = sum(found != exact for found, exact in counts)
    rows = [
        [f"{options.networks:,} random networks: {key}", f"{value:.1e}", f"{wrong}"]
        for key, value in worst.items()
    ]
    regions = sum(exact for _, exact in counts)
    rows.append([f"{options.exact:,} networks in fractions: {regions:,} regions", "", f"{unlike}"])
    show(("what", "largest relative error", "networks wrong"), rows)


if __name__ == "__main__":
    main()
