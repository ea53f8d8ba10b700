"""The group of commands: every way to end becomes one exit code and at most one sentence."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from .. import __version__
from .._core.foreign import own_errors
from ..errors import DataWarning, HullwiseError
from ._hints import OPTION_WORDS
from ._plugins import plugin_command, plugin_names
from .status import CANCELLED, IS_QUIET, OUTPUT_WRITTEN

INTERNAL_FRAMES = 3  # named where a fault of ours is
LAST_STREAM = 2  # standard error


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
                _occupy_closed_streams()
                warnings.showwarning = _show_once(ctx)
                warnings.simplefilter("always", DataWarning)
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _stop(ctx)
        except HullwiseError as error:
            _fail(ctx, error.worded(OPTION_WORDS), _code(error))
        except BrokenPipeError:
            _silence_stdout()
            ctx.exit(141)
        except OSError as error:
            _silence_stdout()
            what = "standard output" if error.filename is None else str(error.filename)
            _fail(ctx, f"{what}: cannot be written ({error.strerror or error})", 3)
        except Exception as error:
            if _was_stopped(error):
                _stop(ctx)
            _fail_of(ctx, error)


def _code(error: HullwiseError) -> int:
    return 4 if isinstance(error, MemoryError) else 3


def _fail_of(ctx: click.Context, error: Exception) -> NoReturn:
    """End with what another library raised in our words, or say where a fault of ours is."""
    try:
        with own_errors(f"hullwise {ctx.invoked_subcommand}"):
            raise error
    except HullwiseError as own:
        _fail(ctx, str(own), _code(own))
    except MemoryError:
        _fail(ctx, "out of memory", 4)
    except Exception:
        versions = f"hullwise {__version__}, Python {platform.python_version()}"
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        text = f"internal error, please report this line: {what} ({_place(error)}; {versions})"
        _fail(ctx, text, 70)


def _place(error: Exception) -> str:
    """The innermost functions of this library that an error came through."""
    package = str(Path(__file__).parents[1])
    frames = [
        f"{Path(frame.filename).relative_to(package).as_posix()}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(package)
    ]
    return " < ".join(frames[: -INTERNAL_FRAMES - 1 : -1]) or "outside of hullwise"


def _occupy_closed_streams() -> None:
    """Let no file that is opened become a standard stream which the caller has closed."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
            pass
        os.close(descriptor)


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


def _show_once(ctx: click.Context) -> Callable[..., None]:
    """What shows a warning of this library as a note, each text once, and none under --quiet."""
    shown: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if not isinstance(message, DataWarning) or ctx.meta.get(IS_QUIET):
            return
        text = message.worded(OPTION_WORDS)
        if text not in shown:
            shown.add(text)
            click.echo(f"note: {text}", err=True)

    return show
