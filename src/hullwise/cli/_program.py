"""The group of commands: every way to end becomes one exit code and at most one sentence."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click

from ..errors import DataWarning, HullwiseError
from ._hints import OPTION_WORDS
from ._plugins import plugin_command, plugin_names
from .status import CANCELLED, OUTPUT_WRITTEN


class Program(click.Group):
    """Turns every way to end into one exit code and at most one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The built-in commands, then those of other distributions."""
        return [*self.commands, *(n for n in plugin_names() if n not in self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A built-in command, else one of another distribution."""
        return self.commands.get(cmd_name) or plugin_command(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _stop_remembered(ctx), warnings.catch_warnings():
                warnings.showwarning = _show_once()
                warnings.simplefilter("always", DataWarning)
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _stop(ctx)
        except MemoryError as error:
            _fail(ctx, str(error) or "out of memory", 4)
        except HullwiseError as error:
            _fail(ctx, error.worded(OPTION_WORDS), 3)
        except BrokenPipeError:
            _silence_stdout()
            ctx.exit(141)
        except OSError as error:
            _silence_stdout()
            _fail(ctx, f"standard output cannot be written ({error.strerror or error})", 3)
        except Exception as error:
            if _was_stopped(error):
                _stop(ctx)
            traceback.print_exc()
            _fail(ctx, "internal error: please report it with the lines above", 70)


@contextlib.contextmanager
def _stop_remembered(ctx: click.Context) -> Iterator[None]:
    """Note a Ctrl-C: libraries lose some, such as one that comes while a kernel is loaded."""

    def stop(*_: object) -> None:
        ctx.meta[CANCELLED] = True
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    try:
        signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(ctx: click.Context) -> NoReturn:
    written = ctx.meta.get(OUTPUT_WRITTEN)
    what = f"only {written} was written" if written else "nothing was written"
    click.echo(f"\nhullwise: stopped; {what}", err=True)
    ctx.exit(130)


def _was_stopped(error: BaseException | None) -> bool:
    """Whether Ctrl-C came while a library was imported, and was wrapped in another error."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _silence_stdout() -> None:
    """What is still in the buffer must not be flushed into the closed pipe at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(ctx: click.Context, message: str, code: int) -> NoReturn:
    click.echo(f"hullwise: {message}", err=True)
    ctx.exit(code)


def _show_once() -> Callable[..., None]:
    """What shows a warning as a note, each text once."""
    shown: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = str(message)
        if isinstance(message, DataWarning):
            text = message.worded(OPTION_WORDS)
        if text not in shown:
            shown.add(text)
            click.echo(f"note: {text}", err=True)

    return show
