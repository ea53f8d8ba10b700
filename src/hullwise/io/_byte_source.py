"""Bytes of a text file, a pipe or standard input, which can be read more than once.

How much a compressed or endless source would need is counted while it is read: a file of a few
kilobytes may hold gigabytes.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any, BinaryIO, Final, NoReturn

from .._core.memory import available_memory, check_memory, size_text
from ..errors import FileError
from ._pinned_file import PinnedFile
from .paths import display_path, readable_path
from .remote_files import is_store_url, read_store_file

# What a file begins with tells more than what it is called.
FILE_SIGNATURES: Final = {
    b"PAR1": "is a Parquet file; name it .parquet",
    b"\x93NUMPY": "is a NumPy file; name it .npy",
    b"PK\x03\x04": "is a zip archive or an Excel workbook; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the table as CSV",
    b"BZh": "is compressed with bzip2; decompress it, or use gzip",
    b"\xfd7zXZ": "is compressed with xz; decompress it, or use gzip",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; decompress it, or use gzip",
    b"\xff\xfe": "is UTF-16 text, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is UTF-16 text, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8",
}
GZIP_SIGNATURE: Final = b"\x1f\x8b"
HEAD_BYTES: Final = 1 << 20
PIPE_CHUNK_BYTES: Final = 1 << 20
# A line of a million cells is shorter.
MAX_LINE_CHARACTERS: Final = 1 << 26


class CountedStream(io.RawIOBase):
    """A stream that is read no further than a table of its lines fits in memory.

    `line_bytes` is what one line needs there, `byte_bytes` what one byte of text does.
    """

    def __init__(self, stream: Any, raw: Any, name: str, line_bytes: int, byte_bytes: int) -> None:
        super().__init__()
        self._stream, self._raw, self._name = stream, raw, name
        self._line_bytes, self._byte_bytes = line_bytes, byte_bytes
        self._bytes, self._lines = 0, 0
        self._free = available_memory()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Not read: pyarrow never gives back what it allocates for a read that fails.
        size = int(self._stream.readinto(buffer))
        self._count(bytes(memoryview(buffer)[:size]))
        return size

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; pyarrow asks so, and would copy once more otherwise."""
        if size < 0:
            return self.readall()
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self.readinto(buffer)])

    def _count(self, data: bytes) -> None:
        self._bytes += len(data)
        self._lines += max(data.count(b"\n"), data.count(b"\r"))
        need = self._lines * self._line_bytes + self._bytes * self._byte_bytes
        if self._free is not None and need > self._free:
            check_memory(need, f"{self._name}: its first {size_text(self._bytes)} as a table")

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()


