"""How long the fuzz tests run: a few seconds, or `pytest tests/fuzz --fuzz-seconds 600`."""

from __future__ import annotations


def pytest_addoption(parser):
    parser.addoption(
        "--fuzz-seconds",
        type=float,
        default=None,
        help="seconds for each fuzz test, in place of a fixed number of inputs",
    )
    parser.addoption(
        "--fuzz-seed", type=int, default=0, help="from which the damage is drawn; 0 by default"
    )
