"""What a type checker sees of the public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import hullwise as hw

USER = """
import numpy as np
import hullwise as hw

X = np.random.default_rng(0).normal(size=(50, 3))
loc = hw.locate(X, X[:5] + 1)
reveal_type(loc)
reveal_type(loc.lower)
reveal_type(hw.DelaunayRegressor)
reveal_type(hw.metrics.agop)
reveal_type(hw.model.read)
hw.locate(X)
loc.lowest
"""


def test_a_user_file_is_typed(tmp_path):
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed: pip install '.[lint]'")
    path = tmp_path / "user.py"
    path.write_text(USER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
    )
    lines = [
        line.partition("user.py:")[2] for line in done.stdout.splitlines() if "user.py" in line
    ]
    notes = [line for line in lines if "note: Revealed type" in line]
    assert "Location" in notes[0], done.stdout
    assert "ndarray" in notes[1]
    assert "DelaunayRegressor" in notes[2]
    assert "def (" in notes[3]
    assert "Network" in notes[4]
    errors = [line for line in lines if ": error: " in line]
    assert len(errors) == 2, done.stdout
    assert 'Missing positional argument "Q"' in errors[0]
    assert 'has no attribute "lowest"' in errors[1]


@pytest.mark.parametrize(
    "package", ["hullwise", "hullwise.model", "hullwise.report", "hullwise.train"]
)
def test_names_for_type_checkers_are_those_imported_when_used(package):
    module = import_module(package)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.asname: node.module
        for branch in tree.body
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING"
        for node in branch.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert typed == module._HOMES


def test_every_public_name_is_there():
    for name in hw.__all__:
        assert getattr(hw, name) is not None
