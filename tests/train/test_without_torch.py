"""What a user without torch is told, and what works without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLS = {
    "tangent_penalty": "hw.train.tangent_penalty(None, X, X)",
    "orthogonality_penalty": "hw.train.orthogonality_penalty(None)",
    "distill": "hw.train.distill(None, None, X)",
    "distillation_loss": "hw.train.distillation_loss(X, X)",
    "teacher_outputs": "hw.train.teacher_outputs(None, X)",
    "transformation_tangents with method='jvp'": (
        "hw.train.transformation_tangents(lambda X, a: X, X, method='jvp')"
    ),
}
PROGRAM = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError(name)
sys.meta_path.insert(0, NoTorch())
import numpy as np
import hullwise as hw
X = np.random.default_rng(0).normal(size=(20, 2))
hw.train.local_tangents(X, 4)
hw.train.transformation_tangents(lambda X, a: X * (1 + a), X)
hw.train.mixup(X, X[:, 0] > 0, random_state=0)
for name, call in {calls!r}.items():
    try:
        eval(call)
    except hw.MissingDependencyError as error:
        assert isinstance(error, ImportError)
        print(name, "|", error)
"""


@pytest.fixture(scope="module")
def messages():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{calls!r}", repr(CALLS))],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(line.split(" | ") for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", list(CALLS))
def test_one_sentence_says_what_needs_torch(messages, name):
    assert messages[name] == (
        f"{name} needs torch, which comes with: pip install 'hullwise[torch]'"
    )
