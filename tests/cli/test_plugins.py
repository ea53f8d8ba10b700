"""Commands of other distributions: found by entry points, and clear where they cannot run."""

from importlib.metadata import EntryPoint

import click
import pytest

from cli_input import run


@click.command()
def greet():
    """Say hello."""
    click.echo("hello")


@pytest.fixture
def plugins(monkeypatch):
    """A function that says which entry points are installed."""

    def install(**values):
        points = [EntryPoint(name, value, "hullwise.commands") for name, value in values.items()]
        monkeypatch.setattr("hullwise.cli._plugins._installed", lambda: points)

    install()
    return install


@pytest.mark.parametrize("args", [[], ["--help"], ["lux2021", "-o", "page.html"]])
def test_study_that_is_not_installed_is_one_sentence(plugins, args):
    done = run("study", *args, code=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "hullwise-studies, which is not installed" in done.stderr
    assert "pip install ./studies" in done.stderr


def test_help_lists_study_whether_or_not_it_is_installed(plugins):
    assert "(Not installed.)" in " ".join(run("--help").stdout.split())
    plugins(study=f"{__name__}:greet")
    listed = [line.split()[0] for line in run("--help").stdout.splitlines() if line.strip()]
    assert listed.count("study") == 1


def test_an_installed_command_runs_and_is_listed(plugins):
    plugins(greet="test_plugins_module:greet")
    import sys

    sys.modules["test_plugins_module"] = sys.modules[__name__]
    try:
        assert run("greet").stdout == "hello\n"
        assert "Say hello." in run("--help").stdout
    finally:
        del sys.modules["test_plugins_module"]


@pytest.mark.parametrize("value", ["no_such_module:command", "math:pi", "math:no_such_name"])
def test_a_broken_plugin_breaks_no_other_command(plugins, value):
    plugins(broken=value)
    assert "locate" in run("--help").stdout
    error = run("broken", code=2).stderr
    assert error.count("\n") == 1
    assert "the command broken of" in error
    assert "cannot be loaded" in error


def test_a_plugin_does_not_replace_a_built_in_command(plugins):
    plugins(demo="no_such_module:command")
    assert "bundled tables" in run("demo", "--help").stdout


def test_an_unknown_command_stays_unknown(plugins):
    assert "No such command 'spam'" in run("spam", code=2).stderr
