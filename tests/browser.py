"""A real browser, headless, for tests of pages."""

import os
import shutil
import subprocess

import pytest


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on the path (chromium, chromium-browser or google-chrome)")


def dumped(page, folder):
    """The document after its script ran, from headless Chromium."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        path.as_uri(),
    ]
    run = subprocess.run(
        command, capture_output=True, timeout=60, check=False, env={**os.environ, "LANG": "C.UTF-8"}
    )
    dom = run.stdout.decode("utf-8")
    assert "</html>" in dom, run.stderr.decode("utf-8", "replace")[-2000:]
    return dom
