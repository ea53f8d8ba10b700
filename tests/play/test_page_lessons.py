"""Lessons and the share menu, in a browser: every step shows its number, every file comes."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from browser_page import PHONE, open_in_browser, running_browser
from play_pages import running_server

LESSONS = {
    "xor": 2,
    "ring": 2,
    "spiral": 2,
    "straight": 2,
    "useless": 2,
    "curse": 1,
    "clipping": 2,
    "metric": 2,
}


@pytest.fixture(scope="module")
def shared():
    with running_browser() as chromium, running_server() as server:
        yield chromium, server


def test_every_step_of_every_lesson_shows_its_number(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu") as page:
        page.wait_for_frame()
        page.tab.locator("#lessons > summary").click()
        page.tab.locator("#lesson-xor").click()
        for place, (name, n_steps) in enumerate(LESSONS.items(), start=1):
            for step in range(n_steps):
                assert page.text("#lesson-title").startswith(f"{place}. "), name
                page.wait_until("document.getElementById('lesson-number').textContent !== ''")
                is_last = step == n_steps - 1
                expected = "Next" if not is_last else "Done" if name == "metric" else "Next lesson"
                assert page.text("#lesson-next") == expected
                page.tab.locator("#lesson-next").click()
        assert page.tab.locator("#lesson").is_hidden()


def test_what_a_lesson_claims_is_what_its_number_says(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu") as page:
        page.wait_for_frame()
        page.tab.locator("#lessons > summary").click()
        page.tab.locator("#lesson-xor").click()
        page.tab.locator("#lesson-next").click()
        page.wait_until("page.numbers.accuracy_new > 0.95 && page.numbers.pieces <= 11")
        page.tab.locator("#lesson-next").click()
        page.tab.locator("#lesson-next").click()
        page.wait_until("page.numbers.accuracy_new > 0.95 && page.numbers.curved")
        assert page.configuration()["layers"] == [{"width": 1, "unit": "relu"}]
        assert page.value("document.getElementById('feature-plane').open")
        page.wait_until(  # in sight
            "document.querySelector('#feature-plane canvas').getBoundingClientRect().bottom"
            " <= document.querySelector('.rail').getBoundingClientRect().bottom"
        )


def go_to(page, lesson):
    page.tab.locator("#lessons > summary").click()
    page.tab.locator(f"#lesson-{lesson}").click()


def test_far_out_the_lesson_says_what_the_network_says_there(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu") as page:
        page.wait_for_frame()
        go_to(page, "straight")
        page.wait_until("page.accepted.data === 'parabola' && page.picture.frame !== null")
        page.tab.locator("#lesson-next").click()
        page.wait_until("document.getElementById('lesson-number').textContent.includes('625')")
        page.pause()
        page.wait_until("page.probe.answer?.point[0] === 25")
        assert page.value("page.probe.answer.outputs[0]") < 200
        page.tab.locator("#lesson-next").click()
        assert page.value("page.probe.point") is None  # it was of another network


def test_the_table_of_a_lesson_stays_when_the_lesson_is_left(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu") as page:
        page.wait_for_frame()
        go_to(page, "useless")
        page.wait_for_setting("data", "own")
        page.tab.locator("#lesson-leave").click()
        assert page.configuration()["data"] == "own"
        page.tab.locator("#add-layer").click()
        page.wait_until("page.accepted.layers.length === 3")
        assert page.value("page.accepted.data") == "own"


def test_directions_of_ellipses_differ_by_a_right_angle_at_most(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu") as page:
        said = page.tab.evaluate(
            """async () => {
                const { LESSONS } = await import('/lessons.js');
                const { number } = LESSONS.find(({ id }) => id === 'metric').steps[1];
                const axes = [[[1, -0.1], [0, 0.1]], [[1, 0.1], [0, 0.1]], [[0, 1], [1, 0]]];
                return number({ numbers: { metric: { axes } } });
            }"""
        )
        assert said == "3 ellipses; their directions differ by up to 11 degrees."


def test_a_lesson_on_a_phone(shared):
    with open_in_browser(*shared, "rows=60&layers=4relu", viewport=PHONE) as page:
        page.wait_for_frame()
        page.tab.locator("#more").click()
        page.tab.locator("#lessons > summary").click()
        page.tab.locator("#lesson-curse").click()
        page.wait_until("document.getElementById('lesson-number').textContent !== ''")
        assert "2 features: 99 %" in page.text("#lesson-number")
        assert page.tab.locator("#extras").is_hidden()  # the bar does not cover the card
        assert page.value("document.documentElement.scrollWidth") == PHONE["width"]
        page.tab.locator("#lesson-leave").click()
        assert page.tab.locator("#lesson").is_hidden()


def test_files_of_the_share_menu(shared, tmp_path):
    with open_in_browser(*shared, "rows=60&layers=6relu", accept_downloads=True) as page:
        page.wait_for_frame()
        page.pause()
        page.tab.locator("#share > summary").click()
        kinds = {
            "png": "picture.png",
            "svg": "picture.svg",
            "onnx": "network.onnx",
            "csv": "rows.csv",
            "python": "picture.py",
            "page": "replay.html",
        }
        for kind, name in kinds.items():
            with page.tab.expect_download() as download:
                page.tab.locator(f"#share-{kind}").click()
            assert download.value.suggested_filename == name
            download.value.save_as(tmp_path / name)
            assert (tmp_path / name).stat().st_size > 200
        assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
        svg = (tmp_path / "picture.svg").read_text()
        assert page.text("#lead") in svg
        chromium, _ = shared
        tab = chromium.new_page()
        tab.goto((tmp_path / "picture.svg").as_uri())
        boxes = tab.evaluate("[...document.querySelectorAll('path')].map(p => p.getBBox().width)")
        tab.close()
        assert len(boxes) > 3
        assert max(boxes) > 0
        page.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.tab.locator("#share-link").click()
        page.wait_until("document.querySelector('#share .note').textContent !== ''")
        link = page.tab.evaluate("navigator.clipboard.readText()")
        assert "token" not in link
        assert json.dumps(link).count("layers=6relu") == 1
