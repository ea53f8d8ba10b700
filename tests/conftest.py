"""A shell's `&` starts its commands deaf to Ctrl-C, and they their children: tests are not."""

import signal


def pytest_configure():
    signal.signal(signal.SIGINT, signal.default_int_handler)
