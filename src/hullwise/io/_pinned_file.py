"""A file that stays the one it was when it was opened, whatever becomes of its path.

What is read comes from the descriptor that was opened first, so a file that takes the name of
another one is never mixed with it. A file that is changed in place, and one that is opened again
by its path (after pickling, on a worker), is compared with what it was.
"""

from __future__ import annotations

import errno
import io
import mmap
import os
import platform
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from ..errors import FileError

SAMPLE_PARTS: Final = 16
SAMPLE_PART_BYTES: Final = 1 << 12
# Kept open at once by this process; a folder may hold more files than a process may open.
MAX_KEPT_DESCRIPTORS: Final = 256
_KEPT_DESCRIPTORS: set[int] = set()
_SEEKING = threading.Lock()  # where there is no read at a place


@dataclass(frozen=True)
class FileIdentity:
    """What tells one file from another, and from itself after a change.

    Attributes
    ----------
    machine : str
        Where it was looked at: devices and inodes have numbers of their own on each machine.
    device, inode, mtime_ns, size : int
        As the system says.
    sample : str
        Hash of some of its bytes; empty where they were not read.
    """

    machine: str
    device: int
    inode: int
    mtime_ns: int
    size: int
    sample: str = ""

    def difference(self, now: FileIdentity) -> str:
        """What has changed, in words; empty for the same file."""
        if now.size != self.size:
            return f"it had {self.size} bytes and has {now.size} now"
        if self.machine == now.machine:
            if (now.device, now.inode) != (self.device, self.inode):
                return "another file has taken its name"
            if now.mtime_ns != self.mtime_ns:
                return (
                    f"it was last written {_time_text(self.mtime_ns)} then, "
                    f"{_time_text(now.mtime_ns)} now"
                )
        if self.sample and now.sample and now.sample != self.sample:
            return "it has other contents of the same size"
        return ""


def _time_text(ns: int) -> str:
    seconds, fraction = divmod(ns, 10**9)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + f".{fraction:09d}"


