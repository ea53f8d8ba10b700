"""The rules of the house that a script can see: names, layers, private modules, tolerances.

`python tests/test_house.py` prints what breaks them, with places.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"hullwise": ROOT / "src", "hullwise_studies": ROOT / "studies" / "src"}
LAYERS = (
    "_core",
    "io",
    "table",
    "geometry",
    "predict",
    "model",
    "metrics",
    "train",
    "domain",
    "reliability",
    "design",
    "watch",
    "report",
    "serve",
    "play",
    "cli",
)
FREE = ("errors", "samples", "")  # used by every layer
PROTOCOLS = {"HOMES", "PARTS", "STUDY_PARTS"}  # tables that several modules fill for one reader
WHAT_HAPPENED = {"found", "told", "said", "asked", "held", "given"}


def modules() -> dict[str, Path]:
    """Dotted names of all modules and where they lie."""
    places = {}
    for name, base in PACKAGES.items():
        for path in sorted((base / name).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            places[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return places


MODULES = modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def room(module: str) -> str:
    """The top folder a module lies in; the distribution of studies is one room."""
    package, _, rest = module.partition(".")
    return "studies" if package == "hullwise_studies" else rest.partition(".")[0]


def assigned(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module gives to something, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr), node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def constants(tree: ast.Module) -> Iterator[str]:
    """Constants of a module: capital letters at its top level."""
    for statement in tree.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(name, ast.Name) and name.id.isupper():
                    yield name.id.strip("_")


def imports(module: str) -> Iterator[tuple[str, int]]:
    """The project's modules that a module imports when it runs, and the lines.

    Not what is imported for types alone, nor what a result's `plot` asks of the room that draws.
    """
    tree = TREES[module]
    typed = {
        id(inner)
        for branch in ast.walk(tree)
        if (isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING")
        or (isinstance(branch, ast.FunctionDef) and branch.name.startswith(("plot", "_repr_html")))
        for inner in ast.walk(branch)
    }
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in typed:
            continue
        base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            name = f"{source}.{alias.name}"
            if name in MODULES or source in MODULES:
                yield (name if name in MODULES else source), node.lineno


def names_of_what_happened() -> list[str]:
    return [
        f"{MODULES[module].relative_to(ROOT)}:{line}: {name}"
        for module, tree in TREES.items()
        for name, line in assigned(tree)
        if name.strip("_") in WHAT_HAPPENED
    ]


def repeated(kind: str) -> dict[str, list[str]]:
    """Classes or constants that two modules define."""
    places = defaultdict(list)
    for module, tree in TREES.items():
        if kind == "class":
            names = [n.name.strip("_") for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
        else:
            names = list(constants(tree))
        for name in names:
            places[name].append(module)
    return {name: where for name, where in places.items() if len(where) > 1}


def upward_imports() -> list[str]:
    order = {name: i for i, name in enumerate(LAYERS)}
    return [
        f"{MODULES[module].relative_to(ROOT)}:{line}: {room(module)} imports {target}"
        for module in MODULES
        if room(module) in order
        for target, line in imports(module)
        if room(target) not in FREE and order.get(room(target), 99) > order[room(module)]
    ]


def strangers_of_private_modules() -> list[str]:
    return [
        f"{MODULES[module].relative_to(ROOT)}:{line}: {target} is private to its room"
        for module in MODULES
        for target, line in imports(module)
        if room(target) != room(module)
        and any(part.startswith("_") for part in target.split(".")[2:])
    ]


def test_names_say_what_a_thing_is() -> None:
    """And not what happened to it."""
    assert len(names_of_what_happened()) < 20, "\n".join(names_of_what_happened())


@pytest.mark.parametrize("kind", ["class", "constant"])
def test_one_name_has_one_meaning(kind: str) -> None:
    assert not repeated(kind).keys() - PROTOCOLS


def test_imports_point_down() -> None:
    assert not upward_imports()


def test_private_modules_stay_in_their_room() -> None:
    assert not strangers_of_private_modules()


TOLERANCE = re.compile(r"^\| `([\w/]+)\.([A-Z][A-Z0-9_]*)` \| ([^|]+) \|", re.MULTILINE)


def test_tolerances_are_those_of_the_table() -> None:
    """CONTRIBUTING's table of tolerances gives each constant's value."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = TOLERANCE.findall(text)
    assert len(rows) > 20
    for place, constant, value in rows:
        folder = "hullwise_studies" if place.startswith("studies/") else "hullwise"
        module = f"{folder}.{place.removeprefix('studies/').replace('/', '.')}"
        try:
            actual = getattr(import_module(module), constant)
        except ModuleNotFoundError as error:
            if error.name == "torch":  # a module of its own classes, where it is not installed
                continue
            raise
        shown = [float(eval(part.replace("^", "**"), {})) for part in value.split(",")]
        expected = list(actual) if isinstance(actual, tuple) else [actual]
        assert shown == pytest.approx(expected, rel=1e-12), f"{module}.{constant}"


if __name__ == "__main__":
    for line in [*names_of_what_happened(), *upward_imports(), *strangers_of_private_modules()]:
        print(line)
    for kind in ("class", "constant"):
        for name, where in sorted(repeated(kind).items()):
            print(f"{kind} {name}: {', '.join(where)}")
