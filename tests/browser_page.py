"""The page in a real browser, before a real server."""

import contextlib
import json
import time

import pytest

from browser import browser

LAUNCH_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
WAIT_MILLISECONDS = 60_000  # a machine that is busy with other things
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextlib.contextmanager
def running_browser():
    """Headless Chromium; skips where it or Playwright is missing."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = browser()
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=LAUNCH_OPTIONS)
        try:
            yield chromium
        finally:
            chromium.close()


class BrowserPage:
    """One page: what it shows, and what went wrong on it.

    Attributes
    ----------
    tab
        Playwright's page.
    problems : list of str
        Errors and warnings of the console, refusals of the policy among them, and exceptions.
    """

    def __init__(self, chromium, server, fragment="", *, url=None, script=None, **options):
        self.server, self.problems = server, []
        self.context = chromium.new_context(**({"viewport": DESKTOP} | options))
        self.context.set_default_timeout(WAIT_MILLISECONDS)
        self.tab = self.context.new_page()
        self.tab.on("console", self._on_console)
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        if script:
            self.tab.add_init_script(script)
        self.tab.goto(f"{url or server.url}#{fragment}")
        self.tab.locator("#loss-now").wait_for(state="attached")

    def _on_console(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def text(self, selector):
        return self.tab.locator(selector).inner_text()

    def wait_until(self, expression):
        """Wait for JavaScript to be true; `page` is the object that main.js exports.

        Playwright's own way evaluates in the page, which its policy refuses.
        """
        end = time.monotonic() + WAIT_MILLISECONDS / 1000
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}; {self.text('body')[:2000]}"
            self.tab.wait_for_timeout(50)

    def value(self, expression):
        """What JavaScript says, with `page` the object that main.js exports."""
        return self.tab.evaluate(
            f"async () => {{ const {{ page }} = await import('/main.js'); return {expression}; }}"
        )

    def wait_for_frame(self):
        self.wait_until("page.picture.frame !== null && page.numbers !== null")

    def pause(self):
        """Paused, with the last frame drawn."""
        if self.value("page.isPlaying"):
            self.tab.locator("#play").click()
        self.wait_until("!page.isPlaying")
        self.wait_for_silence()

    def wait_for_silence(self):
        """Until no frame is on its way."""
        last = None
        while (drawn := self.value("page.drawn")) != last:
            last = drawn
            self.tab.wait_for_timeout(300)

    def configuration(self):
        """What the page believes is set."""
        return self.value("page.store.configuration")

    @property
    def session(self):
        """The server's side: the newest with the page's settings (pages may have come back)."""
        settings = self.value("page.accepted") | {"view": None}
        sessions = list(self.server._pages)[::-1]
        alike = (s for s in sessions if s.configuration.to_json() | {"view": None} == settings)
        return next(alike, sessions[0])

    def wait_for_setting(self, key, expected):
        """Until both sides have a value at a dotted key, JSON's kind of equal."""
        path = "".join(f"[{part!r}]" for part in key.split("."))
        text = json.dumps(json.dumps(expected, separators=(",", ":")))
        self.wait_until(f"JSON.stringify(page.accepted{path}) === {text}")
        accepted = self.session.configuration.to_json()
        for part in key.split("."):
            accepted = accepted[part]
        assert accepted == expected

    def close(self):
        self.context.close()
        assert not self.problems, self.problems


@contextlib.contextmanager
def open_in_browser(chromium, server, fragment="", **options):
    page = BrowserPage(chromium, server, fragment, **options)
    try:
        yield page
    finally:
        page.context.close()
    assert not page.problems, page.problems
