"""What a network decides at a point, and how much larger its other outputs are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats
from .network import Network


@dataclass(frozen=True, eq=False)
class RivalOutputs:
    """The decision at x (d,): the largest output `own`, or with one output whether it is above 0.

    `size` is that of the outputs there.
    """

    net: Network
    x: Floats
    own: int
    size: float

    def over(self, maps: Floats) -> tuple[Floats, list[int]]:
        """How much larger each other output is, from rows for each output; which they are."""
        if len(maps) == 1:
            return (maps if self.own == 0 else -maps), [1 - self.own]
        names = self.names
        return maps[names] - maps[self.own], names

    @property
    def names(self) -> list[int]:
        """The other outputs."""
        k = self.net.n_outputs
        return [1 - self.own] if k == 1 else [j for j in range(k) if j != self.own]

    def rows(self) -> Floats:
        """The rows (r, n_outputs) that `over` multiplies the outputs with."""
        return self.over(np.eye(self.net.n_outputs))[0]

    def leads(self, X: Floats) -> Floats:
        """How much larger the largest other output is at points (m, d): (m,)."""
        return np.asarray((self.net(X) @ self.rows().T).max(axis=1))


def rival_outputs(net: Network, x: Floats) -> RivalOutputs:
    y = net(x[None])[0]
    own = int(y[0] > 0) if len(y) == 1 else int(y.argmax())
    return RivalOutputs(net, x, own, float(np.abs(y).max()))
