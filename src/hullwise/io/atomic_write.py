"""Files written so that no half file is ever seen, and never over another unasked."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from ..errors import FileError, Hint
from .paths import expanded_path
from .remote_files import public_url, url_scheme


def output_path(path: str | PathLike[str], *, force: bool) -> Path:
    """Where a file of this name would be written.

    Raises
    ------
    FileError
        It is a folder, lies in none, or exists and `force` is false.
    """
    name = os.fsdecode(path)
    if url_scheme(name):
        raise FileError(
            public_url(name), "is no folder of this machine: write a file here, and copy it there"
        )
    # A link is followed, so that the rename does not replace the link itself.
    target = Path(os.path.realpath(expanded_path(path)))
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
    removed whatever goes wrong. A file that is replaced keeps its mode, and until then only its
    owner can read what is written. A device or a pipe is written directly.

    Raises
    ------
    FileError
        As `output_path`, or the system refuses: no permission, a full disk.
    BrokenPipeError
        The reader of a pipe went away.
    """
    name, target = os.fsdecode(path), output_path(path, force=force)
    try:
        if target.exists() and not target.is_file():
            # A device or a pipe cannot be renamed over.
            with target.open("wb") as stream:
                yield stream
            return
        replaced = target.stat() if target.exists() else None
        partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(_create(partial, replaced is not None), "wb") as stream:
                yield stream
                if not stream.closed:
                    stream.flush()
            if replaced is not None:
                _give_mode(partial, replaced)
            output_path(path, force=force)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(name, f"cannot be written ({reason}); nothing is left of it") from None


def _create(path: Path, private: bool) -> int:
    """A new file, of the mode that new files have here unless it is to be private."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600 if private else 0o666)


def _give_mode(path: Path, like: os.stat_result) -> None:
    """Owner, where that is allowed, and then mode, which a change of owner may clear."""
    if hasattr(os, "chown") and (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.chown(path, like.st_uid, like.st_gid)
    os.chmod(path, stat.S_IMODE(like.st_mode))
