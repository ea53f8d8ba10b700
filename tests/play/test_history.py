"""Weights as they were, in bounded memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullwise.play.history import HISTORY_BYTES, HISTORY_ENTRIES, WeightHistory


@given(st.lists(st.integers(1, 50), min_size=1, max_size=3000))
def test_entries_are_spread_over_the_whole_run(gaps):
    history, steps = WeightHistory(1), np.r_[0, np.cumsum(gaps)]
    for step in steps:
        history.record(int(step), np.array([step]))
    assert len(history) <= HISTORY_ENTRIES + 1
    assert history.range == (0, steps[-1])
    for step in (0, steps[-1] // 2, steps[-1], steps[-1] + 7):
        nearest, weights = history.nearest(int(step))
        assert weights[0] == nearest <= max(step, 0)
        assert step - nearest <= 4 * max(gaps) * (1 + len(steps) // HISTORY_ENTRIES) + 7


def test_memory_is_bounded():
    size = HISTORY_BYTES // 40
    history = WeightHistory(size)
    for step in range(100):
        history.record(step, np.zeros(size, dtype=np.float32))
    assert len(history) * 4 * size <= 2 * HISTORY_BYTES


@pytest.mark.parametrize("step", [0, 1, 33, 499, 1200])
def test_what_came_after_is_forgotten(step):
    history = WeightHistory(1)
    for one in range(1000):
        history.record(one, np.array([one]))
    nearest, _ = history.nearest(step)
    history.forget_after(nearest)
    assert history.range == (0, nearest)
    history.record(nearest + 1, np.array([-1.0]))
    assert history.nearest(nearest + 1)[1][0] == -1
