"""From the first look to separation: the numbers on the page are the library's."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from browser_page import open_in_browser, running_browser
from hullwise.model.dissect import dissect
from play_pages import running_server

SMALL = "rows=200&noise=0.01&layers=16relu,16relu&rate=0.01&steps_per_frame=20"


@pytest.fixture(scope="module")
def shared():
    with running_browser() as chromium, running_server() as server:
        yield chromium, server


@pytest.fixture(scope="module")
def trained(shared):
    """A page on which the spirals are apart, paused."""
    with open_in_browser(*shared, SMALL) as page:
        page.wait_until("page.numbers !== null && page.numbers.loss < 0.03")
        page.pause()
        yield page


def point_at(page, across, down):
    """Move the mouse to shares of the picture's sides; the plane's point there."""
    box = page.tab.locator("#picture").bounding_box()
    x, y = round(box["x"] + across * box["width"]), round(box["y"] + down * box["height"])
    page.tab.mouse.move(x, y)
    there = f"page.picture.toPlane([{x - box['x'] - 1}, {y - box['y'] - 1}])"
    near = f"{there}.every((v, i) => Math.abs(v - page.probe.answer.point[i]) < 1e-3)"
    page.wait_until(f"page.probe.answer && {near}")
    return np.array(page.value("page.probe.point"))


def shown_number(text):
    return float(text.replace("−", "-").replace(",", "").split()[-1])


def test_training_separates_the_spirals(trained):
    assert shown_number(trained.text("#loss-now")) < 0.03
    numbers = trained.value("page.numbers")
    snapshot = trained.session.snapshot
    assert numbers["pieces"] == snapshot.picture.n_regions
    assert trained.text("#lead").startswith(f"{snapshot.picture.n_regions:,} flat pieces in view.")
    labels = snapshot.net(snapshot.data.X)[:, 0] > 0
    assert (labels == snapshot.data.targets).mean() > 0.98
    assert shown_number(trained.text("#step-now")) == snapshot.step


def test_picture_is_the_librarys_slice(trained):
    """Boundary, cells and walls of the page are those of the slice."""
    picture = trained.session.snapshot.picture
    xy = np.array(trained.value("Array.from(page.picture.frame.xy)")).reshape(-1, 2)
    np.testing.assert_allclose(xy, picture.complex.xy, atol=1e-6)
    assert trained.value("page.picture.frame.ends.length") == picture.n_regions
    script = """(async () => {
      const { classShapes } = await import('/split.js');
      const lines = [];
      class Path { moveTo(x, y) { this.p = [x, y]; } closePath() {}
        lineTo(x, y) { lines.push(Math.hypot(x - this.p[0], y - this.p[1])); this.p = [x, y]; } }
      class Boundary extends Path {}
      class Fill extends Path { lineTo() {} }
      let made = 0;
      const Kind = function () { return ++made === 2 ? new Boundary() : new Fill(); };
      classShapes(page.picture.frame, Kind);
      return lines.reduce((a, b) => a + b, 0);
    })()"""
    segments = picture.decision_boundary()
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum()
    assert trained.value(f"await {script}") == pytest.approx(length, rel=1e-4)


def test_probe_says_what_the_library_says(trained):
    point = point_at(trained, 0.6, 0.4)
    snapshot = trained.session.snapshot
    dissection = dissect(snapshot.net, point[None])
    answer = trained.value("page.probe.answer")
    assert answer["outputs"][0] == pytest.approx(dissection.outputs[0, 0], rel=1e-12)
    assert answer["map"]["slopes"][0] == pytest.approx(dissection.A[0, 0], rel=1e-12)
    assert answer["wall"]["distance"] == pytest.approx(dissection.boundary_distance[0], rel=1e-12)
    rows = trained.text("#readings").split("\n")
    shown = {term: rows[i + 1 : i + 4] for i, term in enumerate(rows)}
    wall = next(v for v in shown["nearest wall"] if v[0].isdigit())
    assert shown_number(wall) == pytest.approx(dissection.boundary_distance[0], rel=5e-3)
    here = trained.text("#formula").split("=")[-1].removesuffix("here").strip()
    assert shown_number(here) == pytest.approx(dissection.outputs[0, 0], rel=5e-3)
    name = "orange" if dissection.outputs[0, 0] > 0 else "blue"
    assert name in trained.text("#probe-title")


def test_far_out_is_far(trained):
    point_at(trained, 0.97, 0.95)
    assert "▲ far" in trained.text("#readings")
    assert "outside" in trained.text("#readings")


def test_click_keeps_the_point(trained):
    before = point_at(trained, 0.5, 0.3)
    box = trained.tab.locator("#picture").bounding_box()
    trained.tab.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    trained.tab.mouse.move(box["x"] + 50, box["y"] + 50)
    assert trained.value("page.probe.isPinned")
    np.testing.assert_allclose(trained.value("page.probe.point"), before, atol=5e-3)
    trained.tab.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    assert not trained.value("page.probe.isPinned")


def test_zoom_and_pan_ask_for_another_view(trained):
    before = trained.value("page.numbers.pieces")
    trained.tab.locator("#zoom-out").click()
    trained.tab.locator("#zoom-out").click()
    trained.wait_for_silence()
    view = trained.value("page.picture.view")
    assert trained.value("page.picture.frame.half[1]") == pytest.approx(view["half"][1], rel=1e-5)
    assert trained.value("page.numbers.pieces") >= before
    trained.tab.locator("#zoom-data").click()
    trained.wait_for_silence()
    assert trained.value("page.numbers.pieces") == before
    assert "view" not in trained.tab.url


def test_slider_goes_back_in_time(trained):
    last = trained.value("page.lanes.last")
    trained.tab.locator("#time").focus()
    trained.tab.keyboard.press("Home")
    trained.wait_for_silence()
    assert trained.value("page.numbers.step") == 0
    assert "of" in trained.tab.locator("#time").get_attribute("aria-valuetext")
    trained.tab.locator("#time").focus()
    trained.tab.keyboard.press("End")
    trained.wait_for_silence()
    assert trained.value("page.numbers.step") == last


def test_nothing_is_drawn_when_nothing_changes(trained):
    trained.wait_for_silence()
    drawn = trained.value("page.drawn")
    trained.tab.wait_for_timeout(500)
    assert trained.value("page.drawn") == drawn


def test_no_frames_where_none_are_drawn(shared):
    """As in a hidden tab: nothing is acknowledged, and the server rests."""
    script = "window.requestAnimationFrame = () => 1;"
    with open_in_browser(*shared, SMALL, script=script) as page:
        page.wait_until("page.isPlaying")
        page.tab.wait_for_timeout(700)
        step = page.session.snapshot.step
        page.tab.wait_for_timeout(500)
        assert page.session.snapshot.step == step


def test_frames_of_another_configuration_are_not_drawn(trained):
    trained.wait_for_silence()
    drawn = trained.value("page.drawn")
    stale = "{ ...page.picture.frame, configuration: page.number - 1, frame: page.drawn + 1000 }"
    trained.value(f"page.frameCame({stale})")
    trained.wait_until("page.frame === null")
    assert trained.value("page.drawn") == drawn


def test_curves_say_step_and_value_under_the_pointer(trained):
    box = trained.tab.locator("#loss-lane canvas").bounding_box()
    trained.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    trained.wait_until("document.querySelector('#loss-lane figcaption').innerText.includes('step')")
    step = trained.text("#loss-lane figcaption").split(":")[0].removeprefix("step ")
    assert 0 < shown_number(step) < trained.value("page.lanes.last")
    trained.tab.locator("#by-depth").click()
    trained.wait_until(
        "document.querySelector('#pieces-lane figcaption').innerText.includes('by depth')"
    )
