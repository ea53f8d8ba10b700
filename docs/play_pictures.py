"""Draw the pictures of the page to play with, from a real server in a real browser.

Run from the root of the repository: ``python docs/play_pictures.py``. Writes
docs/images/play-*.png; needs Playwright and a Chromium on the path.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from hullwise.play.server import PlayServer

IMAGES = Path(__file__).parent / "images"
FRAGMENT = "seed=3"
STEP = 1200
PROBE = 0.8, 0.62  # shares of the picture's sides
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5},
}


def main() -> None:
    """Serve, train, look, and write one picture for each view."""
    server, ready = PlayServer(), threading.Event()
    serving = threading.Thread(target=lambda: asyncio.run(server.serve(lambda _: ready.set())))
    serving.start()
    ready.wait()
    chromium = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, options in VIEWS.items():
                page = browser.new_context(**options).new_page()
                write(name, picture(page, server.url))
            browser.close()
    finally:
        server.stop()
        serving.join()


def picture(page: Any, url: str) -> bytes:
    """The page after `STEP` steps, paused, its probe outside the hull."""
    page.goto(f"{url}#{FRAGMENT}")
    wait_until(page, f"page.lanes.last >= {STEP}")
    page.locator("#play").click()
    wait_until(page, "!page.isPlaying")
    box = page.locator("#picture").bounding_box()
    across, down = PROBE
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    wait_until(page, "page.probe.answer !== null")
    page.wait_for_timeout(1000)  # the lanes are drawn a little later
    return bytes(page.screenshot())


def wait_until(page: Any, condition: str) -> None:
    script = f"async () => {{ const {{ page }} = await import('/main.js'); return {condition}; }}"
    while not page.evaluate(script):
        page.wait_for_timeout(50)


def write(name: str, png: bytes) -> None:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few_colors = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few_colors.save(IMAGES / f"play-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
