"""What the tests of a page share: a server for those of a module, and time for training."""

from importlib.util import find_spec

import pytest


@pytest.fixture(scope="module")
def server():
    play_pages = pytest.importorskip("play_pages")
    with play_pages.running_server() as server:
        yield server


@pytest.fixture
def page(server):
    from play_pages import open_page

    with open_page(server) as page:
        yield page


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch):
    """Steps are counted, whatever else the machine does."""
    if find_spec("torch"):
        monkeypatch.setattr("hullwise.play.training.LONGEST_RUN_SECONDS", float("inf"))
