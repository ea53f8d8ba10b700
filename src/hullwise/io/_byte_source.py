"""Bytes of a text file, a pipe or standard input, which can be read more than once."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, NoReturn

from ..errors import FileError
from .paths import display_path, readable_path

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


@dataclass(frozen=True, repr=False)
class ByteSource:
    """One text file: `file` on disk, or `data` where it can be read only once."""

    name: str
    file: Path | None
    data: bytes | None
    gzip: bool

    def stream(self) -> Any:
        """The decompressed bytes from the start, as an Arrow input stream."""
        import pyarrow as pa

        raw = pa.BufferReader(self.data) if self.data is not None else str(self.file)
        return pa.input_stream(raw, compression="gzip" if self.gzip else None)

    def head(self, size: int = 1 << 20) -> bytes:
        """The first decompressed bytes."""
        try:
            with self.stream() as stream:
                return bytes(stream.read(size))
        except OSError as error:
            self.refuse_read(error)

    def size(self) -> int:
        """Bytes of text; for gzip a lower bound."""
        if self.data is not None:
            return len(self.data)
        assert self.file is not None
        size = self.file.stat().st_size
        if not self.gzip or size < 8:
            return size
        with self.file.open("rb") as stream:
            stream.seek(-4, os.SEEK_END)
            return max(size, int.from_bytes(stream.read(4), "little"))

    def records(self, sep: str) -> Iterator[tuple[int, list[str]]]:
        """(line number from 1, cells) of each record, blank lines as empty lists.

        Bytes that are not UTF-8 come as lone surrogates: in a column not asked for they do no harm.
        """
        with (
            self.stream() as stream,
            io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="") as text,
        ):
            reader = csv.reader(text, delimiter=sep)
            line = 1
            try:
                for cells in reader:
                    yield line, cells
                    line = reader.line_num + 1
            except OSError as error:
                self.refuse_read(error)
            except csv.Error as error:
                raise FileError(self.name, f"line {line} cannot be read ({error})") from None

    def refuse_encoding(self) -> NoReturn:
        """Raise, naming the first line that is not UTF-8."""
        with self.stream() as stream:
            for number, line in enumerate(io.BufferedReader(stream), start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = line[error.start]
                    raise FileError(
                        self.name,
                        f"line {number} is not UTF-8 text (byte 0x{byte:02x}), probably Latin-1 "
                        "or Windows-1252; convert it: iconv -f WINDOWS-1252 -t UTF-8",
                    ) from None
        raise FileError(self.name, "is not UTF-8 text")

    def refuse_read(self, error: OSError) -> NoReturn:
        """Raise for bytes that cannot be read or decompressed."""
        if self.gzip:
            what = (
                "ends early: the gzip data is truncated"
                if "runcated" in str(error)
                else (f"the gzip data is damaged ({error})")
            )
            raise FileError(self.name, what) from None
        raise FileError(self.name, f"cannot be read ({error})") from None


def open_byte_source(path: str | PathLike[str]) -> ByteSource:
    """Open a path, a pipe, or standard input for ``-``; refuse what is not text.

    Raises
    ------
    FileError
        Empty, another format, UTF-16, or not there at all.
    """
    name = display_path(path)
    file: Path | None = None
    data: bytes | None = None
    if os.fspath(path) == "-":
        data = sys.stdin.buffer.read()
    else:
        file = readable_path(path)
        if not stat.S_ISREG(file.stat().st_mode):
            # A pipe can be read once only, and a second look may be needed to name a line.
            data = file.read_bytes()
            file = None
    start = data[:8] if data is not None else _first_bytes(file)
    source = ByteSource(name, file, data, gzip=start.startswith(b"\x1f\x8b"))
    head = source.head()
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
    return source


def _first_bytes(file: Path | None) -> bytes:
    assert file is not None
    with file.open("rb") as stream:
        return stream.read(8)
