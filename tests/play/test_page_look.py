"""The page narrow, dark, still, and by the keyboard alone; and when its server goes and comes."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from browser_page import PHONE, BrowserPage, open_in_browser, running_browser
from play_pages import running_server

SMALL = "rows=100&layers=8relu,8relu"
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def shared():
    with running_browser() as chromium, running_server() as server:
        yield chromium, server


def test_phone_width_has_no_sideways_scroll(shared):
    with open_in_browser(*shared, SMALL, viewport=PHONE) as page:
        page.wait_for_frame()
        for panel in ("data", "network", "training", "probe"):
            page.tab.locator(f".tabs [data-panel={panel}]").click()
            for details in page.tab.locator(".rail details:visible > summary").all():
                details.click()
            assert page.value(WIDTH) == PHONE["width"]
        page.tab.locator("#more").click()
        assert page.tab.locator("#restart").is_visible()
        assert page.value(WIDTH) == PHONE["width"]
        small = page.value(
            "[...document.querySelectorAll('button, summary, select')].filter(e => e.offsetParent"
            " && e.getBoundingClientRect().height < 35.5).map(e => e.outerHTML)"
        )
        assert not small


def test_colours_follow_the_system(shared):
    paper = "getComputedStyle(document.body).backgroundColor"
    with open_in_browser(*shared, SMALL, color_scheme="dark") as page:
        page.wait_for_frame()
        assert page.value(paper) == "rgb(21, 24, 27)"
        page.tab.emulate_media(color_scheme="light")
        page.wait_until("!page.theme.dark")
        assert page.value(paper) == "rgb(253, 252, 250)"
        page.tab.emulate_media(forced_colors="active")
        page.wait_until("page.theme.forced")


def test_still_where_motion_is_not_wished_for(shared):
    with open_in_browser(*shared, SMALL, reduced_motion="reduce") as page:
        page.wait_for_frame()
        assert not page.value("page.isPlaying")
        assert page.text("#play") == "Play"


def test_keyboard_alone(shared):
    with open_in_browser(*shared, SMALL) as page:
        keys = page.tab.keyboard
        page.wait_for_frame()
        page.wait_until("page.isPlaying")
        keys.press(" ")
        page.wait_until("!page.isPlaying")
        page.wait_for_silence()
        step = page.value("page.numbers.step")
        keys.press(".")
        page.wait_until(f"page.numbers.step === {step + 1}")
        for _ in range(60):
            if page.value("document.activeElement.id") == "picture":
                break
            keys.press("Tab")
        assert page.value("document.activeElement.id") == "picture"
        keys.press("ArrowRight")
        page.wait_until("page.probe.answer !== null")
        first = page.value("page.probe.point")
        keys.press("ArrowRight")
        second = page.value("page.probe.point")
        assert second[0] > first[0]
        assert second[1] == first[1]
        page.wait_until("page.probe.answer.point[0] === page.probe.point[0]")
        code = page.value("JSON.stringify(page.probe.answer.code)")
        keys.press("Shift+ArrowLeft")
        page.wait_until("page.probe.answer.point[0] === page.probe.point[0]")
        assert page.value("JSON.stringify(page.probe.answer.code)") != code
        keys.press("Enter")
        assert page.value("page.probe.isPinned")
        half = page.value("page.picture.view.half[1]")
        keys.press("-")
        assert page.value("page.picture.view.half[1]") > half
        keys.press("0")
        assert page.value("page.picture.view.half[1]") == pytest.approx(half)
        keys.press("l")
        page.wait_until("document.getElementById('live').textContent.includes('flat piece')")
        keys.press("?")
        assert page.tab.locator("#keys-dialog").is_visible()
        keys.press("Escape")
        keys.press("r")
        page.wait_until("page.numbers.step === 0")


def test_everything_has_a_name(shared):
    """Whatever takes the focus says what it is."""
    with open_in_browser(*shared, SMALL) as page:
        page.wait_for_frame()
        nameless = page.value(
            "[...document.querySelectorAll("
            "'button, input, select, summary, canvas[role], [tabindex]')]"
            ".filter(e => !e.closest('#lesson[hidden]') && !("
            "e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)"
            ").map(e => e.outerHTML)"
        )
        assert not nameless


def test_server_goes_and_comes(shared):
    """The page says so, waits, and goes on with the same configuration."""
    chromium, _ = shared
    with running_server() as first:
        port = first.port
        page = BrowserPage(chromium, first, SMALL)
        page.wait_for_frame()
        page.tab.locator("#data-sets input[value=moons]").check()
        page.wait_for_setting("data", "moons")
    page.wait_until("!page.isOpen")
    status = page.tab.locator("#status")
    assert "server" in status.inner_text()
    with running_server(port=port) as second:
        page.server = second
        status.locator("input").fill("nonsense")
        status.locator("button").click()
        assert "no address" in status.inner_text()
        status.locator("input").fill(second.url)
        status.locator("button").click()
        page.wait_until("page.isOpen && page.numbers.step > 0")
        assert status.is_hidden()
        assert page.session.configuration.data == "moons"
        assert [layer.width for layer in page.session.configuration.layers] == [8, 8]
        page.context.close()
    assert all("WebSocket" in text for text in page.problems)
