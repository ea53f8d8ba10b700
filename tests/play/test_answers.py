"""Answers of a running session, as a page gets them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

import hullwise as hw
from hullwise.play.answers import as_json
from hullwise.play.configuration import Configuration
from hullwise.play.data_sets import draw_data_set
from hullwise.play.session import Session

SMALL_PAGE = {"rows": 60, "layers": [{"width": 6, "unit": "relu"}, {"width": 5, "unit": "abs"}]}


class PageOfSession:
    """A session without a server: what is sent to it is answered at once."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = []
        self.now = 0.0
        whole = Configuration.from_json(SMALL_PAGE | configuration)
        self.session = Session(whole, self._take, lambda: None)
        self.advance()

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.messages.append(json.loads(data))

    def advance(self) -> None:
        self.now += 1.0
        self.session.advance(self.now)
        self.session.acknowledge(2**31)

    def send(self, kind: str, **keys: Any) -> None:
        self.messages.clear()
        self.session.receive({"type": kind, **keys})
        self.advance()

    def answer(self, kind: str, **keys: Any) -> dict[str, Any]:
        self.send(kind, **keys)
        (answer,) = [m for m in self.messages if m["type"] in (kind, "error")]
        return answer

    def last(self, kind: str) -> dict[str, Any]:
        return [message for message in self.messages if message["type"] == kind][-1]


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"data": "three", "inputs": ["x", "y2", "siny"]},
        {"data": "parabola", "layers": []},
        {"data": "ring", "inputs": ["x2", "y2", "xy"], "layers": [{"width": 6, "unit": "maxout"}]},
        {"normalisation": "batch", "residual": True},
    ],
)
@pytest.mark.parametrize("metric", ["nfm", "agop", "local"])
def test_everything_is_answered_for_every_kind_of_network(
    configuration: dict[str, Any], metric: str
) -> None:
    show = {"simplex": True, "guard": True, "complexity": True, "metric": metric}
    page = PageOfSession(configuration | {"show": show})
    numbers = page.last("numbers")
    assert numbers["metric"]["kind"] == metric
    assert numbers["metric"]["points"]
    assert numbers["complexity"]["counts"]
    assert numbers["guard"]["n_new_rows"] == 60
    assert ("chords" in numbers) == bool({"x2", "y2", "siny"} & {*configuration.get("inputs", [])})
    probe = page.answer("probe", point=[0.2, -0.1])
    assert probe["frame"] == numbers["frame"]
    assert {"map", "code", "wall", "region", "hull", "neighbours", "simplex"} <= probe.keys()
    assert {"metric_hull", "guard"} <= probe.keys()
    line = page.answer("line", **{"from": [0.2, -0.1], "to": [2.0, 1.0]})
    assert 0 < line["outside_share"] < 1
    if configuration.get("layers") != []:
        unit = page.answer("unit", layer=0, unit=2)
        assert unit["unit"] == 2
    page.send("step")
    assert page.last("probe")["frame"] == page.last("numbers")["frame"]
    assert page.last("line")["frame"] == page.last("numbers")["frame"]


def test_while_playing_answers_come_with_the_frame_of_their_weights() -> None:
    page = PageOfSession({"inputs": ["x2", "y"], "show": {"guard": True, "metric": "agop"}})
    page.answer("probe", point=[2.0, -0.1])
    page.send("play")
    numbers, probe = page.last("numbers"), page.last("probe")
    assert probe["frame"] == numbers["frame"]
    assert numbers["guard"]["grid"] is not None
    assert numbers["chords"]["n_pieces"] == 16
    assert probe["metric_hull"]["band"] == "unknown"
    page.send("pause")
    numbers, probe = page.last("numbers"), page.last("probe")
    assert numbers["guard"]["outline"] is not None
    assert numbers["chords"]["n_pieces"] == 32
    assert numbers["chords"]["sentence"].startswith("Curved inputs, drawn in 32 steps: in view off")
    assert probe["metric_hull"]["band"] == "far"


def test_the_plane_of_two_functions_is_answered_with_every_frame_until_taken_back() -> None:
    page = PageOfSession({"data": "ring", "inputs": ["x2", "y2"]})
    assert page.answer("features", shown=True)["names"] == ["x2", "y2"]
    page.send("step")
    assert page.last("features")["frame"] == page.last("numbers")["frame"]
    assert page.answer("features", shown=None)["frame"] is None
    other = PageOfSession({"inputs": ["x", "y", "xy"]}).answer("features", shown=True)
    assert other["sentence"].startswith("a plane of functions shows a network of exactly two")


def test_new_rows_come_with_the_bands_of_the_library() -> None:
    page = PageOfSession({"data": "moons"})
    answer = page.answer("new_rows")
    data = draw_data_set("moons", 60, 0.03, 0)
    own = hw.locate(data.X, data.new_X, metric=None)
    assert answer["bands"] == own.band.tolist()
    assert answer["points"] == data.new_X.tolist()
    assert answer["targets"] == data.new_targets.tolist()
    n_core = (own.band == "core").sum()
    assert answer["sentence"].startswith(f"Of 60 new rows there are {n_core} core, ")
    assert answer["configuration"] == 1
    nothing = PageOfSession({"data": "drawn"}).answer("new_rows")
    assert nothing["sentence"] == "There are no new rows."


def test_walls_of_a_unit_are_where_its_input_is_zero() -> None:
    page = PageOfSession({})
    net = page.session.snapshot.net
    for layer, unit in ((0, 1), (1, 3)):
        segments = np.array(page.answer("unit", layer=layer, unit=unit)["segments"])
        values = net.upto(layer)(segments.reshape(-1, 2))[:, unit]
        assert np.abs(values).max(initial=0) < 1e-9
    assert page.answer("unit", layer=2, unit=0)["sentence"] == (
        "the network has no unit 0 in layer 2, counted from 0"
    )


