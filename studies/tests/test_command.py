"""`hullwise study`: found by its entry point, and what its options take."""

import importlib
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

import hullwise
import hullwise_studies
from hullwise.cli import main
from hullwise_studies import lux2021
from hullwise_studies._discovery import discovered
from hullwise_studies.command import LUX2021_METHODS

SOURCES = os.pathsep.join(
    str(Path(package.__file__).parents[1]) for package in (hullwise, hullwise_studies)
)


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """The command, whether or not this checkout is installed."""
    point = EntryPoint("study", "hullwise_studies.command:study", "hullwise.commands")
    monkeypatch.setattr("hullwise.cli._plugins._installed", lambda: [point])


def run(*args, code=0):
    result = CliRunner().invoke(main, [str(a) for a in args])
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    return result


def test_the_entry_point_is_declared():
    import tomllib

    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    points = tomllib.loads(text)["project"]["entry-points"]["hullwise.commands"]
    assert points == {"study": "hullwise_studies.command:study"}


def test_help_imports_nothing_numeric():
    code = (
        "import sys; from importlib.metadata import EntryPoint\n"
        "from hullwise.cli import main, _plugins\n"
        "point = EntryPoint('study', 'hullwise_studies.command:study', 'hullwise.commands')\n"
        "_plugins._installed = lambda: [point]\n"
        "for args in (['--help'], ['study', '--help'], ['study', 'lux2021', '--help']):\n"
        "    main(args, standalone_mode=False)\n"
        "assert not {'numpy', 'numba', 'scipy', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
    )
    env = os.environ | {"PYTHONPATH": SOURCES}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "published figures" in done.stdout
    assert "balestriero2021" in done.stdout


def test_names_of_the_study_are_those_of_the_module():
    assert tuple(lux2021.STUDY_METHODS) == LUX2021_METHODS


def test_study_as_a_command(tmp_path):
    without = [m for m in LUX2021_METHODS if m not in ("svr", "median")]
    args = [word for m in without for word in ("--without", m)]
    page = tmp_path / "page.html"
    done = run("study", "lux2021", "--sets", "forest_fires", *args, "-o", page)
    assert "SVR" in done.stdout
    assert page.read_text().startswith("<!")
    assert "--force" in run("study", "lux2021", "--sets", "forest_fires", "-o", page, code=3).stderr
    assert "spam" in run("study", "lux2021", "--sets", "spam", code=2).stderr


@pytest.mark.parametrize("name", ["lux2021", "regimes", "balestriero2021", "similarity"])
def test_the_parts_of_a_study_are_listed(name):
    parts = importlib.import_module(f"hullwise_studies.{name}").PARTS
    shown = run("study", name, "--list").stdout
    assert [line.split()[0] for line in shown.splitlines()] == list(parts)


def test_a_new_part_is_one_new_file(tmp_path, monkeypatch):
    code = (
        "from hullwise_studies.balestriero2021._hypercube import hypercube_plan\n"
        "from hullwise_studies.balestriero2021._plan import StudyPart\n"
        "def plan(settings, sets, model):\n"
        "    return hypercube_plan(settings, [4])\n"
        "STUDY_PARTS = (StudyPart('small_cube', 'a cube of four dimensions', 95, plan),)\n"
    )
    (tmp_path / "_small_cube.py").write_text(code)
    name = "hullwise_studies.balestriero2021"
    package = importlib.import_module(name)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    parts = [part.name for part in discovered(name, "STUDY_PARTS")]
    assert sorted(parts) == sorted([*package.PARTS, "small_cube"])
