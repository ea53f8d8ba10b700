"""What a page may ask for, and what is refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullwise.play.configuration import (
    DATA_NAMES,
    DISPLAY_METRICS,
    DISPLAY_MODES,
    FRAME_STEPS,
    INPUT_NAMES,
    UNIT_NAMES,
    Configuration,
    ConfigurationError,
)

WHOLE = st.integers(0, 100)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from(DATA_NAMES),
        "rows": st.integers(20, 5000),
        "noise": st.floats(0, 0.5),
        "seed": WHOLE,
        "inputs": st.lists(st.sampled_from(INPUT_NAMES), min_size=1, unique=True),
        "layers": st.lists(
            st.fixed_dictionaries(
                {"width": st.integers(1, 128)}, optional={"unit": st.sampled_from(UNIT_NAMES)}
            ),
            max_size=6,
        ),
        "residual": st.booleans(),
        "normalisation": st.sampled_from(["none", "batch"]),
        "optimiser": st.sampled_from(["adam", "sgd"]),
        "rate": st.floats(1e-7, 10),
        "batch": st.integers(1, 5000),
        "gradient": st.sampled_from(["backpropagation", "forward"]),
        "dropout": st.floats(0, 0.8),
        "penalties": st.fixed_dictionaries(
            {}, optional={"weight_decay": st.floats(0, 1), "mixup": st.floats(0, 10)}
        ),
        "steps_per_frame": st.sampled_from(FRAME_STEPS),
        "show": st.fixed_dictionaries(
            {},
            optional={
                "mode": st.sampled_from(DISPLAY_MODES),
                "metric": st.sampled_from(DISPLAY_METRICS),
                "layers": st.lists(st.booleans(), max_size=6),
                "guard": st.booleans(),
            },
        ),
        "view": st.fixed_dictionaries(
            {
                "center": st.tuples(st.floats(-9, 9), st.floats(-9, 9)).map(list),
                "half": st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)).map(list),
            }
        ),
    },
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(VALID)
def test_round_trip_through_json_and_the_shortest_form(value):
    if value.get("normalisation") == "batch":
        value = {"batch": 64} | value
        value["batch"] = max(2, value["batch"])
    configuration = Configuration.from_json(value)
    through = json.loads(json.dumps(configuration.to_json(), allow_nan=False))
    assert Configuration.from_json(through) == configuration
    shortest = json.loads(json.dumps(configuration.shortest()))
    assert Configuration.from_json(shortest) == configuration


def refusal_of(value):
    """The error of a configuration; where there is none, it can be written as JSON."""
    try:
        json.dumps(Configuration.from_json(value).to_json(), allow_nan=False)
    except ConfigurationError as error:
        return error
    return None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(Configuration().to_json())), ANYTHING)
def test_whatever_a_key_holds_it_is_taken_or_refused_by_name(key, value):
    error = refusal_of({key: value})
    if error is not None:
        assert error.key.startswith(key)
        assert len(str(error)) < 400


@settings(max_examples=50, deadline=None)
@given(ANYTHING)
def test_whatever_stands_for_a_configuration(value):
    if isinstance(value, dict) and not value:
        return
    with pytest.raises(ConfigurationError):
        Configuration.from_json(value)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"layers": [{"width": 129}]}, "layers.width"),
        ({"layers": [{"width": 3, "depth": 1}]}, "layers.0.depth"),
        ({"layers": [{}] * 7}, "layers"),
        ({"rows": 5001}, "rows"),
        ({"rows": True}, "rows"),
        ({"noise": float("nan")}, "noise"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["x", "x"]}, "inputs"),
        ({"penalties": {"mixup": -1}}, "penalties.mixup"),
        ({"penalties": {"l1": 1}}, "penalties.l1"),
        ({"show": {"mode": "3-D"}}, "show.mode"),
        ({"view": {"center": [0, 0]}}, "view"),
        ({"view": {"center": [1e6, 0], "half": [1e-9, 1e-9]}}, "view.half"),
        ({"normalisation": "layer"}, "normalisation"),
        ({"normalisation": "batch", "batch": 1}, "batch"),
        ({"__class__": 1}, "__class__"),
    ],
)
def test_refusals_name_the_key(value, key):
    with pytest.raises(ConfigurationError) as refusal:
        Configuration.from_json(value)
    assert refusal.value.key == key
    assert "expected" in str(refusal.value)


def test_layer_normalisation_is_refused_with_the_reason():
    with pytest.raises(ConfigurationError, match="no flat pieces"):
        Configuration.from_json({"normalisation": "layer"})
