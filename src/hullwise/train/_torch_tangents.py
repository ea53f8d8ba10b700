"""Random tangents as tensors: independent signs or normals, or orthonormal directions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ..errors import DataError


def seed_of(random_state: Any) -> int:
    """A seed: the number itself, or the next one that a generator draws.

    Raises
    ------
    DataError
        It is neither a whole number of at least 0 nor a generator of NumPy's or PyTorch's.
    """
    if isinstance(random_state, torch.Generator):
        device = random_state.device
        return int(torch.randint(2**62, (1,), generator=random_state, device=device))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**62))
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer):
        raise DataError(
            f"random_state={random_state!r}: expected a whole number of at least 0, a "
            "torch.Generator or a numpy.random.Generator."
        )
    if random_state < 0:
        raise DataError(f"random_state={random_state}: expected a whole number of at least 0.")
    return int(random_state)


class TangentSource:
    """Draws tensors like others, on their devices, from one seed."""

    def __init__(self, directions: str, seed: int) -> None:
        self.directions, self.seed = directions, seed
        self.generators: dict[torch.device, torch.Generator] = {}

    def generator(self, device: torch.device) -> torch.Generator:
        """The generator of a device; each has its own."""
        if device not in self.generators:
            number = len(self.generators)
            generator = torch.Generator(device).manual_seed((self.seed + number) % 2**63)
            self.generators[device] = generator
        return self.generators[device]

    def like(self, tensor: Any) -> Any:
        """Independent numbers with mean 0 and variance 1."""
        out = torch.empty_like(tensor, requires_grad=False)
        if self.directions == "rademacher":
            return out.bernoulli_(0.5, generator=self.generator(out.device)).mul_(2).sub_(1)
        return out.normal_(generator=self.generator(out.device))

    def tangents(self, n_tangents: int, weights: Sequence[Any]) -> Iterator[list[Any]]:
        """K tangents, each a tensor for each of the weights."""
        if self.directions != "orthonormal":
            for _ in range(n_tangents):
                yield [self.like(weight) for weight in weights]
            return
        sizes = [weight.numel() for weight in weights]
        for column in self.columns((sum(sizes), n_tangents), weights[0]).T:
            yield [
                part.reshape(weight.shape).to(weight)
                for part, weight in zip(column.split(sizes), weights)
            ]

    def columns(self, shape: tuple[int, ...], like: Any) -> Any:
        """Orthogonal columns (..., n, K) of uniform orientation, each of length sqrt(n)."""
        normal = torch.empty(shape, dtype=like.dtype, device=like.device)
        normal.normal_(generator=self.generator(like.device))
        return torch.linalg.qr(normal)[0].mul_(math.sqrt(shape[-2]))
