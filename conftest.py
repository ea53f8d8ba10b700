"""What all tests share, those in the docstrings of src too."""

import signal
from importlib.util import find_spec

# Holds classes of torch's own, so it cannot even be imported without it.
collect_ignore = [] if find_spec("torch") else ["src/hullwise/model/trees/_ndt_torch.py"]


def pytest_configure():
    """A shell's `&` starts its commands deaf to Ctrl-C, and they their children: tests are not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
