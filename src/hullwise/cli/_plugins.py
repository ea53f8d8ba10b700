"""Commands of other distributions, found by their entry points; nothing numeric is imported."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

COMMAND_GROUP = "hullwise.commands"
# Commands of this project's other distributions: what they do, and how they are installed.
SEPARATE_COMMANDS = {
    "study": (
        "Compute published results again, next to the published figures.",
        "hullwise study is a distribution of its own, hullwise-studies, which is not installed: "
        "run `pip install ./studies` in the checkout of hullwise.",
    )
}


def plugin_names() -> list[str]:
    """The commands there are besides the built-in ones, installed or not."""
    return sorted({*SEPARATE_COMMANDS, *(point.name for point in _installed())})


def plugin_command(name: str) -> click.Command | None:
    """The command of this name; one that says what is wrong where it cannot be used."""
    for point in _installed():
        if point.name == name:
            return _load(point)
    if name not in SEPARATE_COMMANDS:
        return None
    does, problem = SEPARATE_COMMANDS[name]
    return _unusable(name, f"{does} (Not installed.)", problem)


def _installed() -> list[EntryPoint]:
    return list(entry_points(group=COMMAND_GROUP))


def _load(point: EntryPoint) -> click.Command:
    """The command of an entry point; a plugin that is broken breaks no other command."""
    try:
        command = point.load()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    else:
        if isinstance(command, click.Command):
            return command
        problem = f"{point.value} is no click command"
    distribution = point.dist.name if point.dist is not None else point.module
    return _unusable(
        point.name,
        "Cannot be loaded.",
        f"the command {point.name} of {distribution} cannot be loaded ({problem}); update or "
        "uninstall that distribution.",
    )


class UnusableCommand(click.ClickException):
    """A command that is known and cannot run here."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One sentence on standard error."""
        click.echo(f"hullwise: {self.message}", err=True)


def _unusable(name: str, summary: str, problem: str) -> click.Command:
    def refuse(_: tuple[str, ...]) -> None:
        raise UnusableCommand(problem)

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["_"], nargs=-1, type=click.UNPROCESSED)],
        short_help=summary,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
