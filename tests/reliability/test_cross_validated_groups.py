"""Whose rows they are is no feature where groups are left out, neither of model nor of domain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

import hullwise as hw


@pytest.mark.parametrize("as_text", [True, False])
def test_the_column_of_groups_is_no_feature(as_text):
    rng = np.random.default_rng(73)
    who = np.repeat(np.arange(30), 8)
    level = rng.normal(size=30)[who]
    rows = pd.DataFrame({"a": level + 0.1 * rng.normal(size=240), "b": rng.normal(size=240)})
    rows["who"] = [f"p{g}" for g in who] if as_text else who
    rows["y"] = rows["a"] + 0.1 * rng.normal(size=240)
    model = RandomForestRegressor(5, random_state=0)
    profile = hw.cross_validated_error_profile(model, rows, "y", groups="who")
    # with the patient as a level that was never seen, every row would be far
    assert profile.by_band.rows.sum() == 240
    assert profile.by_band.rows[-1] < 120
