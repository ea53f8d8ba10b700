"""The parts of a slice in a file, read one at a time; the network is not in it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from os import PathLike
from typing import Any

import numpy as np

from .. import __version__
from .._core.types import Array, Floats
from ..errors import FileError
from ..io.atomic_write import whole_file
from ..io.paths import readable_path
from ._arguments import check_index, check_network
from ._packed_codes import PackedCodes, fit_in_bits
from .network import Network
from .planar_complex import Complex
from .slice_parts import SlicePart, SliceParts

SLICE_FORMAT = 1
KIND_OF_SLICE = "slice in parts"
SLICE_HEADER = "slice.json"
COMPARED_CORNERS = 100  # of the first part, at which the network has to give what the file says
DIFFERENT_OUTPUTS = 1e-6  # of the largest output: one rounded otherwise is the same network still


class SliceFile:
    """A slice that `SliceParts.save` wrote; a sequence of `SlicePart`, read when they are taken.

    Parameters
    ----------
    path : str or path
    net : Network
        The network that was cut.

    Attributes
    ----------
    n_regions, n_vertices, n_edges : int
        Of all parts; V - E + n_regions = 1.
    n_regions_per_layer : list of int

    Raises
    ------
    FileError
        If it cannot be read, is no such file or is damaged, or the slice is of another network.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import hullwise as hw
    >>> net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "slice.zip")
    ...     net.slice_parts([0, 0], np.eye(2)).save(path)
    ...     float(sum(part.areas.sum() for part in hw.model.SliceFile(path, net)))
    SliceFile(6 regions in 1 part, 9 vertices, 14 edges)
    4.0
    """

    def __init__(self, path: str | PathLike[str], net: Network) -> None:
        self.net = check_network(net, "SliceFile")
        self._name, self._path = os.fsdecode(path), readable_path(path)
        with self._opened() as archive:
            header = self._header(archive)
        try:
            self.n_regions_per_layer = [int(n) for n in header["n_regions_per_layer"]]
            self.n_regions, self.n_vertices = int(header["n_regions"]), int(header["n_vertices"])
            self.n_edges, self._n_parts = int(header["n_edges"]), int(header["n_parts"])
            sizes = [header["n_inputs"], header["n_units"], header["n_outputs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(error) from None
        if sizes != [net.n_inputs, [layer.n_units for layer in net.layers], net.n_outputs]:
            raise FileError(self._name, f"is a slice of another network than {net!r}")
        if self._n_parts:
            self._compare(self[0])

    def __len__(self) -> int:
        return self._n_parts

    def __getitem__(self, index: int) -> SlicePart:
        index = check_index("part", index, len(self))
        with self._opened() as archive:
            return self._part(archive, index)

    def __iter__(self) -> Iterator[SlicePart]:
        for i in range(len(self)):
            yield self[i]

    def __repr__(self) -> str:
        parts = f"{len(self):,} part{'' if len(self) == 1 else 's'}"
        return (
            f"SliceFile({self.n_regions:,} region{'' if self.n_regions == 1 else 's'} in {parts}, "
            f"{self.n_vertices:,} vertices, {self.n_edges:,} edges)"
        )

    def _opened(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._path)
        except zipfile.BadZipFile:
            raise FileError(self._name, "is no slice: SliceParts.save writes one") from None
        except OSError as error:
            raise FileError(self._name, f"cannot be read ({error.strerror or error})") from None

    def _header(self, archive: zipfile.ZipFile) -> dict[str, Any]:
        try:
            header = json.loads(archive.read(SLICE_HEADER))
        except KeyError:
            raise FileError(self._name, "is no slice: SliceParts.save writes one") from None
        except (ValueError, RecursionError, zipfile.BadZipFile, OSError) as error:
            raise self._damaged(error) from None
        if not isinstance(header, dict) or header.get("kind") != KIND_OF_SLICE:
            raise FileError(self._name, "is no slice: SliceParts.save writes one")
        if header.get("format") != SLICE_FORMAT:
            raise FileError(
                self._name,
                f"has the format {header.get('format')!r}, and this is hullwise {__version__}, "
                f"which reads format {SLICE_FORMAT}: read it with the version that wrote it "
                f"({str(header.get('made_by', 'unknown'))[:80]})",
            )
        return header

    def _part(self, archive: zipfile.ZipFile, index: int) -> SlicePart:
        def array(name: str) -> Array:
            info = archive.getinfo(name)
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{name} is packed")
            return np.asarray(np.load(io.BytesIO(archive.read(info)), allow_pickle=False))

        folder = f"part{index:06d}"
        try:
            origin, axes, ends = array("origin.npy"), array("axes.npy"), array("rectangle.npy")
            names = "vertices", "halves", "first", "outputs", "output_errors", "own"
            xy, halves, first, outputs, errors, own = (array(f"{folder}/{n}.npy") for n in names)
            levels = []
            for i, layer in enumerate(self.net.layers):
                packed = array(f"{folder}/codes{i}.npy")
                root = array(f"{folder}/roots{i}.npy")
                in_bits = fit_in_bits(self.net.nodes[layer.node].op)  # type: ignore[arg-type]
                if packed.shape[1] != (-(-layer.n_units // 8) if in_bits else layer.n_units):
                    raise ValueError("codes that do not fit the network")
                numbers = np.arange(len(root), dtype=np.int32)
                levels.append(PackedCodes(packed, layer.n_units, in_bits, root, numbers))
            complex_ = Complex(xy, halves, first)
            _check_structure(complex_, outputs, levels)
            return SlicePart(
                *(self.net, origin, axes, ends[0], ends[1], complex_, tuple(levels), outputs),
                *(errors, False, int(own[0]), int(own[1])),
            )
        except (KeyError, ValueError, IndexError, TypeError, MemoryError, EOFError) as error:
            raise self._damaged(error) from None
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise self._damaged(error) from None

    def _compare(self, part: SlicePart) -> None:
        rows = slice(0, COMPARED_CORNERS)
        outputs = self.net(part.points(part.vertices[rows]))
        scale = max(float(np.abs(outputs).max(initial=0.0)), np.finfo(float).tiny)
        if not float(np.abs(outputs - part.outputs[rows]).max()) <= DIFFERENT_OUTPUTS * scale:
            raise FileError(self._name, f"is a slice of another network than {self.net!r}")

    def _damaged(self, error: Exception) -> FileError:
        return FileError(self._name, f"is damaged ({str(error)[:100]})")


def save_parts(parts: SliceParts, path: str | PathLike[str], *, force: bool) -> SliceFile:
    """Write all parts; see `SliceParts.save`."""
    net = parts.net
    totals = dict.fromkeys(("n_regions", "n_vertices", "n_edges", "n_parts"), 0)
    with (
        whole_file(path, force=force) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        cutter, computed = parts.with_cutter()
        for part in computed:
            if not totals["n_parts"]:
                _add_array(archive, "origin", part.origin)
                _add_array(archive, "axes", part.axes)
                _add_array(archive, "rectangle", np.array([part.low, part.high]))
            _add_part(archive, f"part{totals['n_parts']:06d}", part)
            totals["n_parts"] += 1
            totals["n_regions"] += part.n_regions
            totals["n_vertices"] += part.n_own_vertices
            totals["n_edges"] += part.n_own_edges
        header = {
            "kind": KIND_OF_SLICE,
            "format": SLICE_FORMAT,
            "made_by": f"hullwise {__version__}",
            "network": net.source,
            "n_inputs": net.n_inputs,
            "n_units": [layer.n_units for layer in net.layers],
            "n_outputs": net.n_outputs,
            "n_regions_per_layer": cutter.n_regions,
            **totals,
        }
        archive.writestr(SLICE_HEADER, json.dumps(header, indent=1))
    return SliceFile(path, net)


def _add_part(archive: zipfile.ZipFile, folder: str, part: SlicePart) -> None:
    arrays: dict[str, Array] = {
        "vertices": part.vertices,
        "halves": part.complex.halves,
        "first": part.complex.first,
        "outputs": part.outputs,
        "output_errors": part.output_errors,
        "own": np.array([part.n_own_vertices, part.n_own_edges]),
    }
    for i, level in enumerate(part.layer_codes):
        arrays |= {f"codes{i}": level.packed, f"roots{i}": level.root}
    for name, array in arrays.items():
        _add_array(archive, f"{folder}/{name}", array)


def _add_array(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _check_structure(cells: Complex, outputs: Floats, levels: list[PackedCodes]) -> None:
    """Refuse numbers that would lead outside the arrays.

    Raises
    ------
    ValueError
        Where there are some.
    """
    V, H, F = len(cells.xy), cells.halves.shape[1], len(cells.first)
    if cells.halves.shape[0] != 5 or cells.xy.shape[1:] != (2,) or len(outputs) != V:
        raise ValueError("arrays of shapes that do not fit together")
    limits = ((cells.start, 0, V), (cells.after, -1, H), (cells.twin, 0, H), (cells.face, -1, F))
    before = 1
    roots: list[tuple[Any, int, int]] = [*limits, (cells.first, 0, H)]
    for level in levels:
        roots.append((level.root, 0, before))
        before = len(level)
        if len(level.packed) != before:
            raise ValueError("codes that do not fit their regions")
    if levels and before != F:
        raise ValueError("codes that are not those of the regions")
    for numbers, low, end in roots:
        if numbers.dtype != np.int32 or (len(numbers) and not _within(numbers, low, end)):
            raise ValueError("numbers that lead outside the arrays")


def _within(numbers: Any, low: int, end: int) -> bool:
    return bool(numbers.min() >= low and numbers.max() < end)
