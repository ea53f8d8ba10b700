"""A page trains, looks, goes back in time; its numbers are those of the library."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("websockets")

import hullwise as hw  # noqa: E402
from hullwise.play.configuration import Configuration  # noqa: E402
from hullwise.play.data_sets import draw_data_set  # noqa: E402
from hullwise.play.networks import build_network  # noqa: E402
from play_pages import SMALL, open_page  # noqa: E402

VIEW = {"center": [0.1, -0.2], "half": [1.0, 0.7]}


def module_of(value):
    """The module that a page with this configuration begins with."""
    configuration = Configuration.from_json(value)
    inputs, outputs = len(configuration.inputs), 3 if configuration.data == "three" else 1
    return build_network(configuration, inputs, outputs).eval()


def test_frame_is_the_slice_of_the_library(server):
    with open_page(server, SMALL | {"view": VIEW}) as page:
        frame, numbers = page.frame()
    net = hw.model.read(module_of(SMALL))
    picture = net.slice(VIEW["center"], np.eye(2), VIEW["half"])
    assert np.array_equal(frame.vertices, picture.vertices.astype(np.float32))
    assert np.array_equal(frame.outputs, picture.outputs.astype(np.float32))
    assert numbers["pieces"] == picture.n_regions == len(frame.ends)
    assert np.allclose(frame.view, [*VIEW["center"], *VIEW["half"]])
    corners = np.split(frame.corners, frame.ends[:-1])
    for own, polygon in zip(corners, picture.polygons, strict=True):
        assert np.array_equal(frame.vertices[own], polygon.astype(np.float32))
    assert sum(frame.edges_per_layer) == len(frame.edges) == len(picture.edges)
    per_layer = np.bincount(picture.edge_layers + 1).tolist()
    assert list(frame.edges_per_layer) == per_layer
    first = frame.edges[per_layer[0] :]
    expected = picture.edges[picture.edge_layers == 0]
    assert np.array_equal(first, expected)


def test_numbers_are_those_of_the_library(server):
    value = SMALL | {"data": "xor", "view": {"center": [0, 0], "half": [2, 2]}}
    with open_page(server, value) as page:
        _, numbers = page.frame()
    data = draw_data_set("xor", 60, 0.03, 0)
    module = module_of(value)
    net = hw.model.read(module)
    occupancy = hw.model.region_occupancy(net, data.X, y=data.targets)
    assert numbers["pieces_with_rows"] == occupancy.train.n_regions
    assert numbers["pieces_mixed"] == len(occupancy.classes.mixed_regions)
    for X, y, key in ((data.X, data.targets, ""), (data.new_X, data.new_targets, "_new")):
        with torch.no_grad():
            outputs = module(torch.tensor(X, dtype=torch.float32)).double().numpy().ravel()
        loss = np.logaddexp(0, np.where(y == 1, -outputs, outputs)).mean()
        assert numbers[f"loss{key}"] == pytest.approx(loss, rel=1e-5)
        assert numbers[f"accuracy{key}"] == pytest.approx(((outputs > 0) == y).mean())


@pytest.mark.parametrize("unit", ["relu", "abs", "leaky", "maxout"])
@pytest.mark.parametrize("extra", [{}, {"residual": True}, {"normalisation": "batch"}])
def test_every_kind_of_network_trains(server, unit, extra):
    layers = [{"width": 4, "unit": unit}, {"width": 4, "unit": unit}]
    with open_page(server, SMALL | {"layers": layers, "dropout": 0.1} | extra) as page:
        page.frame()
        page.send("step")
        page.wait_for("status", state="paused")
        frame, numbers = page.frame()
        assert frame.step == 1
        assert numbers["batch_loss"] > 0
        assert len(frame.edges_per_layer) == 3


@pytest.mark.parametrize("data", ["three", "staircase", "parabola"])
def test_classes_and_values(server, data):
    with open_page(server, SMALL | {"data": data}) as page:
        rows = page.wait_for("configuration")["rows"]
        frame, numbers = page.frame()
    assert rows["task"] == ("classes" if data == "three" else "regression")
    assert frame.outputs.shape[1] == (3 if data == "three" else 1)
    assert (numbers["pieces_mixed"] is None) == (data != "three")
    assert numbers["scale"][0] <= numbers["scale"][1]


@pytest.mark.parametrize(
    "extra",
    [
        {"gradient": "forward"},
        {"penalties": {"weight_decay": 0.01, "orthogonality": 0.1, "tangent": 0.1, "mixup": 0.2}},
        {"gradient": "forward", "penalties": {"orthogonality": 0.1, "tangent": 0.1}},
        {"data": "three", "penalties": {"mixup": 0.2}},
        {"data": "parabola", "penalties": {"mixup": 0.2, "tangent": 0.1}},
        {"optimiser": "sgd", "rate": 0.1, "batch": 7},
    ],
)  # fmt: skip
def test_ways_of_training(server, extra):
    with open_page(server, SMALL | extra) as page:
        page.frame()
        page.send("play")
        losses = [page.frame()[1]["batch_loss"] for _ in range(3)]
    assert np.isfinite(losses).all()


def test_same_configuration_is_the_same_run(server):
    outputs = []
    for _ in range(2):
        with open_page(server, SMALL | {"dropout": 0.3}) as page:
            page.frame()
            for _ in range(2):
                page.send("step")
                page.wait_for("status")
                frame, _ = page.frame()
            outputs.append(frame.outputs)
    assert np.array_equal(*outputs)


def test_nothing_comes_when_nothing_changes(page):
    page.frame()
    page.silence(0.3)
    page.send("view", view=VIEW)
    frame, _ = page.frame()
    assert np.allclose(frame.view[:2], VIEW["center"])
    page.silence(0.3)


def test_frames_wait_for_a_page_that_does_not_draw(page):
    page.send("play")
    frames = 0
    while frames < 2:
        frames += page.receive()["type"] == "frame"
    page.silence(0.5)
    page.send("ack", frame=2**31)
    assert page.receive()["type"] == "numbers"


def test_back_in_time_and_on_from_there(page):
    page.frame()
    page.send("play")
    while (newest := page.frame())[0].step < 100:
        pass
    page.send("pause")
    page.wait_for("status", state="paused")
    newest, numbers = page.frame()
    while newest.step != numbers["history"][1]:
        newest, numbers = page.frame()
    page.send("scrub", step=52)
    past, _ = page.frame()
    assert past.step == 50
    page.send("scrub", step=50)
    again, _ = page.frame()
    assert np.array_equal(past.outputs, again.outputs)
    page.send("scrub", step=10**9)
    back, _ = page.frame()
    assert back.step == newest.step
    assert np.array_equal(back.outputs, newest.outputs)
    page.send("scrub", step=50)
    page.frame()
    page.send("resume")
    status = page.wait_for("status", state="playing")
    assert "step 50" in status["sentence"]
    assert "optimiser" in status["sentence"]
    frame, numbers = page.frame()
    assert frame.step == 55
    assert numbers["history"] == [0, 55]


def test_playing_after_scrubbing_goes_on_from_the_newest(page):
    page.frame()
    for _ in range(3):
        page.send("step")
        page.wait_for("status")
        page.frame()
    page.send("scrub", step=1)
    assert page.frame()[0].step == 1
    page.send("step")
    page.wait_for("status")
    while (frame := page.frame()[0]).step < 3:
        pass
    assert frame.step == 4


def test_training_that_diverges_is_a_sentence(server):
    value = SMALL | {
        "data": "parabola",
        "optimiser": "sgd",
        "rate": 10,
        "layers": [{"width": 64}] * 3,
    }
    with open_page(server, value) as page:
        page.frame()
        page.send("play")
        status = page.wait_for("status", state="diverged")
        assert "rate 10" in status["sentence"]
        frame, numbers = page.frame()
        assert np.isfinite(frame.outputs).all()
        page.send("restart")
        page.wait_for("status", state="paused")
        assert page.frame()[0].step == 0


def test_training_stops_itself_where_nothing_is_left(server):
    value = SMALL | {
        "data": "gaussians",
        "noise": 0,
        "rows": 20,
        "steps_per_frame": 50,
        "rate": 0.1,
    }
    with open_page(server, value) as page:
        page.send("play")
        status = page.wait_for("status", state="flat")
        assert "training stopped itself" in status["sentence"]
        page.frame()
        page.silence(0.3)
        page.send("play")
        page.wait_for("status", state="playing")
        before = page.frame()[0].step
        assert page.frame()[0].step > before


def test_other_data_go_on_training_where_it_had_stopped_itself(server):
    value = SMALL | {
        "data": "gaussians",
        "noise": 0,
        "rows": 20,
        "steps_per_frame": 50,
        "rate": 0.1,
    }
    with open_page(server, value) as page:
        page.send("play")
        page.wait_for("status", state="flat")
        page.send("configure", configuration=value | {"data": "xor"})
        page.wait_for("status", state="playing")


def test_configuration_changes_restart_only_where_they_must(page):
    first = page.wait_for("configuration")
    for _ in range(2):
        page.send("step")
        page.wait_for("status")
    value = SMALL | {"rate": 0.1, "batch": 3, "steps_per_frame": 1, "penalties": {"mixup": 1}}
    page.send("configure", configuration=value)
    second = page.wait_for("configuration")
    assert second["number"] > first["number"]
    assert second["shortest"]["rate"] == 0.1
    while (frame := page.frame()[0]).configuration != second["number"]:
        pass
    assert frame.step == 2
    page.send("configure", configuration=value | {"noise": 0.2})
    third = page.wait_for("configuration")
    while (frame := page.frame()[0]).configuration != third["number"]:
        pass
    assert frame.step == 0
    assert third["rows"]["points"] != second["rows"]["points"]


def test_configuration_that_is_refused_changes_nothing(page):
    page.frame()
    page.send("configure", configuration={"layers": [{"width": 1000}]})
    error = page.wait_for("error")
    assert error["where"] == "layers.width"
    assert "1000" in error["sentence"]
    page.silence(0.2)


def test_first_configuration_that_is_refused_gives_the_defaults(server):
    with open_page(server, {"data": "own"}) as page:
        assert page.wait_for("error")["where"] == "data"
    with open_page(server, {"bogus": 1}) as page:
        assert page.wait_for("error")["where"] == "bogus"
        assert page.wait_for("configuration")["shortest"] == {}


def test_rows_drawn_by_hand(server):
    with open_page(server, SMALL | {"data": "drawn"}) as page:
        assert page.wait_for("configuration")["rows"]["points"] == []
        _, numbers = page.frame()
        assert numbers["loss"] is None
        page.send("play")
        assert "too few rows" in page.wait_for("error")["sentence"]
        page.send("rows", points=[[0.5, 0.5, 0], [-0.5, 0.5, 1], [0, -0.5, 1]])
        rows = page.wait_for("configuration")["rows"]
        assert rows["targets"] == [0, 1, 1]
        assert rows["task"] == "classes"
        page.send("step")
        page.wait_for("status")
        while page.frame()[0].step < 1:
            pass
        page.send("rows", points=[[0.5, 0.5, 0], [-0.5, 0.5, 1]])
        page.wait_for("configuration")
        assert page.frame()[0].step == 1
        page.send("rows", points=[[0.5, 0.5, 0.25]])
        assert page.wait_for("configuration")["rows"]["task"] == "regression"
        assert page.frame()[0].step == 0
        page.send("rows", points=[[0.5, "x", 0]])
        assert page.wait_for("error")["where"] == "rows"


def test_training_pauses_where_the_rows_are_gone(page):
    page.send("play")
    page.frame()
    page.send("configure", configuration=SMALL | {"data": "drawn"})
    status = page.wait_for("status", state="paused")
    assert "too few rows" in status["sentence"]
    page.frame()


@pytest.mark.parametrize("name", ["x", "y"])
def test_one_input_cuts_the_plane_in_strips(server, name):
    with open_page(server, SMALL | {"inputs": [name], "view": VIEW}) as page:
        frame, numbers = page.frame()
    assert numbers["pieces_by_layer"][0] >= numbers["pieces"] > 1
    walls = frame.vertices[frame.edges[frame.edges_per_layer[0] :]]
    along = 0 if name == "x" else 1
    assert np.array_equal(walls[:, 0, along], walls[:, 1, along])


def test_curved_inputs_are_not_counted(server):
    value = SMALL | {
        "data": "ring",
        "inputs": ["x2", "y2"],
        "layers": [{"width": 1, "unit": "relu"}],
    }
    with open_page(server, value) as page:
        notes = page.wait_for("configuration")["notes"]
        frame, numbers = page.frame()
    assert frame.flags == 2
    assert numbers["curved"]
    assert numbers["pieces"] is None
    assert numbers["pieces_by_layer"] is None
    assert any("not counted" in note for note in notes)
    assert len(frame.edges_per_layer) == 2
    edges = frame.vertices[frame.edges[frame.edges_per_layer[0] :]]
    assert len(frame.ends) > 500 > len(edges)  # the grid of chords is not among the edges


def test_counts_by_layer_are_of_one_rectangle_whatever_the_view(page):
    _, numbers = page.frame()
    page.send("view", view={"center": [5, 5], "half": [0.01, 0.01]})
    _, zoomed = page.frame()
    assert zoomed["pieces_by_layer"] == numbers["pieces_by_layer"]
    assert zoomed["pieces"] < numbers["pieces"]
    assert zoomed["pieces_with_rows"] == 0