@dataclass(frozen=True, repr=False)
class ByteSource:
    """One text file: `file` on disk, or `data` where it can be read only once."""

    name: str
    file: PinnedFile | None
    data: bytes | None
    gzip: bool

    def stream(self, line_bytes: int = 0, byte_bytes: int = 0) -> CountedStream:
        """The decompressed bytes from the start; see `CountedStream`."""
        import pyarrow as pa

        file = self.file
        raw: Any = io.BytesIO(self.data or b"") if file is None else file.stream()
        text = raw
        if self.gzip:
            text = pa.input_stream(pa.PythonFile(raw, mode="r"), compression="gzip")
        return CountedStream(text, raw, self.name, line_bytes, byte_bytes)

    def check(self) -> None:
        """Refuse a file that has changed since it was opened."""
        if self.file is not None:
            self.file.check()

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """The first decompressed bytes."""
        try:
            with self.stream() as stream:
                return stream.read(size)
        except OSError as error:
            self.refuse_read(error)

    def size(self) -> int:
        """Bytes of text; for gzip a lower bound."""
        if self.file is None:
            return len(self.data or b"")
        size = self.file.identity.size
        if not self.gzip or size < 8:
            return size
        with self.file.stream() as stream:
            stream.seek(-4, os.SEEK_END)
            return max(size, int.from_bytes(stream.read(4), "little"))

    def records(self, sep: str) -> Iterator[tuple[int, list[str]]]:
        """(line number from 1, cells) of each record, blank lines as empty lists.

        Bytes that are not UTF-8 come as lone surrogates: in a column not asked for they do no harm.
        """
        with (
            self.stream() as stream,
            io.TextIOWrapper(
                io.BufferedReader(stream, HEAD_BYTES), "utf-8-sig", "surrogateescape", newline=""
            ) as text,
        ):
            reader = csv.reader(self._lines(text), delimiter=sep)
            line = 1
            try:
                for cells in reader:
                    yield line, cells
                    line = reader.line_num + 1
            except OSError as error:
                self.refuse_read(error)
            except csv.Error as error:
                raise FileError(self.name, f"line {line} cannot be read ({error})") from None

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 0
        while line := text.readline(MAX_LINE_CHARACTERS):
            number += 1
            if len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
                raise FileError(
                    self.name,
                    f"line {number} is longer than {MAX_LINE_CHARACTERS} characters: a table has "
                    "one line for each row",
                )
            yield line

    def refuse_encoding(self) -> NoReturn:
        """Raise, naming the first line that is not UTF-8."""
        with self.stream() as stream:
            buffered = io.BufferedReader(stream, HEAD_BYTES)
            number = 1
            while line := buffered.readline(MAX_LINE_CHARACTERS):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = line[error.start]
                    raise FileError(
                        self.name,
                        f"line {number} is not UTF-8 text (byte 0x{byte:02x}), probably Latin-1 "
                        "or Windows-1252; convert it: iconv -f WINDOWS-1252 -t UTF-8",
                    ) from None
                number += line.endswith(b"\n")
        raise FileError(self.name, "is not UTF-8 text")

    def refuse_read(self, error: OSError) -> NoReturn:
        """Raise for bytes that cannot be read or decompressed."""
        if self.gzip:
            what = (
                "ends early: the gzip data is truncated"
                if "runcated" in str(error)
                else f"the gzip data is damaged ({error})"
            )
            raise FileError(self.name, what) from None
        raise FileError(self.name, f"cannot be read ({error})") from None


def open_byte_source(path: str | PathLike[str]) -> ByteSource:
    """Open a path, a pipe, or standard input for ``-``; refuse what is not text.

    Raises
    ------
    FileError
        Empty, another format, UTF-16, or not there at all.
    MemoryLimitError
        A pipe that does not end before memory does.
    """
    name = display_path(path)
    file: PinnedFile | None = None
    data: bytes | None = None
    if os.fsdecode(path) == "-":
        if sys.stdin is None:
            raise FileError(name, "is closed")
        data = _read_pipe(sys.stdin.buffer, name)
    elif is_store_url(path):
        data = read_store_file(path)
    else:
        target = readable_path(path)
        if stat.S_ISREG(target.stat().st_mode):
            file = PinnedFile(target.absolute(), name)
        else:
            # A pipe can be read once only, and a second look may be needed to name a line.
            try:
                with target.open("rb") as stream:
                    data = _read_pipe(stream, name)
            except OSError as error:
                raise FileError(name, f"cannot be read ({error.strerror or error})") from None
    start = data[:8] if data is not None else _first_bytes(file)
    source = ByteSource(name, file, data, gzip=start.startswith(GZIP_SIGNATURE))
    refuse_foreign(source.head(), name)
    return source


def refuse_foreign(head: bytes, name: str) -> None:
    """Refuse what begins like another kind of file."""
    for magic, sentence in FILE_SIGNATURES.items():
        if head.startswith(magic):
            raise FileError(name, sentence)
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise FileError(name, "the file is empty")
    if b"\0" in head[:4096]:
        raise FileError(
            name,
            "holds zero bytes: UTF-16 without a mark, or no text at all; convert it to UTF-8, "
            "for example: iconv -f UTF-16LE -t UTF-8",
        )


def _read_pipe(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a pipe, unless it does not end or begins like no text."""
    parts = [stream.read(PIPE_CHUNK_BYTES)]
    if parts[0] and not parts[0].startswith(GZIP_SIGNATURE):
        refuse_foreign(parts[0], name)
    size = len(parts[0])
    while part := stream.read(PIPE_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size % (1 << 28) < PIPE_CHUNK_BYTES:
            check_memory(size, f"{name}: its first {size_text(size)}, twice")  # joined below
    return b"".join(parts)


def _first_bytes(file: PinnedFile | None) -> bytes:
    assert file is not None
    with file.stream() as stream:
        return stream.read(8)
