"""The file of proofs: arrays and JSON in a zip, as `numpy.load` reads it too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .. import __version__
from .._core.types import Array, Floats, Indices, Objects
from ..errors import FileError, HullwiseError
from ..io.archive import pack_texts, read_archive, unpack_texts, write_archive
from ..table.stored_columns import stored_columns
from ._band_checker import CLAIMED_BANDS, BandClaims
from ._checked_cells import NO_CELL, TableCells
from ._checked_rows import CheckedColumns
from ._proof_checker import HullClaims
from .proofs import PartProofs, Proofs

PROOFS_FORMAT = 1
KIND_OF_PROOFS = "proofs of where rows stand"


def write_proofs(proofs: Proofs, path: str | PathLike[str], *, force: bool) -> None:
    """Write proofs; see `DomainLocation.save_proofs`."""
    names = [column["name"] for column in proofs.columns]
    is_rounded = CheckedColumns(proofs.columns).is_rounded
    arrays: dict[str, Array] = {
        "cells.numbers": proofs.cells.numbers,
        "cells.codes": proofs.cells.codes,
        "cells.rounded": proofs.rounded[:, is_rounded],
        "unseen": proofs.unseen,
        "unusable": proofs.unusable,
        "verdict": proofs.verdict,
        "band": proofs.band,
    }
    if proofs.labels is not None:
        arrays |= {f"labels.{name}": part for name, part in pack_texts(proofs.labels).items()}
    for number, part in enumerate(proofs.parts):
        arrays |= {f"part{number}.{name}": a for name, a in _part_arrays(part).items()}
    header = {
        "kind": KIND_OF_PROOFS,
        "format": PROOFS_FORMAT,
        "made_by": f"hullwise {__version__}",
        "training_table": dict(proofs.training),
        "columns": list(proofs.columns),
        "transformed": proofs.transformed,
        "labels_of_cells": [list(labels) for labels in proofs.cells.labels],
        "bands": list(CLAIMED_BANDS),
        "parts": [
            {
                "columns": [name for name, used in zip(names, part.used, strict=True) if used],
                "tolerance": part.hull.tolerance,
                "negligible": part.bands.negligible,
                "segment": part.segment,
            }
            for part in proofs.parts
        ],
    }
    write_archive(path, header, arrays, force=force)


def _part_arrays(part: PartProofs) -> dict[str, Array]:
    hull, bands = part.hull, part.bands
    metric = {"root": hull.root} if hull.factor is None else {"factor": hull.factor}
    return {
        "rows": part.rows.astype(np.int64),
        **metric,
        "lower": hull.lower,
        "upper": hull.upper,
        "verdict": np.asarray(hull.verdict, dtype=np.int8),
        "exactly": hull.exactly,
        "direction": hull.direction,
        "weights": hull.weights.data,
        "weights.rows": hull.weights.indices.astype(np.int64),
        "weights.starts": hull.weights.indptr.astype(np.int64),
        "band": bands.band,
        "percentile": bands.percentile,
        "off_flat": bands.off,
        "at_surface": bands.at_surface,
        "reference": bands.reference,
        "reference.off_flat": bands.reference_off,
        **({} if bands.groups is None else {"reference.groups": bands.groups.astype(np.int64)}),
    }


def read_proofs(path: str | PathLike[str]) -> Proofs:
    """Read proofs and hold every part against every other; see `load_proofs`."""
    name = os.fsdecode(path)
    header, arrays = read_archive(path)
    if header.get("kind") != KIND_OF_PROOFS:
        raise FileError(name, "holds no proofs: hullwise writes them with save_proofs or --proofs")
    if type(header.get("format")) is not int or header["format"] != PROOFS_FORMAT:
        raise FileError(
            name,
            f"has the format {header.get('format')!r}, and this is hullwise {__version__}, which "
            f"reads format {PROOFS_FORMAT}: read it with the version that wrote it "
            f"({str(header.get('made_by', 'unknown'))[:80]})",
        )
    try:
        return _FileOfProofs(header, arrays).proofs()
    except HullwiseError as error:
        raise FileError(name, f"does not hold whole proofs ({error})") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise FileError(name, f"does not hold whole proofs ({str(error)[:200]})") from None


class _FileOfProofs:
    """Header and arrays of a file that may hold anything."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self.header, self.arrays = header, arrays
        columns = stored_columns(header["columns"], transformed=header["transformed"] is True)
        self.columns = tuple(column.to_json() for column in columns)
        self.layout = CheckedColumns(self.columns)
        n, digest = header["training_table"]["rows"], header["training_table"]["sha256"]
        if type(n) is not int or not 0 <= n < 1 << 48:
            raise ValueError(f"{n!r} training rows")
        self.training: dict[str, Any] = {"rows": n, "sha256": str(digest)}
        self.m = len(arrays["verdict"])

    def array(self, name: str, dtype: Any, *shape: int | None) -> Array:
        """One array, of this type and shape (None: any extent)."""
        array = self.arrays[name]
        fits = array.ndim == len(shape) and all(
            extent is None or extent == own for extent, own in zip(shape, array.shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not fits:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {dtype} {shape}")
        return np.array(array)

    def whole(self, name: str, dtype: Any, least: int, most: int, *shape: int | None) -> Array:
        """Whole numbers from `least` to `most`."""
        array = self.array(name, dtype, *shape)
        if array.size and (array.min() < least or array.max() > most):
            raise ValueError(f"{name} holds {array.min()} to {array.max()}")
        return array

    def proofs(self) -> Proofs:
        """All of it."""
        m, n_columns, header = self.m, len(self.columns), self.header
        if list(header["bands"]) != list(CLAIMED_BANDS):
            raise ValueError(f"bands {header['bands']!r}")
        rounded = np.full((m, len(self.layout.owner)), np.nan)
        n_rounded = int(self.layout.is_rounded.sum())
        rounded[:, self.layout.is_rounded] = self.array("cells.rounded", float, m, n_rounded)
        parts = tuple(self._part(number, part) for number, part in enumerate(header["parts"]))
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(part.rows for part in parts)])
        if len(np.unique(rows)) != len(rows):
            raise ValueError("a row in two parts")
        return Proofs(
            self.training,
            self.columns,
            self._cells(m, n_columns),
            rounded,
            self.array("unseen", bool, m, n_columns),
            self.whole("verdict", np.int8, -1, 1, m),
            self.whole("band", np.int8, 0, len(CLAIMED_BANDS) - 1, m),
            parts,
            self.array("unusable", bool, m),
            self._labels(),
        )

    def _labels(self) -> Objects | None:
        if "labels.bytes" not in self.arrays:
            return None
        packed = {
            "bytes": self.array("labels.bytes", np.uint8, None),
            "starts": self.array("labels.starts", np.int64, self.m + 1),
        }
        labels: Objects = unpack_texts(packed)
        return labels

    def _cells(self, m: int, n_columns: int) -> TableCells:
        labels = tuple(tuple(map(str, texts)) for texts in self.header["labels_of_cells"])
        codes = self.whole("cells.codes", np.int32, NO_CELL, np.iinfo(np.int32).max, m, n_columns)
        sizes = np.array([len(texts) for texts in labels])
        if sizes.shape != (n_columns,) or (codes >= sizes).any():
            raise ValueError("cells without labels")
        return TableCells(self.array("cells.numbers", float, m, n_columns), codes, labels)

    def _part(self, number: int, stored: Mapping[str, Any]) -> PartProofs:
        names = [column["name"] for column in self.columns]
        used = np.isin(names, list(map(str, stored["columns"])))
        if [n for n, is_used in zip(names, used, strict=True) if is_used] != stored["columns"]:
            raise ValueError(f"a part of columns {str(stored['columns'])[:80]}")
        k = int(self.layout.widths[used].sum())
        prefix = f"part{number}."
        rows = self.whole(f"{prefix}rows", np.int64, 0, self.m - 1, None).astype(np.intp)
        p = len(rows)
        bands = BandClaims(
            self.whole(f"{prefix}band", np.int8, 0, len(CLAIMED_BANDS) - 1, p),
            self.array(f"{prefix}percentile", float, p),
            self.whole(f"{prefix}off_flat", np.int8, -1, 1, p),
            self.array(f"{prefix}at_surface", bool, p),
            self.array(f"{prefix}reference", float, None),
            self.array(f"{prefix}reference.off_flat", bool, None),
            _finite(stored["negligible"]),
            self.array(f"{prefix}reference.groups", np.int64, None)
            if f"{prefix}reference.groups" in self.arrays
            else None,
        )
        if bands.groups is not None and len(bands.groups) != len(bands.reference):
            raise ValueError(f"{prefix}reference.groups of another length")
        if len(bands.reference) != len(bands.reference_off):
            raise ValueError(f"{prefix}reference of unequal parts")
        has_factor = f"{prefix}factor" in self.arrays
        hull = HullClaims(
            tuple(np.flatnonzero(used).tolist()),
            np.ones(k) if has_factor else self._finite_array(f"{prefix}root", k),
            self._finite_array(f"{prefix}factor", None, k) if has_factor else None,
            self.array(f"{prefix}lower", float, p),
            self.array(f"{prefix}upper", float, p),
            self.whole(f"{prefix}verdict", np.int8, -1, 1, p),
            self.array(f"{prefix}exactly", bool, p),
            _finite(stored["tolerance"]),
            self.array(f"{prefix}direction", float, p, k),
            self._weights(prefix, p),
        )
        return PartProofs(rows, np.asarray(used), hull, bands, int(stored["segment"]))

    def _finite_array(self, name: str, *shape: int | None) -> Floats:
        array = self.array(name, float, *shape)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds what is no number")
        return array

    def _weights(self, prefix: str, p: int) -> csr_array:
        n, data = int(self.training["rows"]), self._finite_array(f"{prefix}weights", None)
        rows: Indices = self.whole(f"{prefix}weights.rows", np.int64, 0, n - 1, len(data))
        starts = self.whole(f"{prefix}weights.starts", np.int64, 0, len(data), p + 1)
        if starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts) < 0).any():
            raise ValueError(f"{prefix}weights.starts")
        return csr_array((data, rows, starts), shape=(p, n))


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise ValueError(f"{value!r}, where a tolerance is expected")
    return float(value)
