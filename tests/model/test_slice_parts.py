"""Slices part by part, in memory and in files."""

import itertools
import zipfile

import numpy as np
import pytest

import hullwise as hw
from hullwise.model import _slicing
from networks import every_layer, mlp

SQUARE = np.zeros(2), np.eye(2)


@pytest.fixture
def net():
    return mlp((2, 24, 24, 24, 3))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(_slicing, "WORK_BYTES", 100_000)


@pytest.mark.usefixtures("small_parts")
def test_parts_hold_each_region_once_and_add_up_to_the_slice(net):
    whole, parts = net.slice(*SQUARE), list(net.slice_parts(*SQUARE))
    assert len(parts) > 3
    codes = [code.tobytes() for part in parts for code in part.codes]
    assert len(set(codes)) == len(codes) == whole.n_regions
    assert set(codes) == {code.tobytes() for code in whole.codes}
    areas = {code.tobytes(): area for code, area in zip(whole.codes, whole.areas, strict=True)}
    for part in parts:
        expected = [areas[code.tobytes()] for code in part.codes]
        np.testing.assert_allclose(part.areas, expected, atol=1e-12)
        assert set(part.edge_units[part.edge_layers < 0]) <= {-1}
        middle = part.centroids[0]
        assert part.find(middle)[0] == 0
        A, b = part.affine(0)
        np.testing.assert_allclose(A @ part.points(middle)[0] + b, net(part.points(middle))[0])
    assert sum(part.n_own_vertices for part in parts) == len(whole.vertices)
    assert sum(part.n_own_edges for part in parts) == len(whole.edges)
    whole_length = _length(whole.decision_boundary())
    assert sum(_length(part.decision_boundary()) for part in parts) == pytest.approx(whole_length)
    with pytest.raises(hw.DataError, match="does not know how far"):
        parts[0].decision_distance([0.0, 0.0])
    assert repr(parts[0]).startswith("SlicePart(")


def _length(segments):
    return float(np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum())


@pytest.mark.usefixtures("small_parts")
def test_parts_are_computed_as_they_are_taken_and_anew_each_time(net):
    calls = []
    parts = net.slice_parts(*SQUARE, progress=lambda *call: calls.append(call))
    assert not calls
    first = list(itertools.islice(parts, 2))
    n = len(calls)
    again = list(parts)
    assert len(calls) > n
    assert len(again) > 3
    np.testing.assert_array_equal(again[1].codes, first[1].codes)
    stop = hw.model.StopFlag()
    stop.set()
    with pytest.raises(hw.errors.StoppedError):
        next(iter(net.slice_parts(*SQUARE, stop=stop)))


def test_less_memory_makes_more_parts(net):
    counts = [
        sum(1 for _ in net.slice_parts(*SQUARE, max_memory=size)) for size in ("1 MiB", "1 GB")
    ]
    assert counts[0] > counts[1] == 1


@pytest.mark.usefixtures("small_parts")
def test_a_file_gives_the_same_parts(net, tmp_path):
    path, parts = tmp_path / "slice.zip", net.slice_parts(*SQUARE)
    file = parts.save(path)
    whole = net.slice(*SQUARE)
    assert file.n_regions_per_layer == whole.n_regions_per_layer
    assert (file.n_regions, file.n_vertices, file.n_edges) == (
        *(whole.n_regions, len(whole.vertices), len(whole.edges)),
    )
    computed = list(parts)
    assert len(file) == len(computed)
    for a, b in zip(file, computed, strict=True):
        for name in ("vertices", "outputs", "codes", "areas", "edges", "edge_units", "maps"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    with pytest.raises(hw.errors.FileError, match="exists"):
        parts.save(path)
    parts.save(path, force=True)
    with pytest.raises(hw.errors.FileError, match="another network"):
        hw.model.SliceFile(path, mlp((2, 24, 24, 24, 3), seed=5))
    with pytest.raises(hw.errors.FileError, match="another network"):
        hw.model.SliceFile(path, mlp((2, 24, 24, 3)))
    with pytest.raises(hw.DataError, match="part 99"):
        file[99]


def test_every_kind_of_layer_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_slicing, "WORK_BYTES", 2_000_000)
    net = every_layer()
    a, b, _ = np.random.default_rng(2).normal(size=(3, 36))
    file = net.slice_parts(a, np.vstack([b, a - b]), 0.5).save(tmp_path / "slice.zip")
    s = net.slice(a, np.vstack([b, a - b]), 0.5)
    codes = {code.tobytes() for part in file for code in part.codes}
    assert codes == {code.tobytes() for code in s.codes}


def test_nothing_half_written_is_left(net, tmp_path):
    path = tmp_path / "slice.zip"

    def fail(*call):
        if call[0]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.slice_parts(*SQUARE, progress=fail).save(path)
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_refused(net, tmp_path):
    path = tmp_path / "slice.zip"
    net.slice_parts(*SQUARE).save(path)
    whole = path.read_bytes()
    (tmp_path / "text").write_text("no slice")
    with pytest.raises(hw.errors.FileError, match="no slice"):
        hw.model.SliceFile(tmp_path / "text", net)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(hw.errors.FileError, match="no slice"):
        hw.model.SliceFile(path, net)
    place = whole.index(b"part000000/halves.npy") + 2000
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    with pytest.raises(hw.errors.FileError, match="is damaged"):
        hw.model.SliceFile(path, net)
    changed = tmp_path / "changed.zip"
    (tmp_path / "whole.zip").write_bytes(whole)
    with zipfile.ZipFile(tmp_path / "whole.zip") as old, zipfile.ZipFile(changed, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("halves.npy"):
                data = data[:-4] + b"\xff\xff\xff\x7f"
            if info.filename.endswith("first.npy"):
                data = data[:-4] + b"\xff\xff\xff\x7f"
            new.writestr(info.filename, data)
    with pytest.raises(hw.errors.FileError, match="lead outside"):
        hw.model.SliceFile(changed, net)