class PinnedFile:
    """One file, opened for reading at any place, from several threads and after a fork.

    Pickling stores the path and the identity; the file that has the path then must be the same.

    Parameters
    ----------
    path : Path
        In full.
    name : str
        What messages call it.
    expected : FileIdentity, optional
        What it must be.

    Raises
    ------
    FileError
        It cannot be opened, is no regular file, or is not the one expected.
    """

    def __init__(self, path: Path, name: str, expected: FileIdentity | None = None) -> None:
        self.path, self.name = path, name
        self._fd: int | None = None
        fd = self._open()
        try:
            self.identity = _identity(fd)
            if expected is not None:
                self._compare(expected, fd)
        except BaseException:
            os.close(fd)
            raise
        self._keep(fd)

    def _open(self) -> int:
        if self.path.exists() and not self.path.is_file():
            raise FileError(self.name, "is no regular file, and only such a file can be read here")
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self.path, flags)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                raise FileError(self.name, "is not there any more") from None
            raise FileError(self.name, f"cannot be opened ({error.strerror or error})") from None

    def _compare(self, expected: FileIdentity, fd: int) -> None:
        now = self.identity
        if expected.sample:
            now = self.identity = replace(now, sample=_sample(fd, now.size))
        difference = expected.difference(now)
        if difference:
            raise FileError(self.name, f"has changed since it was stored: {difference}")

    def _keep(self, fd: int) -> None:
        """Keep the descriptor, unless there are too many; those are opened for each use."""
        if len(_KEPT_DESCRIPTORS) >= MAX_KEPT_DESCRIPTORS:
            os.close(fd)
            return
        self._fd = fd
        _KEPT_DESCRIPTORS.add(fd)
        weakref.finalize(self, _close_kept, fd)

    @contextmanager
    def descriptor(self) -> Iterator[int]:
        """The descriptor of the file, which has not changed since it was opened.

        Raises
        ------
        FileError
            It has; the message says how.
        """
        if self._fd is not None:
            self.check()
            yield self._fd
            return
        fd = self._open()
        try:
            self._refuse_change(_identity(fd))
            yield fd
        finally:
            os.close(fd)

    def check(self) -> None:
        """Refuse a file that has changed since it was opened; what was read before stays right."""
        if self._fd is not None:
            self._refuse_change(_identity(self._fd))

    def _refuse_change(self, now: FileIdentity) -> None:
        difference = self.identity.difference(now)
        if difference:
            raise FileError(
                self.name, f"has changed since it was opened: {difference}; open it again"
            )

    def map(self) -> mmap.mmap:
        """The whole file, mapped for reading."""
        with self.descriptor() as fd:
            return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)

    def stream(self) -> io.BufferedReader:
        """The bytes from the start on."""
        self.check()
        return io.BufferedReader(PinnedStream(self), 1 << 20)

    def sampled_identity(self) -> FileIdentity:
        """The identity with the hash of a sample."""
        if not self.identity.sample:
            with self.descriptor() as fd:
                sample = _sample(fd, self.identity.size)
            self.identity = replace(self.identity, sample=sample)
        return self.identity

    def __getstate__(self) -> dict[str, Any]:
        self.check()
        return {"path": self.path, "name": self.name, "identity": self.sampled_identity()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        PinnedFile.__init__(self, state["path"], state["name"], state["identity"])


class PinnedStream(io.RawIOBase):
    """A pinned file as a stream with a position of its own."""

    def __init__(self, file: PinnedFile) -> None:
        super().__init__()
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.identity.size}
        self._at = max(0, start[whence] + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        with self._file.descriptor() as fd:
            count = read_into(fd, buffer, self._at)
        self._at += count
        return count


def read_into(fd: int, buffer: Any, place: int) -> int:
    """Fill a buffer from a place of a file, whoever else reads it; the number of bytes read."""
    if hasattr(os, "preadv"):
        return os.preadv(fd, [buffer], place)
    with _SEEKING:
        os.lseek(fd, place, os.SEEK_SET)
        data = os.read(fd, memoryview(buffer).nbytes)
    memoryview(buffer).cast("B")[: len(data)] = data
    return len(data)


def sample_places(size: int) -> list[int]:
    """Where the parts of a sample begin: at equal distances, from the first bytes to the last."""
    last = max(0, size - SAMPLE_PART_BYTES)
    return sorted({last * i // (SAMPLE_PARTS - 1) for i in range(SAMPLE_PARTS)})


def pin_mapped_file(array: Any) -> PinnedFile:
    """The file of a whole numpy.memmap.

    Raises
    ------
    FileError
        Another file has taken its name, or the map was changed in memory only.
    """
    name = os.fsdecode(array.filename)
    file = PinnedFile(Path(name), name)
    start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
    mapped = array._mmap
    with file.descriptor() as fd:
        for place in sample_places(len(mapped)):
            part = bytearray(min(SAMPLE_PART_BYTES, len(mapped) - place))
            count = read_into(fd, part, start + place)
            if bytes(part[:count]) != mapped[place : place + len(part)]:
                raise FileError(name, "does not hold what was mapped from it: open it again")
    return file


def _close_kept(fd: int) -> None:
    _KEPT_DESCRIPTORS.discard(fd)
    os.close(fd)


@cache
def _machine() -> str:
    """This machine since it was started: after that devices may have other numbers."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        started = ""
    return f"{platform.node()} {started}"


def _identity(fd: int) -> FileIdentity:
    status = os.fstat(fd)
    return FileIdentity(
        _machine(), status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
    )


def _sample(fd: int, size: int) -> str:
    digest = blake2b(digest_size=16)
    for place in sample_places(size):
        part = bytearray(min(SAMPLE_PART_BYTES, size))
        digest.update(memoryview(part)[: read_into(fd, part, place)])
    return digest.hexdigest()
