"""Random networks of all layers against autograd, and against exact arithmetic."""

import pytest

pytest.importorskip("torch")

from random_networks import BLOCKS, RandomNetwork, faults, regions_and_exact


@pytest.mark.parametrize("seeds", [range(start, start + 10) for start in range(0, 60, 10)])
def test_random_networks(seeds):
    for seed in seeds:
        assert max(faults(seed).values()) <= 1e-12, (seed, RandomNetwork(seed).names)


def test_all_blocks_occur():
    assert {name for seed in range(60) for name in RandomNetwork(seed).names} == set(BLOCKS)


def test_regions_are_those_of_rational_arithmetic():
    for seed in range(12):
        n_regions, exact = regions_and_exact(seed)
        assert n_regions == exact, seed
