"""The README and the pages are true: examples run, links lead somewhere, names are documented."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hullwise

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TEXTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.glob("*.md")),
)


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"hullwise_docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


commands = _load("commands")
PAGES = [
    page
    for page in commands.PAGES
    if any(True for _ in commands.blocks(page.read_text(encoding="utf-8")))
]


PAGES_WITH_TORCH = {
    "networks.md",
    "play.md",
    "smooth_networks.md",
    "study_forward2022.md",
    "study_training.md",
    "training.md",
}


def _id(value: Any) -> str:
    return str(value.name if isinstance(value, Path) else value)


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_examples_of_a_page_print_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.name in PAGES_WITH_TORCH:
        pytest.importorskip("torch", reason="the examples of this page train with PyTorch")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    problems: list[str] = []
    for kind, content in commands.blocks(page.read_text(encoding="utf-8")):
        if kind == "console":
            problems += _console(content)
        elif found := commands.run_python(content, names, page.name):
            problems.append(found)
    assert not problems, "\n".join(problems)


def _console(content: str) -> list[str]:
    problems = []
    for command in commands.commands(content):
        found = commands.run(command.text, Path.cwd())
        found = found[: len(command.shown)] if command.cut else found
        shown = [commands.steady(line) for line in command.shown]
        if not commands.same("\n".join(shown) + "\n", "\n".join(found) + "\n"):
            problems.append(
                f"$ {command.text}\n--- shown\n"
                + "\n".join(shown)
                + "\n--- printed (python docs/commands.py writes it anew)\n"
                + "\n".join(found)
            )
    return problems


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("far 0.8154484835623108 x\n", "far 0.8154484835626171 x\n", True),  # another BLAS
        ("far 0.8154484835623108 x\n", "far 0.8154584835623108 x\n", False),
        ("12.35 m\n", "12.36 m\n", True),
        ("12.35 m\n", "12.38 m\n", False),
        ("3.1e-05\n", "3.2e-05\n", True),
        ("3.1e-05\n", "3.1e-04\n", False),
        ("104 rows\n", "105 rows\n", False),
        ("inside 0.5\n", "outside 0.5\n", False),
    ],
)
def test_numbers_of_a_page_are_compared_to_a_tolerance(
    shown: str, printed: str, equal: bool
) -> None:
    assert commands.same(shown, printed) == equal


@pytest.mark.parametrize("name", ["locate", "demo"])
def test_commands_shown_exist(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hullwise", name, "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert f"hullwise {name}" in done.stdout


def test_options_shown_exist() -> None:
    from hullwise.cli import main

    known = {
        option
        for command in main.commands.values()
        for parameter in command.params
        for option in parameter.opts
    } | {"--help", "--version"}
    for path in TEXTS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"(^\$ |^\| |`)[^`]*hullwise (locate|demo)", line):
                unknown = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", line)) - known
                assert not unknown, f"{path.name}: {unknown} in {line!r}"


def test_readme_shows_the_commands_of_the_continuous_integration() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "pip install -e '.[test]' -e studies && hullwise demo" in readme
    assert "-e '.[test]' -e studies" in ci
    assert re.search(r"^pytest$", readme, re.MULTILINE)
    assert re.search(r"^pytest ", ci, re.MULTILINE)


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def _anchors(path: Path) -> set[str]:
    """Anchors of headings, as GitHub and myst make them, and the explicit ones."""
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"#+ +(.*)", line):
            words = re.sub(r"[^\w\- ]", "", match[1].lower())
            found.add(words.strip().replace(" ", "-"))
        elif match := re.match(r"\(([\w-]+)\)=$", line):
            found.add(match[1])
    return found


@pytest.mark.parametrize("path", TEXTS, ids=_id)
def test_links_lead_to_files_and_headings_that_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in LINK.finditer(text):
        link = match[1] or match[2]
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        if name.startswith("gallery/"):  # made from docs/examples when the pages are built
            target = DOCS / "examples" / f"{name.removeprefix('gallery/')}.py"
        assert target.exists(), f"{path.name} links to {link}"
        if anchor:
            assert anchor in _anchors(target), f"{path.name} links to {link}"


def test_pages_name_no_place_on_someones_machine() -> None:
    for path in (*TEXTS, *DOCS.glob("*.py"), *DOCS.glob("examples/*")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/", text), path.name


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = "\n".join(
        re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    ).split()
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} <= set(listed)


PUBLIC = {name: hullwise for name in hullwise.__all__ if not name.startswith("__")}
PUBLIC |= dict.fromkeys(hullwise.model.__all__, hullwise.model)
PUBLIC |= dict.fromkeys(hullwise.metrics.__all__, hullwise.metrics)
PUBLIC |= dict.fromkeys(hullwise.train.__all__, hullwise.train)
PUBLIC |= dict.fromkeys(hullwise.serve.__all__, hullwise.serve)
PUBLIC |= {
    name: hullwise.report
    for name in hullwise.report.__all__
    if name not in ("charts", "PAGE_SIZE_LIMIT")
}
PUBLIC |= dict.fromkeys(hullwise.report.charts.__all__, hullwise.report.charts)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_documented(name: str) -> None:
    thing = getattr(PUBLIC[name], name)
    text = inspect.getdoc(thing) or ""
    first = text.partition("\n")[0]
    assert first.endswith((".", ":")) or "\n\n" in text, f"{name}: no summary line"
    assert re.search(r"^Examples\n-{8}$", text, re.MULTILINE), f"{name}: no Examples section"
    assert ">>>" in text


@pytest.mark.parametrize("name", PUBLIC)
def test_public_methods_are_documented(name: str) -> None:
    thing = getattr(PUBLIC[name], name)
    if not inspect.isclass(thing) or issubclass(thing, Exception | int):
        return
    for method, member in vars(thing).items():
        if callable(member) and not method.startswith("_"):
            assert inspect.getdoc(member), f"{name}.{method} has no docstring"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_in_the_reference(name: str) -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    assert re.search(rf"^   {name}$", text, re.MULTILINE), f"{name} is not in docs/api.md"


def test_parameters_in_docstrings_are_those_of_the_signature() -> None:
    for name in PUBLIC:
        thing = getattr(PUBLIC[name], name)
        if not inspect.isfunction(thing):
            continue
        section = re.search(
            r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n)",
            inspect.getdoc(thing) or "",
            re.MULTILINE | re.DOTALL,
        )
        assert section is not None, f"{name}: no Parameters section"
        heads = re.findall(r"^(\w[\w, ]*?) ?:", section[1], re.MULTILINE)
        documented = {word.strip() for head in heads for word in head.split(",")}
        assert documented == set(inspect.signature(thing).parameters), name


def test_pages_state_the_limits_that_are_in_force() -> None:
    from hullwise.geometry import _exact_membership, _interior_simplex
    from hullwise.geometry.location import BANDS

    pages = {path.name: path.read_text(encoding="utf-8") for path in TEXTS}
    limits, notation = pages["limits.md"], pages["notation.md"]
    assert f"at most {_exact_membership.MAX_EXACT_ROWS} rows" in limits
    assert f"up to {_interior_simplex.MAX_SIMPLEX_FEATURES} features" in limits
    work = import_module("hullwise.geometry.comparison").ELLIPSOID_WORK
    assert f"{work / 1e8:.0f} \\cdot 10^8" in limits
    for name in (*hullwise.Status.__members__, *hullwise.Verdict.__members__, *BANDS):
        assert f"`{name}`" in notation, name
    for name in hullwise.Status.__members__:
        assert f"`Status.{name}`" in pages["location.md"], name


def test_changelog_has_the_current_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(hullwise.__version__)}\b", text, re.MULTILINE)


def test_version_of_the_project_is_that_of_the_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == hullwise.__version__
    assert project["license"] == "BSD-3-Clause"
    assert "BSD 3-Clause License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_pictures_are_small() -> None:
    pictures = list((DOCS / "images").iterdir())
    assert pictures
    assert all(picture.stat().st_size < 150_000 for picture in pictures)


def test_picture_can_be_drawn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        picture = _load("picture")
        picture.draw("light", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
