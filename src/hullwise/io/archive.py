"""Arrays and a JSON header in one file that is read by memory map and runs nothing.

A zip file, so that any tool can look inside, whose members are stored as they are (not packed): a
header ``header.json`` and one ``NAME.npy`` for each array, its numbers at a multiple of 64 bytes.
Opening maps the file: no large array is read before it is used. Pickles are never read or written.
A hostile or damaged file is refused from its headers alone, before anything is allocated. The
header holds the SHA-256 of every array, which is compared when the file is opened, but for large
arrays that the caller compares when it reads them (`digest_of_array`).
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any, BinaryIO

import numpy as np

from .._core.results import row_numbers
from .._core.types import Array
from ..errors import FileError
from .atomic_write import whole_file
from .paths import readable_path

HEADER_NAME = "header.json"
MAX_HEADER_BYTES = 1 << 26
MAX_MEMBERS = 4096
DIGESTS = "sha256"  # entry of the header: the digest of each array by its name
DIGESTED_BYTES = 1 << 20  # arrays up to this size are always held against their digests at once
ARRAY_ALIGNMENT = 64
STORABLE = frozenset("?bBhHiIlLqQefd")  # type codes of numpy: booleans, integers, floats
LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def write_archive(
    path: str | PathLike[str],
    header: Mapping[str, Any],
    arrays: Mapping[str, Array],
    *,
    force: bool = False,
) -> None:
    """Write a header that JSON takes and arrays of plain numbers; the whole file or none.

    Raises
    ------
    FileError
        The file cannot be written, or exists and `force` is false.
    """
    with whole_file(path, force=force) as stream:
        place = _Position(stream)
        digests = {name: digest_of_array(array) for name, array in arrays.items()}
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            whole = {**header, DIGESTS: digests}
            text = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1)
            _add(archive, place, HEADER_NAME, text.encode("utf-8", "replace"), None)
            for name, array in arrays.items():
                _add(archive, place, f"{name}.npy", _npy_header(array), np.ascontiguousarray(array))


def digest_of_array(array: Array) -> str:
    """SHA-256 of an array's type, shape and numbers, in hexadecimal; about 2 seconds for a GB."""
    sink = hashlib.sha256(_npy_header(array))
    rows = max(1, (1 << 24) // max(1, array[:1].nbytes)) if array.ndim else 1
    for start in range(0, len(array) if array.ndim else 1, rows):
        block = np.ascontiguousarray(array[start : start + rows] if array.ndim else array)
        if block.size:
            sink.update(memoryview(block.reshape(-1)).cast("B"))  # type: ignore[arg-type]
    return sink.hexdigest()


class _Position(io.RawIOBase):
    """A stream that only goes forward and knows how far it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.at = stream, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.stream.write(data)
        size = memoryview(data).nbytes
        self.at += size
        return size

    def tell(self) -> int:
        return self.at

    def flush(self) -> None:
        if not self.stream.closed:
            self.stream.flush()


def _add(
    archive: zipfile.ZipFile, place: _Position, name: str, head: bytes, array: Array | None
) -> None:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    if array is not None:
        # an extra field that fills up to where the array's numbers shall begin
        start = place.tell() + LOCAL_HEADER.size + len(name.encode()) + 20 + 4
        info.extra = struct.pack("<HH", 0x4855, -start % ARRAY_ALIGNMENT) + bytes(
            -start % ARRAY_ALIGNMENT
        )
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(head)
        if array is not None and array.size:
            member.write(memoryview(array.reshape(-1)).cast("B"))  # type: ignore[arg-type]


def _npy_header(array: Array) -> bytes:
    """The header of a .npy file (version 1.0), a multiple of 64 bytes."""
    dtype = array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else array.dtype
    text = repr({"descr": dtype.str, "fortran_order": False, "shape": array.shape})
    size = -(-(len(text) + 11) // ARRAY_ALIGNMENT) * ARRAY_ALIGNMENT
    text = text.ljust(size - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def read_archive(
    path: str | PathLike[str], *, later: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header, and the arrays as read-only memory maps by their names.

    The digests of the arrays stay in the header, as ``header["sha256"]``. Arrays named in `later`
    are not compared with theirs where they are larger than a megabyte: who reads them does.

    Raises
    ------
    FileError
        It cannot be read, is no such file, or is damaged; nothing is allocated before that is
        known.

    Notes
    -----
    O(number of arrays), and their sizes but for those that are compared later.
    """
    name = os.fsdecode(path)
    file = readable_path(path)
    try:
        with file.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            size = file.stat().st_size
            _refuse_members(name, members, size)
            header = _header(name, archive)
            arrays = {
                info.filename.removesuffix(".npy"): _mapped(name, stream, info, size)
                for info in members
                if info.filename != HEADER_NAME
            }
            _compare_digests(name, header, arrays, later)
    except zipfile.BadZipFile as error:
        with file.open("rb") as stream:
            is_archive = stream.read(2) == b"PK"
        if not is_archive:
            raise FileError(
                name,
                "is no file that hullwise keeps, such as a domain: `hullwise fit` makes one of a "
                "table (in Python: Domain().fit(table).save(path))",
            ) from None
        raise FileError(
            name, f"is damaged, or no file of hullwise's ({str(error)[:100]})"
        ) from None
    except (NotImplementedError, RuntimeError) as error:
        raise FileError(
            name, f"is packed in a way that hullwise never does ({str(error)[:100]})"
        ) from None
    except OSError as error:
        raise FileError(name, f"cannot be read ({error.strerror or error})") from None
    except (ValueError, EOFError, OverflowError, struct.error) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            name, f"is damaged, or no file of hullwise's ({str(error)[:100]})"
        ) from None
    return header, arrays


