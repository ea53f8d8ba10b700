"""Random tangents as tensors: independent signs or normals, or orthonormal directions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch


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
            # bernoulli_ takes forty times as long
            return out.random_(0, 2, generator=self.generator(out.device)).mul_(2).sub_(1)
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
