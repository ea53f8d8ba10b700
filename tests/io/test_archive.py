"""Archives of arrays: what goes in comes out, by memory map; what is hostile is refused early."""

import json
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from hullwise.errors import FileError
from hullwise.io.archive import (
    PackedTexts,
    digest_of_array,
    pack_texts,
    read_archive,
    unpack_texts,
    write_archive,
)

RNG = np.random.default_rng(0)
ARRAYS = {
    "values": RNG.normal(size=(7, 3)),
    "short": RNG.normal(size=5).astype(np.float32),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 4)),
    "whole": np.arange(6).reshape(2, 3).T,
    "scalar": np.array(3.5),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "seen.hull"
    write_archive(path, {"format": 1, "names": ["é", "b"]}, ARRAYS)
    return path


def test_what_goes_in_comes_out(path):
    header, arrays = read_archive(path)
    digests = {name: digest_of_array(array) for name, array in ARRAYS.items()}
    assert header == {"format": 1, "names": ["é", "b"], "sha256": digests}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape


def test_arrays_are_mapped_aligned_and_read_only(path):
    _, arrays = read_archive(path)
    assert isinstance(arrays["values"], np.memmap)
    assert arrays["values"].offset % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        arrays["values"][0, 0] = 1


def test_any_zip_tool_reads_it(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        with archive.open("values.npy") as member:
            np.testing.assert_array_equal(np.load(member), ARRAYS["values"])


def test_the_same_content_is_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.hull"
    write_archive(again, {"format": 1, "names": ["é", "b"]}, ARRAYS)
    assert again.read_bytes() == path.read_bytes()


def test_never_over_another_file_unasked(path):
    with pytest.raises(FileError, match="exists"):
        write_archive(path, {}, {})
    write_archive(path, {}, {}, force=True)
    assert read_archive(path) == ({"sha256": {}}, {})


def test_texts():
    texts = np.array(["", "a", "é😀", "line\nbreak"], dtype=object)
    np.testing.assert_array_equal(unpack_texts(pack_texts(texts)), texts)
    with pytest.raises(ValueError, match="places"):
        unpack_texts({"bytes": np.zeros(2, np.uint8), "starts": np.array([0, 5])})


def test_texts_are_taken_from_like_an_array():
    texts = np.array(["", "a", "é😀", "line\nbreak"], dtype=object)
    packed = PackedTexts(pack_texts(texts))
    assert len(packed) == 4
    assert packed[2] == packed[-2] == "é😀"
    for rows in (slice(1, None), [3, 0], np.array([1, 2]), texts == "a"):
        np.testing.assert_array_equal(packed[rows], texts[rows])
    assert packed.tolist() == list(packed) == texts.tolist()
    assert pack_texts(packed)["starts"].tolist() == packed.starts.tolist()
    with pytest.raises(IndexError):
        packed[4]
    with pytest.raises(FileError, match="damaged"):
        PackedTexts({"bytes": np.zeros(3, np.uint8), "starts": np.array([0, 9, 3])})[0]


def npy(descr="'<f8'", shape="(7, 3)", data=bytes(168)):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    text = text.ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (npy(), None),
        (npy(shape="(9999999999, 9999)"), "says"),
        (npy(shape="(-1, 3)"), "no header of ours"),
        (npy(shape="(7, 3.0)"), "no header of ours"),
        (npy(shape="(True, 21)"), "no header of ours"),
        (npy("'|O'"), "no header of ours"),
        (npy("'<U40'"), "no header of ours"),
        (npy("[('a', '<f8')]"), "no header of ours"),
        (npy("__import__('os')"), "no header of ours"),
        (npy(data=bytes(160)), "says"),
        (b"", "is no array"),
        (b"\x93NUMPY\x01\x00\xff\xff", "is no array"),
        (npy("(" * 5000), "no header of ours"),
    ],
)
def test_arrays_that_are_none_are_refused(tmp_path, member, says):
    path = tmp_path / "hostile.hull"
    with zipfile.ZipFile(path, "w") as archive:
        digest = digest_of_array(np.zeros((7, 3)))
        archive.writestr("header.json", json.dumps({"sha256": {"values": digest}}))
        archive.writestr("values.npy", member)
    if says is None:
        read_archive(path)
        return
    with pytest.raises(FileError, match=says):
        read_archive(path)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({}, "no header.json"),
        ({"header.json": "nonsense"}, "no JSON"),
        ({"header.json": "[1]"}, "no JSON object"),
        ({"header.json": "[" * 100_000}, "no JSON"),
        ({"header.json": "{}", **{f"a{i}.npy": npy() for i in range(5000)}}, "5001 members"),
    ],
)
def test_members_that_are_none_of_ours_are_refused(tmp_path, members, says):
    path = tmp_path / "hostile.hull"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileError, match=says):
        read_archive(path)


def test_packed_members_are_refused(tmp_path):
    path = tmp_path / "bomb.hull"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("values.npy", npy(shape="(10000000,)", data=bytes(80_000_000)))
    assert path.stat().st_size < 200_000
    with pytest.raises(FileError, match="packed"):
        read_archive(path)


def test_damage_anywhere_is_an_own_error_or_harmless(path, tmp_path):
    """One byte changed, and the end cut off: never a foreign error."""
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for step in range(600):
        changed = bytearray(content)
        if step % 3:
            changed[int(rng.integers(len(content)))] = int(rng.integers(256))
        else:
            del changed[int(rng.integers(len(content))) :]
        damaged = tmp_path / "damaged.hull"
        damaged.write_bytes(bytes(changed))
        with suppress(FileError):
            for array in read_archive(damaged)[1].values():
                assert array.nbytes <= len(content)
