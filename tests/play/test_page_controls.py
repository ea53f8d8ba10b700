"""Every control changes what it says, on the page, in its address and at the server."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("websockets")

from browser_page import open_in_browser, running_browser
from hullwise.play.configuration import Configuration
from play_pages import running_server

SMALL = "rows=50&layers=4relu"


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


def click(page, selector):
    page.tab.locator(selector).click()


def unfold(page, selector):
    details = page.tab.locator(selector)
    if details.get_attribute("open") is None:
        details.locator("> summary").click()


def slide(page, selector, key):
    page.tab.locator(selector).focus()
    page.tab.keyboard.press(key)


def radio(page, fieldset, value):
    page.tab.locator(f"#{fieldset} input[value={value}]").check()


CHANGES = {
    "data": (lambda p: radio(p, "data-sets", "xor"), "xor"),
    "rows": (lambda p: slide(p, "#rows", "ArrowRight"), 75),
    "noise": (lambda p: slide(p, "#noise", "End"), 0.5),
    "seed": (lambda p: (unfold(p, "#seed-details"), click(p, "#reseed")), 1),
    "inputs": (lambda p: click(p, "[data-input=x2]"), ["x", "y", "x2"]),
    "layers": (
        lambda p: (
            click(p, "#add-layer"),
            click(p, "[aria-label='More units in layer 2']"),
            p.tab.locator("[aria-label='Kind of units of layer 2']").select_option("maxout"),
        ),
        [{"width": 4, "unit": "relu"}, {"width": 6, "unit": "maxout"}],
    ),
    "residual": (lambda p: (unfold(p, "#network-details"), click(p, "#residual")), True),
    "normalisation": (lambda p: p.tab.locator("#normalisation").select_option("batch"), "batch"),
    "optimiser": (
        lambda p: (unfold(p, "#training"), p.tab.locator("#optimiser").select_option("sgd")),
        "sgd",
    ),
    "rate": (lambda p: slide(p, "#rate", "ArrowRight"), 0.01),
    "batch": (lambda p: slide(p, "#batch", "ArrowLeft"), 32),
    "gradient": (lambda p: p.tab.locator("#gradient").select_option("forward"), "forward"),
    "dropout": (lambda p: slide(p, "#dropout", "ArrowRight"), 0.05),
    "penalties.weight_decay": (
        lambda p: (unfold(p, "#penalties"), slide(p, "#weight_decay", "ArrowRight")),
        0.0001,
    ),
    "penalties.orthogonality": (lambda p: slide(p, "#orthogonality", "End"), 10),
    "penalties.tangent": (lambda p: slide(p, "#tangent", "ArrowRight"), 0.0001),
    "penalties.mixup": (lambda p: slide(p, "#mixup", "ArrowRight"), 0.1),
    "steps_per_frame": (lambda p: p.tab.locator("#speed").select_option("20"), 20),
    "show.metric": (
        lambda p: (unfold(p, "#overlays"), p.tab.locator("#metric").select_option("nfm")),
        "nfm",
    ),
    "show.simplex": (lambda p: click(p, "#simplex"), True),
    "show.complexity": (lambda p: click(p, "#complexity"), True),
    "show.guard": (
        lambda p: (
            p.tab.keyboard.press("Escape"),
            unfold(p, "#guard-details"),
            click(p, "#guard"),
        ),
        True,
    ),
}
SHOWN_BY_THE_PAGE = {
    "show.mode": (lambda p: radio(p, "mode", "height"), "height"),
    "show.layers": (lambda p: click(p, "[aria-label='walls of layer 1']"), [False, True]),
    "show.rows": (lambda p: click(p, "#show-rows"), False),
    "show.hull": (lambda p: click(p, "#show-hull"), False),
    "view": (lambda p: click(p, "#zoom-in"), None),
}


def leaf(tree, key):
    for part in key.split("."):
        tree = tree[part]
    return tree


def test_all_settings_have_a_control():
    leaves = set()
    for key, value in Configuration().to_json().items():
        leaves |= {f"{key}.{name}" for name in value} if isinstance(value, dict) else {key}
    assert leaves == CHANGES.keys() | SHOWN_BY_THE_PAGE.keys()


def test_every_control_and_a_reload(page):
    """One after the other, as they are at hand; then the address alone brings all of it back."""
    for key, (change, expected) in CHANGES.items():
        change(page)
        page.wait_for_setting(key, expected)
        assert leaf(page.configuration(), key) == expected
    for key, (change, expected) in SHOWN_BY_THE_PAGE.items():
        change(page)
        if expected is not None:
            assert leaf(page.configuration(), key) == expected
    before = page.configuration()
    assert before["view"] is not None
    page.tab.reload()
    page.wait_for_frame()
    after = page.configuration()
    assert after == before
    assert page.session.configuration.to_json() | {"view": None, "show": None} == {
        **after, "view": None, "show": None
    }  # fmt: skip
    page.pause()


def test_refusal_is_shown_at_its_control(page):
    unfold(page, "#network-details")
    page.tab.locator("#normalisation").select_option("layer")
    problem = page.tab.locator("[data-key=normalisation] .problem")
    problem.wait_for()
    assert "no flat pieces" in problem.inner_text()
    assert page.configuration()["normalisation"] == "batch"
    assert page.tab.locator("#normalisation").input_value() == "batch"
    page.tab.locator("#normalisation").select_option("none")
    page.wait_for_setting("normalisation", "none")
    assert page.tab.locator(".problem").count() == 0


@pytest.mark.parametrize(
    "fragment",
    [
        "rows=1e9&noise=-3&seed=x&layers=900relu,3tanh&inputs=z&data=nothing",
        "view=1,2,3&show.layers=012&penalties.mixup=-1&__proto__.x=1&show.mode=%3Cb%3E",
    ],
)
def test_addresses_that_make_no_sense(shared, fragment):
    with open_in_browser(*shared, fragment) as page:
        page.wait_for_frame()
        page.pause()
        rows = page.configuration()["rows"]
        assert rows in (500, 5000)


def test_points_drawn_by_hand(shared):
    with open_in_browser(*shared, SMALL) as page:
        page.wait_for_frame()
        page.tab.locator("#draw").click()
        box = page.tab.locator("#picture").bounding_box()
        places = [(0.3, 0.3), (0.4, 0.7), (0.6, 0.4), (0.7, 0.6)]
        for i, (across, down) in enumerate(places):
            if i == 2:
                page.tab.locator("[data-brush='1']").click()
            page.tab.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_setting("data", "drawn")
        page.wait_until("page.picture.data.points.length === 4")
        assert page.value("page.draw.points.map(p => p[2])") == [0, 0, 1, 1]
        page.tab.locator("#draw-done").click()
        assert "points=" in page.tab.url
        page.tab.reload()
        page.wait_for_frame()
        page.wait_until("page.picture.data.points.length === 4")
        assert page.session.configuration.data == "drawn"
        assert page.session.run.data.targets.tolist() == [0, 0, 1, 1]
