"""Files written so that no half file is ever seen, and never over another unasked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from ..errors import FileError, Hint


def output_path(path: str | PathLike[str], *, force: bool) -> Path:
    """Where a file of this name would be written.

    Raises
    ------
    FileError
        It is a folder, lies in none, or exists and `force` is false.
    """
    name = os.fspath(path)
    # A link is followed, so that the rename does not replace the link itself.
    target = Path(os.path.realpath(Path(name).expanduser()))
    if target.is_dir():
        raise FileError(name, "is a folder; name a file in it")
    if not target.parent.is_dir():
        raise FileError(name, f"there is no folder {str(target.parent)!r}; make it first")
    if target.is_file() and not force:
        raise FileError(name, "exists already", hint=Hint.REPLACE_FILE)
    return target


@contextmanager
def whole_file(path: str | PathLike[str], *, force: bool) -> Iterator[BinaryIO]:
    """A stream whose bytes become the file once the block has ended well.

    They are written under a temporary name in the same folder, which is then renamed; it is
    removed whatever goes wrong. A device or a pipe is written directly.

    Raises
    ------
    FileError
        As `output_path`, or the system refuses: no permission, a full disk.
    BrokenPipeError
        The reader of a pipe went away.
    """
    name, target = os.fspath(path), output_path(path, force=force)
    try:
        if target.exists() and not target.is_file():
            # A device or a pipe cannot be renamed over.
            with target.open("wb") as stream:
                yield stream
            return
        partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
        try:
            with partial.open("xb") as stream:
                yield stream
            output_path(path, force=force)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(name, f"cannot be written ({reason}); nothing is left of it") from None
