"""Whatever a page sends, its session answers with sentences and goes on."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("websockets")

from hullwise.play.configuration import Configuration
from hullwise.play.messages import MESSAGE_TYPES, WireError, parse_message
from hullwise.play.session import Session

NUMBERS = st.sampled_from([0, 1, -1, 0.5, 2, 7, 1e6, -1e6, 1e-9, 10**30, 1e300, True])
POINT = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.3, 1.0, 50.0]), min_size=2, max_size=2)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=3)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
PATCH = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from(["xor", "three", "parabola", "own", "drawn"]),
        "rows": st.sampled_from([20, 40]),
        "layers": st.lists(
            st.fixed_dictionaries(
                {
                    "width": st.integers(1, 4),
                    "unit": st.sampled_from(["relu", "abs", "leaky", "maxout"]),
                }
            ),
            max_size=3,
        ),
        "inputs": st.sampled_from([["x"], ["y"], ["x", "y"], ["x2", "xy"], ["sinx"]]),
        "residual": st.booleans(),
        "normalisation": st.sampled_from(["none", "batch", "layer"]),
        "optimiser": st.sampled_from(["adam", "sgd"]),
        "rate": st.sampled_from([1e-3, 10]),
        "batch": st.sampled_from([1, 2, 64]),
        "dropout": st.sampled_from([0, 0.5]),
        "gradient": st.sampled_from(["backpropagation", "forward"]),
        "penalties": st.dictionaries(
            st.sampled_from(["weight_decay", "orthogonality", "tangent", "mixup"]),
            st.sampled_from([0, 0.1, 1]),
        ),
        "show": st.fixed_dictionaries(
            {},
            optional={
                "metric": st.sampled_from([None, "nfm", "agop", "local"]),
                "guard": st.booleans(),
                "simplex": st.booleans(),
                "complexity": st.booleans(),
            },
        ),
        "view": st.fixed_dictionaries({"center": POINT, "half": POINT}),
    },
)
ROWS = st.lists(
    st.tuples(*[st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 1e6])] * 3).map(list), max_size=6
)
CSV = st.sampled_from(
    [
        "",
        "a",
        "a,b,c\n1,2,x\n3,4,y\n5,7,x\n",
        "a,b\n1,1\n1,1\n",
        "a,b,c,d\n" + "1,2,3,4\n" * 9,
        "\0",
    ]
)
MESSAGES = st.one_of(
    st.sampled_from(["play", "pause", "step", "restart", "resume"]).map(lambda k: {"type": k}),
    PATCH.map(lambda c: {"type": "configure", "configuration": c}),
    st.builds(lambda c, h: {"type": "view", "view": {"center": c, "half": h}}, POINT, POINT),
    NUMBERS.map(lambda n: {"type": "scrub", "step": n}),
    POINT.map(lambda p: {"type": "probe", "point": p}),
    st.builds(lambda a, b: {"type": "line", "from": a, "to": b}, POINT, POINT),
    st.builds(lambda a, b: {"type": "unit", "layer": a, "unit": b}, NUMBERS, NUMBERS),
    ROWS.map(lambda rows: {"type": "rows", "points": rows}),
    st.builds(
        lambda csv, c: {"type": "table", "csv": csv, "columns": c}, CSV, st.just({}) | ANYTHING
    ),
    st.sampled_from(sorted(MESSAGE_TYPES.keys() - {"open", "ack"})).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"type": st.just(kind), **dict.fromkeys(sorted(MESSAGE_TYPES[kind]), ANYTHING)}
        )
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(PATCH, st.lists(MESSAGES, max_size=12))
def test_any_sequence_of_messages(first, messages):
    sent = []
    configuration = Configuration.from_json({"rows": 20, "layers": [{"width": 3}]})
    session = Session(configuration, sent.append, lambda: None)
    for now, message in enumerate([{"type": "configure", "configuration": first}, *messages]):
        try:
            message = parse_message(json.dumps(message))
        except (WireError, ValueError):
            continue
        session.receive(message)
        session.advance(float(now))
        session.acknowledge(session.frame_number)
    for one in sent:
        if isinstance(one, str):
            message = json.loads(one)
            assert "internal" not in message.get("sentence", "")
    session.receive({"type": "configure", "configuration": {"rows": 20, "layers": [{"width": 3}]}})
    session.receive({"type": "restart"})
    sent.clear()
    session.advance(1000.0)
    assert any(isinstance(one, bytes) for one in sent)
