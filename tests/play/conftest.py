"""One server for all tests of a module that share it."""

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
