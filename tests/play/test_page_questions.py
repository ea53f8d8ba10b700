"""What is asked of the page: an own table, a line, a wall, new rows, the metric, the guard."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from browser_page import open_in_browser, running_browser
from play_pages import running_server

SMALL = "rows=60&layers=6relu"


@pytest.fixture(scope="module")
def shared():
    with running_browser() as chromium, running_server() as server:
        yield chromium, server


@pytest.fixture(scope="module")
def page(shared):
    with open_in_browser(*shared, SMALL) as page:
        page.wait_for_frame()
        page.pause()
        yield page


def place(page, across, down):
    box = page.tab.locator("#picture").bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_line_to_a_second_point(page):
    page.tab.mouse.click(*place(page, 0.2, 0.3))
    page.wait_until("page.probe.answer !== null")
    page.tab.locator("#probe-line > summary").click()
    page.tab.locator("#pick-line").click()
    page.tab.mouse.click(*place(page, 0.8, 0.7))
    page.wait_until("page.probe.lineAnswer !== null")
    answer = page.value("page.probe.lineAnswer")
    line = page.session.snapshot.net.along(np.array(answer["from"]), np.array(answer["to"]))
    np.testing.assert_allclose(answer["breaks"], line.breaks, atol=1e-9)
    text = page.text("#line-reading")
    assert f"{len(line.breaks) + 1} piece" in text
    assert "fades" in text or "morphs" in text
    page.tab.locator("#pick-line").click()
    assert page.value("page.probe.lineEnd") is None


def test_square_lights_up_its_wall(page):
    page.tab.mouse.click(*place(page, 0.4, 0.4))
    page.wait_until("page.probe.answer !== null")
    strip = page.tab.locator("#codes canvas")
    assert "of 6 units on" in strip.get_attribute("aria-label")
    strip.focus()
    page.tab.keyboard.press("ArrowRight")
    page.wait_until("page.probe.unitAnswer !== null")
    picture = page.session.snapshot.picture
    own = picture.edge_units == 1
    assert len(page.value("page.probe.unitAnswer.segments")) == own.sum()
    strip.blur()
    page.wait_until("page.probe.unitAnswer === null")


def test_new_rows_have_their_bands(page):
    page.tab.locator("#overlays > summary").click()
    page.tab.locator("#new-rows").click()
    page.wait_until("page.newRows.answer !== null")
    answer = page.value("page.newRows.answer")
    assert set(answer["bands"]) <= {"core", "edge", "beyond", "far"}
    assert page.text("#new-rows-note") == answer["sentence"]
    page.tab.locator("#new-rows").click()
    assert page.value("page.newRows.answer") is None
    page.tab.keyboard.press("Escape")


def test_metric_guard_and_simplex_are_drawn(page):
    page.tab.locator("#overlays > summary").click()
    page.tab.locator("#metric").select_option("local")
    page.wait_until("page.overlays.numbers.metric?.points.length > 50")
    page.tab.locator("#simplex").click()
    page.tab.keyboard.press("Escape")
    page.tab.mouse.click(*place(page, 0.45, 0.45))
    page.wait_until("page.probe.answer?.simplex")
    weights = page.value("page.probe.answer.simplex.weights")
    assert sum(weights) == pytest.approx(1)
    assert page.tab.locator("#probe-weights").is_visible()
    page.tab.locator("#guard-details > summary").click()
    page.tab.locator("#guard").click()
    page.wait_until("page.overlays.numbers.guard")
    assert "% of the view" in page.text("#guard-note")


def test_own_table(shared):
    """Pasted, described, shown through its principal plane, there again after a reload."""
    rng = np.random.default_rng(0)
    lines = ["age,weight,height,ill"]
    for a, b, c in rng.normal([50, 70, 170], [10, 8, 9], (60, 3)).round(1):
        lines.append(f"{a},{b},{c},{'yes' if a + b > 120 else 'no'}")
    with open_in_browser(*shared, SMALL) as page:
        page.wait_for_frame()
        page.tab.locator("#open-table").click()
        page.tab.locator("#table-text").fill("only,words\na,b\n")
        page.tab.get_by_role("button", name="Read it").click()
        page.tab.locator("#table-dialog .problem").wait_for()
        page.tab.locator("#table-text").fill("\n".join(lines))
        page.tab.get_by_role("button", name="Read it").click()
        page.tab.locator("#table-target").wait_for()
        assert page.tab.locator("#table-target").input_value() == "ill"
        page.tab.get_by_role("button", name="Show it").click()
        page.wait_for_setting("data", "own")
        page.tab.locator("#table-dialog").wait_for(state="hidden")
        page.wait_until("page.picture.data.points.length === 60")
        page.tab.mouse.click(*place(page, 0.5, 0.5))
        page.wait_until("page.probe.answer !== null")
        page.tab.locator("#probe-row > summary").click()
        page.tab.locator("#probe-row", has_text="height").wait_for()
        page.tab.reload()
        page.wait_for_frame()
        page.wait_for_setting("data", "own")
        page.wait_until("page.picture.data?.points.length === 60")


def test_probe_of_an_own_table_of_two_columns_is_in_its_units(shared):
    rng = np.random.default_rng(0)
    points = rng.normal([50, 170], [10, 9], (60, 2)).round(1)
    lines = ["age,height,ill", *(f"{a},{b},{'yes' if a > 50 else 'no'}" for a, b in points)]
    with open_in_browser(*shared, SMALL) as page:
        page.wait_for_frame()
        page.pause()
        page.tab.locator("#open-table").click()
        page.tab.locator("#table-text").fill("\n".join(lines))
        page.tab.get_by_role("button", name="Read it").click()
        page.tab.get_by_role("button", name="Show it").click()
        page.wait_for_setting("data", "own")
        page.tab.locator("#table-dialog").wait_for(state="hidden")
        page.wait_until("page.picture.data.points.length === 60")
        page.tab.mouse.click(*place(page, 0.5, 0.5))
        page.wait_until("page.probe.answer !== null")
        point = page.value("page.picture.data.inUnits(page.probe.answer.point)")
        np.testing.assert_allclose(point, page.value("page.probe.answer.row"), rtol=1e-6)
        assert (points.min(axis=0) < point).all()
        assert (point < points.max(axis=0)).all()
        assert page.text("#probe-title").startswith("At (")
        assert "age" in page.text("#formula")
        assert page.text("#caption") == "across age, up height; ●\u00a0no ◆\u00a0yes"
        assert page.tab.locator("#rows").is_hidden()  # of drawn data
        page.wait_until("document.querySelector('#pieces-lane b') !== null")  # counted at rest
        assert "loss –" not in page.text("#loss-lane figcaption")


def test_three_classes_and_numbers(shared):
    with open_in_browser(*shared, f"{SMALL}&data=three") as page:
        page.wait_for_frame()
        page.pause()
        snapshot = page.session.snapshot
        assert page.value("page.picture.frame.k") == 3
        page.tab.locator("#mode input[value=height]").check()
        page.tab.locator("#mode input[value=regions]").check()
        page.tab.mouse.move(*place(page, 0.5, 0.5))
        page.wait_until("page.probe.answer !== null")
        winner = snapshot.net(np.array([page.value("page.probe.answer.point")]))[0].argmax()
        assert ("blue", "orange", "green")[winner] in page.text("#probe-title")
        page.tab.locator("#data-sets input[value=parabola]").check()
        page.wait_for_setting("data", "parabola")
        page.wait_until("page.picture.data.task === 'regression'")
        assert page.tab.locator("#mode input[value=class]").is_disabled()
