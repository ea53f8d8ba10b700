"""What a watch says it would notice is what it notices."""

from __future__ import annotations

import numpy as np

import hullwise as hw


def test_more_is_noticed_sooner_and_with_a_larger_reference():
    rng = np.random.default_rng(83)
    few = hw.Monitor(hw.Domain().fit(rng.normal(size=(60, 3)))).sensitivity(n_streams=8)
    many = hw.Monitor(hw.Domain().fit(rng.normal(size=(2000, 3)))).sensitivity(n_streams=8)
    assert len(many) == 6
    assert (many.median_rows <= few.median_rows).all()
    assert (np.diff(many.median_rows[:3]) <= 0).all()
    assert (np.diff(many.median_rows[3:]) <= 0).all()
    assert many.median_rows[2] <= 200
    assert many.to_frame()["change"][0] == "every row moved by .25 sd"


def test_it_agrees_with_a_watch_of_real_rows():
    rows, moved = [], np.array([0.5, 0.0, 0.0])
    for seed in range(8):
        rng = np.random.default_rng([89, seed])
        monitor = hw.Monitor(hw.Domain(reference=50).fit(rng.normal(size=(500, 3))))
        while not monitor.alarmed and len(monitor.batches) < 30:
            monitor.update(rng.normal(size=(100, 3)) + moved)
        rows.append(100 * len(monitor.batches))
    stated = monitor.sensitivity(n_streams=25).median_rows[1]
    assert stated / 2.5 <= np.median(rows) <= 2.5 * stated
