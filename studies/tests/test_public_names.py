"""The studies are the library's first outside customer: they use public names only."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
FILES = sorted([*FOLDER.glob("src/**/*.py"), *FOLDER.glob("tests/*.py")])
PUBLIC_MODULES = (
    "hullwise",
    *("hullwise.errors", "hullwise.metrics", "hullwise.model", "hullwise.samples"),
    *("hullwise.report", "hullwise.report.charts", "hullwise.train"),
    # what a command of another distribution is made of
    *("hullwise.cli.console", "hullwise.cli.options", "hullwise.cli.status"),
)
SUBMODULES = {"metrics", "model", "report", "samples", "train"}


def public_names(module: str) -> set[str]:
    if module == "hullwise.cli":
        return {"main"}
    if module not in PUBLIC_MODULES:
        return set()
    names = set(importlib.import_module(module).__all__)
    return names | SUBMODULES if module == "hullwise" else names


def private_uses(tree: ast.AST) -> list[str]:
    """What a file takes from the library that is not public."""
    uses = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hullwise":
            names = {alias.name for alias in node.names} - public_names(node.module or "")
            uses += [f"{node.module}.{name}" for name in sorted(names)]
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            uses += sorted(n for n in names if n.startswith("hullwise."))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id in ("hw", "hullwise"):
                uses += [node.attr] * (node.attr not in ("__version__", "__file__"))
    return uses


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_only_public_names_are_used(path):
    assert private_uses(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("from hullwise.geometry.cloud import Cloud", "hullwise.geometry.cloud.Cloud"),
        ("from hullwise.metrics import directions_from_spread", "hullwise.metrics."),
        ("from hullwise import _core", "hullwise._core"),
        ("import hullwise.geometry.cloud", "hullwise.geometry.cloud"),
        ("import hullwise as hw; hw._HOMES", "_HOMES"),
    ],
)
def test_private_names_are_seen(code, use):
    (seen,) = private_uses(ast.parse(code))
    assert seen.startswith(use)
