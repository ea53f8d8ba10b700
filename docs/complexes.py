"""Draw the picture of the page about complexes.

Run from the root of the repository: ``python docs/complexes.py``. Writes docs/images/ring.png.
"""

from __future__ import annotations

from pathlib import Path

import hullwise as hw
from hullwise.samples import ring_network_path

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    net = hw.model.read(ring_network_path())
    c = hw.model.cell_complex(net, 1.0)
    boundary = c.boundary()
    print(c, boundary, boundary.betti_numbers, c.verify())
    ax = boundary.plot(azimuth=-60, elevation=32)
    ax.figure.savefig(IMAGES / "ring.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