@pytest.mark.parametrize(
    ("kind", "keys", "sentence"),
    [
        ("probe", {"point": [1]}, "point is [1]: expected a point [x, y] of finite numbers"),
        ("probe", {"point": [1, "2"]}, "point is [1, '2']: expected a point"),
        ("probe", {"point": [1, 1e300]}, "expected a point [x, y] of finite numbers"),
        ("line", {"from": [0, 0], "to": None}, "to is None: expected a point"),
        ("line", {"from": [0, 0], "to": [0, 0]}, "the line's two ends are one point"),
        ("unit", {"layer": 0, "unit": -1}, "unit is -1: expected a whole number"),
        ("unit", {"layer": True, "unit": 0}, "layer is True: expected a whole number"),
        ("table", {"csv": None}, "there is no table yet: open a CSV file"),
        ("table", {"csv": 3}, "csv is the text of a table"),
        ("table", {"csv": "a,b\n1\n"}, "the table: line 2 has 1 value where 2 are expected"),
    ],
)
def test_messages_that_make_no_sense_are_answered_with_a_sentence(
    kind: str, keys: dict[str, Any], sentence: str
) -> None:
    answer = PageOfSession({}).answer(kind, **keys)
    assert answer["type"] == "error"
    assert answer["where"] == kind
    assert sentence in answer["sentence"]


def test_an_own_table_is_described_then_trained_on() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)) * [1, 50, 3] + [0, 200, 1]
    lines = [f"{a:.5f},{b:.5f},{c:.5f},{'u' if a > 0 else 'v'}" for a, b, c in X]
    csv = "\n".join(["age,weight,dose,kind", *lines])
    page = PageOfSession({})
    table = page.answer("table", csv=csv)
    assert table["proposed"]["plane"] == "principal"
    assert page.session.configuration.data == "spirals"
    page.send("table", csv=None, columns={"plane": ["age", "weight"], "inputs": "all"})
    configuration = page.last("configuration")
    assert configuration["configuration"]["data"] == "own"
    assert configuration["names"] == ["age", "weight"]
    assert configuration["labels"] == ["u", "v"]
    assert configuration["units"][1]["centre"] == pytest.approx(X[:, 1].mean(), abs=1e-4)
    assert configuration["notes"][0].startswith("The network takes all 3 columns")
    page.send("step")
    assert page.last("numbers")["step"] == 1
    probe = page.answer("probe", point=[0.5, -0.5])
    assert probe["input_names"] == ["age", "weight", "dose"]
    assert len(probe["map"]["slopes"][0]) == 3
    page.send("configure", configuration=SMALL_PAGE | {"data": "own", "inputs": ["x", "x2"]})
    notes = page.last("configuration")["notes"]
    assert "The network takes the table's columns: inputs such as x² are for two inputs." in notes


def test_own_columns_name_the_curved_inputs() -> None:
    rng = np.random.default_rng(0)
    csv = "\n".join(["a,b,c", *(f"{x},{y},{x * y}" for x, y in rng.normal(size=(30, 2)))])
    page = PageOfSession({"inputs": ["x", "y2", "xy", "siny"]})
    page.send("table", csv=csv, columns={"target": "c"})
    assert page.last("configuration")["rows"]["task"] == "regression"
    assert page.answer("probe", point=[0, 0])["input_names"] == ["a", "b²", "a·b", "sin b"]


def test_rows_drawn_by_hand_are_read_one_by_one() -> None:
    page = PageOfSession({"data": "drawn", "show": {"guard": True, "metric": "local"}})
    probe = page.answer("probe", point=[0.0, 0.0])
    assert "hull" not in probe
    line = page.answer("line", **{"from": [0, 1], "to": [1, 0]})
    assert "outside_share" not in line
    assert line["values"]
    for n in (1, 2, 3, 6):
        points = [[0.1 * i, 0.2 * i * i, i % 2] for i in range(n)]
        page.send("rows", points=points)
        probe = page.last("probe")
        assert probe["neighbours"]["rows"][0] == 0
        assert len(probe["neighbours"]["rows"]) == min(n, 5)
        assert page.answer("line", **{"from": [0, 1], "to": [1, 0]})["type"] == "line"


def test_rows_on_a_line_have_a_hull_too() -> None:
    page = PageOfSession({"data": "drawn", "show": {"guard": True, "metric": "agop"}})
    page.send("rows", points=[[0, 0, 0], [1, 1, 1], [2, 2, 0]])
    page.answer("probe", point=[0.0, 2.0])
    page.send("play")
    probe = page.last("probe")
    assert probe["hull"]["band"] == "far"
    assert probe["metric_hull"]["verdict"] == "outside"
    assert probe["metric_hull"]["band"] == "unknown"


@pytest.mark.parametrize("inputs", [["x"], ["y"], ["x2"]])
def test_one_input_is_drawn_in_the_plane_as_well(inputs: list[str]) -> None:
    view = {"center": [3.0, -2.0], "half": [0.5, 0.25]}
    page = PageOfSession({"inputs": inputs, "view": view, "show": {"guard": True}})
    counts = page.last("numbers")["pieces_by_layer"]
    assert (counts is None) == (inputs == ["x2"])
    assert page.answer("probe", point=[0.1, 0.1])["type"] == "probe"


def test_json_has_no_arrays_and_no_nan() -> None:
    value = {"a": np.array([[1.0, np.nan]]), "b": (np.int64(3), np.inf), "c": np.bool_(True)}
    assert as_json(value) == {"a": [[1.0, None]], "b": [3, None], "c": True}