def _refuse_members(name: str, members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MAX_MEMBERS:
        raise FileError(name, f"holds {len(members)} members; at most {MAX_MEMBERS} are read")
    names = [info.filename for info in members]
    if len(set(names)) != len(names) or HEADER_NAME not in names:
        raise FileError(
            name, f"holds no {HEADER_NAME}, or a member twice: it is no file of hullwise's"
        )
    for info in members:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise FileError(name, f"member {info.filename[:60]!r} is packed; hullwise never does")
        if info.header_offset + info.file_size > size:
            raise FileError(name, f"is truncated: member {info.filename[:60]!r} ends behind it")
    if sum(info.file_size for info in members) > size:
        raise FileError(name, "holds members that overlap: it is damaged or made to harm")


def _compare_digests(
    name: str, header: Mapping[str, Any], arrays: Mapping[str, Array], later: Collection[str]
) -> None:
    digests = header.get(DIGESTS)
    if not isinstance(digests, dict) or digests.keys() != arrays.keys():
        raise FileError(name, "holds other arrays than its header says: it is damaged")
    for key, array in arrays.items():
        if key in later and array.nbytes > DIGESTED_BYTES:
            continue
        if digest_of_array(array) != digests[key]:
            raise FileError(name, f"is damaged: array {key[:60]!r} is not as it was written")


def _header(name: str, archive: zipfile.ZipFile) -> dict[str, Any]:
    info = archive.getinfo(HEADER_NAME)
    if info.file_size > MAX_HEADER_BYTES:
        raise FileError(
            name, f"has a header of {info.file_size} bytes; at most {MAX_HEADER_BYTES} are read"
        )
    try:
        header = json.loads(archive.read(info).decode(), parse_constant=_refuse_constant)
        json.dumps(header, ensure_ascii=False).encode()  # halves of characters, which are no text
    except (ValueError, RecursionError) as error:
        raise FileError(name, f"has a header that is no JSON ({str(error)[:80]})") from None
    if not isinstance(header, dict):
        raise FileError(name, "has a header that is no JSON object")
    return header


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _mapped(name: str, stream: BinaryIO, info: zipfile.ZipInfo, size: int) -> Array:
    """One array as a memory map, after its headers were held against its size."""
    member = info.filename[:60]
    stream.seek(info.header_offset)
    local = stream.read(LOCAL_HEADER.size)
    if len(local) < LOCAL_HEADER.size or not local.startswith(b"PK\x03\x04"):
        raise FileError(name, f"is damaged at member {member!r}")
    *_, name_size, extra_size = LOCAL_HEADER.unpack(local)
    start = info.header_offset + LOCAL_HEADER.size + name_size + extra_size
    stream.seek(start)
    head = stream.read(10)
    length = struct.unpack("<H", head[8:10])[0] if len(head) == 10 else 0
    text = stream.read(length)
    if not head.startswith(b"\x93NUMPY\x01\x00") or len(text) < length:
        raise FileError(name, f"member {member!r} is no array")
    dtype, shape = _dtype_and_shape(name, member, text)
    offset = start + 10 + length
    count = 1
    for extent in shape:
        count *= extent
    if 10 + length + count * dtype.itemsize != info.file_size or offset + count > size + 1:
        raise FileError(
            name, f"member {member!r} says {shape} of {dtype} and holds {info.file_size} bytes"
        )
    if not count:
        return np.zeros(shape, dtype)
    return np.memmap(stream, dtype, "r", offset, shape)


def _dtype_and_shape(name: str, member: str, text: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
    try:
        head = ast.literal_eval(text.decode("latin1").strip())
        dtype, shape = np.dtype(str(head["descr"])), tuple(head["shape"])
        is_shape = all(type(extent) is int and 0 <= extent < 1 << 48 for extent in shape)
        if dtype.char not in STORABLE or head["fortran_order"] is not False or not is_shape:
            raise ValueError(f"{head['descr']}, {head['shape']}")
    except (ValueError, KeyError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise FileError(
            name, f"member {member!r} has no header of ours ({str(error)[:100]})"
        ) from None
    return dtype, shape


def pack_texts(texts: Any) -> dict[str, Array]:
    """Texts as two arrays: their bytes one after another, and where each begins."""
    encoded = [str(text).encode("utf-8", "surrogatepass") for text in texts]
    starts = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=starts[1:])
    return {"bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8), "starts": starts}


class PackedTexts:
    """Texts as `pack_texts` packs them, decoded where they are asked for; taken from like an array.

    Raises
    ------
    ValueError
        The two arrays do not fit each other; what is wrong within is a FileError later.
    """

    def __init__(self, packed: Mapping[str, Array]) -> None:
        self.data, self.starts = packed["bytes"], packed["starts"]
        if not len(self.starts) or self.starts[0] != 0 or self.starts[-1] != len(self.data):
            raise ValueError("texts whose places do not fit their bytes")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: Any) -> Any:
        """A text for a number, else an object array of texts."""
        texts = self._decode(row_numbers(rows, len(self)))
        return texts[0] if isinstance(rows, int | np.integer) else texts

    def _decode(self, rows: Array) -> Any:
        first, last = (np.asarray(self.starts[rows + k]) for k in (0, 1))
        if ((first < 0) | (first > last) | (last > len(self.data))).any():
            name = str(getattr(self.data, "filename", "the file"))
            raise FileError(name, "is damaged: its texts are not as they were written")
        texts = np.empty(len(rows), dtype=object)
        for i, (start, stop) in enumerate(zip(first.tolist(), last.tolist())):
            texts[i] = self.data[start:stop].tobytes().decode("utf-8", "surrogatepass")
        return texts

    def __iter__(self) -> Any:
        return iter(self[:])

    def tolist(self) -> list[str]:
        """All of them."""
        return list(self)


def unpack_texts(packed: Mapping[str, Array]) -> Any:
    """(n,) object: the texts that `pack_texts` packed.

    Raises
    ------
    ValueError
        The two arrays do not fit each other.
    """
    data = np.frombuffer(packed["bytes"].tobytes(), dtype=np.uint8)
    return PackedTexts({"bytes": data, "starts": np.asarray(packed["starts"])})[:]
