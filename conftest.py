"""What all tests share, those in the docstrings of src too."""

import signal
import sys
from importlib.util import find_spec

# They hold classes of torch's own, or of modules that do: without it they cannot even be imported.
NEEDS_TORCH = [
    "src/hullwise/model/trees/_ndt_torch.py",
    "src/hullwise/play/exports.py",
    "src/hullwise/play/network_run.py",
    "src/hullwise/play/networks.py",
    "src/hullwise/play/numbers.py",
    "src/hullwise/play/objective.py",
    "src/hullwise/play/replay.py",
    "src/hullwise/play/session.py",
    "src/hullwise/play/training.py",
    "src/hullwise/play/worker.py",
    "src/hullwise/train/_perturbed_layers.py",
    "src/hullwise/train/_torch_activations.py",
    "src/hullwise/train/_torch_forward_gradient.py",
    "src/hullwise/train/_torch_passes.py",
    "src/hullwise/train/_torch_tangents.py",
    "tests/random_networks.py",
    "tests/torch_modules.py",
]
collect_ignore = [] if find_spec("torch") else NEEDS_TORCH


def pytest_configure():
    """A shell's `&` starts its commands deaf to Ctrl-C, and they their children: tests are not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup():
    """Torch's idle threads wait by spinning: beside threads of our own they double the time."""
    limit = getattr(sys.modules.get("torch"), "set_num_threads", None)
    if limit is not None:
        limit(1)
