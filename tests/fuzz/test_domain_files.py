"""Damaged and hostile files of domains and proofs: refused in our words, or the same answers.

Damage: bytes are changed; the file is then refused, or holds what it held. Hostility: a file that
is whole in form, with digests of its own, whose header or arrays hold anything; no answer of it can
be right or wrong, but none may end in a foreign error, or take memory that the file does not have.
"""

from __future__ import annotations

import json
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

import hullwise as hw
from domain.test_domain import people
from fuzz.damage import damage, inputs
from hullwise.errors import HullwiseError
from hullwise.io.archive import digest_of_array, read_archive, write_archive

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")

MOST_BYTES = 200_000_000  # of Python's and numpy's memory
TOKENS = [b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"\x93NUMPY", b"null", b"NaN", b"[" * 300]
HOSTILE_VALUES = [
    *(None, True, -1, 0, 1.5, 10**30, -(10**18), 1e308, "", "x" * 500, "\ud800", [], {}, [[]]),
    *({"role": "category"}, [None] * 50, [-1] * 4, [True] * 4, {"name": 5}, ["a", "a"]),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def domain(folder):
    table = people(80, gaps=0.15).assign(site="north", patient=np.arange(80) // 2)
    domain = hw.Domain(periodic={"hour": 24}, log=["pay"], groups="patient", reference=30).fit(
        table
    )
    loc = domain.locate(asked())
    loc.save_proofs(folder / "where.npz")
    domain.save(folder / "seen.hull")
    domain.save(folder / "rules.hull", keep="half-spaces")
    return hw.load(folder / "seen.hull")


def asked():
    rows = people(6, seed=3, gaps=0.2).assign(site="north", patient=99)
    rows.loc[2, "job"] = "pilot"
    return rows


def answers(domain):
    loc = domain.locate(asked())
    return loc.to_dict()


def claims(proofs):
    """Everything that proofs say."""
    parts = [
        (part.rows, part.used, part.hull.lower, part.hull.upper, part.hull.verdict, part.bands.band)
        for part in proofs.parts
    ]
    return [proofs.verdict, proofs.band, proofs.unseen, *(a for part in parts for a in part)]


def used(path, domain):
    """What a file gives: answers, or claims that hold; None where it is refused."""
    tracemalloc.start()
    try:
        if path.suffix == ".hull":
            return answers(hw.load(path))
        proofs = hw.load_proofs(path)
        holds = domain.verify(proofs)
        return claims(proofs) if holds.all() else None
    except HullwiseError as error:
        text = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_BYTES, peak
    assert "\n" not in text
    assert len(text) < 1500
    return None


def same(one, other):
    if isinstance(one, dict):
        return json.dumps(one, default=str) == json.dumps(other, default=str)
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", ["seen.hull", "where.npz", "rules.hull"])
def test_damaged_files(domain, folder, tmp_path, name, pytestconfig):
    """Bytes changed anywhere: refused, or what it held."""
    content = (folder / name).read_bytes()
    honest = used(folder / name, domain)
    assert honest is not None
    path = tmp_path / name
    n_refused = 0
    for number, rng in inputs(pytestconfig, 1):
        path.write_bytes(damage(content, rng, TOKENS))
        result = used(path, domain)
        n_refused += result is None
        assert result is None or same(result, honest), number
    assert n_refused > number / 2


@pytest.mark.parametrize("name", ["seen.hull", "where.npz", "rules.hull"])
def test_every_byte_of_the_arrays_counts(domain, folder, tmp_path, name):
    """One bit of one number: refused when the file is opened."""
    content = (folder / name).read_bytes()
    read = hw.load_proofs if name == "where.npz" else hw.load
    rng = np.random.default_rng(0)
    _, arrays = read_archive(folder / name)
    for array in arrays.values():
        if not array.nbytes:
            continue
        changed = bytearray(content)
        changed[array.offset + int(rng.integers(array.nbytes))] ^= 1 << int(rng.integers(8))
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(HullwiseError, match="is damaged: array"):
            read(tmp_path / name)


def hostile_header(header, rng):
    """A header in which one value is another."""
    header = json.loads(json.dumps(header))
    places = [(header, key) for key in header if key != "sha256"]
    for holder, key in places:
        value = holder[key]
        if isinstance(value, dict):
            places += [(value, inner) for inner in value]
        elif isinstance(value, list):
            places += [(value, i) for i in range(len(value))]
    holder, key = places[int(rng.integers(len(places)))]
    kind = int(rng.integers(4))
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder *= 3
    else:
        holder[key] = HOSTILE_VALUES[int(rng.integers(len(HOSTILE_VALUES)))]
    return header


def hostile_arrays(arrays, rng):
    """Arrays of which one is another: its values, type, shape, or its absence."""
    arrays = {name: np.array(array) for name, array in arrays.items()}
    name = list(arrays)[int(rng.integers(len(arrays)))]
    array, kind = arrays[name], int(rng.integers(7))
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(["?", "<f4", "<i8", "<u2", "<f8"][int(rng.integers(5))])
    elif kind == 2:
        arrays[name] = array[: len(array) // 2] if array.ndim else array[None]
    elif kind == 3:
        arrays[name] = np.concatenate([array, array]) if array.ndim else array[None]
    elif kind == 4:
        arrays[name] = array.reshape(-1, *([1] * int(rng.integers(3))))
    elif array.size:
        values = [np.nan, np.inf, -np.inf, -1, 0, 2**40, 1e308, 5e-324]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            flat = array.reshape(-1)
            flat[int(rng.integers(array.size))] = np.array(
                values[int(rng.integers(len(values)))]
            ).astype(array.dtype)
    return arrays


@pytest.mark.parametrize("name", ["seen.hull", "where.npz", "rules.hull"])
def test_hostile_files(domain, folder, tmp_path, name, pytestconfig):
    """Whole in form, digests and all: no foreign error, at opening or at use."""
    header, arrays = read_archive(folder / name)
    path = tmp_path / name
    for number, rng in inputs(pytestconfig, 2):
        changed = hostile_header(header, rng) if number % 2 else header
        others = arrays if number % 2 else hostile_arrays(arrays, rng)
        write_archive(path, changed, others, force=True)
        used(path, domain)


def zipped(path, header, members):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(header))
        for name, content in members:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(name, content)


def npy(shape, data):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


@pytest.mark.parametrize(
    ("shape", "data"),
    [((1 << 40, 4), bytes(64)), ((1 << 47, 1 << 47), bytes(64)), ((0, 1 << 47), b"")],
)
def test_shapes_that_the_file_does_not_have(domain, folder, tmp_path, shape, data):
    header, _ = read_archive(folder / "seen.hull")
    zipped(tmp_path / "huge.hull", header, [("values.npy", npy(shape, data))])
    assert used(tmp_path / "huge.hull", domain) is None


def test_members_twice(domain, folder, tmp_path):
    header, arrays = read_archive(folder / "seen.hull")
    member = npy(arrays["values"].shape, arrays["values"].tobytes())
    zipped(tmp_path / "twice.hull", header, [("values.npy", member), ("values.npy", member)])
    with pytest.raises(HullwiseError, match="a member twice"):
        hw.load(tmp_path / "twice.hull")


def test_levels_that_no_memory_holds(domain, folder, tmp_path):
    """Two hundred thousand levels in a file of one row: their vertices would take 320 GB."""
    n = 200_000
    column = {
        "role": "category",
        "name": "job",
        "source": "job",
        "reason": "",
        "levels": list(map(str, range(n))),
        "counts": [1] * n,
        "kind": "text",
        "gap_is_level": False,
    }
    header, _ = read_archive(folder / "seen.hull")
    header |= {
        "columns": [column],
        "patterns": [],
        "training_table": {"rows": 1, "sha256": ""},
        "blocks": None,
    }
    write_archive(tmp_path / "wide.hull", header, {"values": np.zeros((1, n - 1))})
    with pytest.raises(HullwiseError, match="200000 levels in a column"):
        hw.load(tmp_path / "wide.hull")


def test_rows_that_were_changed_are_never_used(tmp_path):
    """A file whose rows are larger than what is compared at once is refused at its first use."""
    table = np.random.default_rng(0).normal(size=(40_000, 4))
    hw.Domain(reference=20).fit(table).save(tmp_path / "large.hull")
    _, arrays = read_archive(tmp_path / "large.hull")
    content = bytearray((tmp_path / "large.hull").read_bytes())
    content[arrays["values"].offset + 700_003] ^= 4
    (tmp_path / "large.hull").write_bytes(content)
    domain = hw.load(tmp_path / "large.hull")
    with pytest.raises(HullwiseError, match="its training rows are not as they were written"):
        domain.locate(table[:1])


@pytest.mark.parametrize(("name", "read"), [("seen.hull", hw.load), ("where.npz", hw.load_proofs)])
@pytest.mark.parametrize("number", [0, 2, "1", None, True])
def test_other_formats_are_said(domain, folder, tmp_path, name, read, number):
    header, arrays = read_archive(folder / name)
    write_archive(tmp_path / name, {**header, "format": number, "made_by": "hullwise 9"}, arrays)
    with pytest.raises(HullwiseError, match=r"read it with the version that wrote it \(hullwise 9"):
        read(tmp_path / name)


def test_what_a_file_says_of_itself(folder, domain):
    header, arrays = read_archive(folder / "seen.hull")
    assert header["made_by"] == f"hullwise {hw.__version__}"
    assert [column["name"] for column in header["columns"]] == ["age", "pay", "job", "hour", "site"]
    assert header["training_table"]["rows"] == 80
    assert len(header["training_table"]["sha256"]) == 64
    assert header["random_state"] == 0
    assert set(header["units"]) == {"age", "pay"}
    assert header["sha256"]["values"] == digest_of_array(arrays["values"])
