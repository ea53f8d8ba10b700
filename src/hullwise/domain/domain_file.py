"""The file of a domain (`.hull`): arrays and JSON, read by memory map, with nothing that runs."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from .. import __version__
from ..errors import DataError, FileError, Hint, Note
from ..geometry.bands import Reference
from ..geometry.metric import Metric
from ..io.archive import DIGESTS, PackedTexts, pack_texts, read_archive, write_archive
from ..table.columns import UnusedColumn
from ..table.coordinates import Coordinates, TableCoordinates
from ..table.stored_columns import stored_columns
from ..table.transformed_coordinates import TransformedCoordinates, restore_coordinates
from ._block_file import block_arrays, block_header, restored_blocks, restored_segments
from ._half_space_file import HALF_SPACES, restored_csv_marks, restored_half_spaces
from .coordinate_metric import CoordinateMetric, unit_kind
from .domain import Domain
from .fitted_table import FittedTable
from .half_spaces import HalfSpaces

FILE_FORMAT = 1
MOST_VERTEX_BYTES = 1 << 28  # of the vertices of categories, beside 256 times the rows themselves
RANDOM_STATE = 0  # from which the rows that are left out are drawn
MOST_COUNTED = (1 << 31) - 1  # rows and neighbours that a file may ask for


def save(domain: Domain, path: str | PathLike[str], *, force: bool) -> None:
    """Write a fitted domain; see `Domain.save`."""
    fitted = domain.fitted_
    arrays: dict[str, Any] = {"values": fitted.values}
    transformed = fitted.coordinates
    if isinstance(transformed, TransformedCoordinates):
        arrays["transformer.probes"] = transformed.probe_outputs
    if fitted.labels is not None:
        arrays |= {f"labels.{name}": part for name, part in pack_texts(fitted.labels).items()}
    if fitted.directions is not None:
        arrays |= fitted.directions.to_arrays()
    patterns: list[dict[str, Any]] = []
    for (segment, key), reference in fitted.measured().items():
        prefix = f"reference{len(patterns)}"
        arrays |= {
            f"{prefix}.rows": reference.rows,
            f"{prefix}.hull": reference.hull,
            f"{prefix}.off": reference.off,
            f"{prefix}.gaps": reference.gaps,
        }
        if reference.groups is not None:
            arrays[f"{prefix}.groups"] = reference.groups
        columns = np.frombuffer(key, dtype=bool).tolist()
        patterns.append({"segment": segment, "columns": columns})
    arrays |= block_arrays(fitted)
    header = {
        "format": FILE_FORMAT,
        "keep": "rows",
        "made_by": f"hullwise {__version__}",
        "columns": [column.to_json() for column in fitted.coordinates.columns],
        "transformer": (
            transformed.to_json() if isinstance(transformed, TransformedCoordinates) else None
        ),
        "unused": [column.to_json() for column in fitted.unused],
        "notes": [_note_to_json(note) for note in fitted.notes],
        "missing": domain.missing,
        "metric": fitted.metric if fitted.directions is None else "directions",
        "metric_text": fitted.metric_text,
        "n_neighbors": domain.n_neighbors,
        "reference": domain.reference,
        "gaps": list(domain.spec.gaps),
        "csv_marks": fitted.csv_marks,
        "random_state": RANDOM_STATE,
        "units": _units(fitted),
        "patterns": patterns,
        **block_header(fitted),
        "training_table": {"rows": len(fitted), "sha256": fitted.digest},
    }
    write_archive(path, header, arrays, force=force)


def _units(fitted: FittedTable) -> dict[str, float]:
    """For people: by how much each number is divided, where one unit serves all rows."""
    if fitted.directions is not None or fitted.segments is not None or fitted.metric is None:
        return {}
    names, root = fitted.coordinates.names, fitted.units.root
    learnt = np.isnan(fitted.coordinates.fixed_weights(fitted.metric)) & (root > 0)
    return {names[j]: float(1 / root[j]) for j in np.flatnonzero(learnt) if 1 / root[j] < np.inf}


def load(path: str | PathLike[str], *, transformer: Any = None) -> Domain | HalfSpaces:
    """Read what `Domain.save` wrote: a domain, whose rows stay in the file, mapped; or half-spaces.

    Parameters
    ----------
    path : str or path
        A file (`.hull`).
    transformer : object with transform, optional
        The transformer that the domain was fitted with, where it was: the file holds no code. It
        is checked by its names and by what it gives for a few cells.

    Raises
    ------
    FileError
        It cannot be read, is damaged, or is of a newer version; the transformer is lacking, or
        another one.

    Examples
    --------
    >>> import tempfile, hullwise as hw
    >>> rows = [{"x": i * i, "kind": "ab"[i % 2]} for i in range(50)]
    >>> path = tempfile.mkdtemp() + "/seen.hull"
    >>> hw.Domain().fit(rows).save(path)
    >>> hw.load(path).locate([{"x": 4, "kind": "a"}]).band
    array(['core'], dtype=object)
    """
    name = str(path)
    header, arrays = read_archive(path, later=("values",))
    if "keep" not in header:
        raise FileError(name, "holds no domain: hullwise writes one with Domain.save or fit -o")
    if header["keep"] not in ("rows", HALF_SPACES):
        kept = str(header["keep"])[:40]
        raise FileError(name, f"keeps {kept!r}, which hullwise {__version__} cannot read")
    if type(header.get("format")) is not int or header["format"] != FILE_FORMAT:
        raise FileError(
            name,
            f"has the format {header.get('format')!r}, and this is hullwise {__version__}, which "
            f"reads format {FILE_FORMAT}: read it with the version that wrote it "
            f"({str(header.get('made_by', 'unknown'))[:80]}), or fit it again",
        )
    try:
        if header["keep"] == HALF_SPACES:
            return restored_half_spaces(header, arrays)
        return _restored(header, arrays, transformer)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        if isinstance(error, DataError):
            raise error.in_file(name) from None
        text = f"is damaged, or does not hold a whole domain ({str(error)[:200]})"
        raise FileError(name, text) from None


def maker_of(path: str | PathLike[str]) -> str:
    """The program and version that wrote the file of a domain."""
    header, _ = read_archive(path)
    return str(header.get("made_by", "unknown"))


def _restored(header: dict[str, Any], arrays: dict[str, Any], transformer: Any) -> Domain:
    coordinates = _coordinates(header, arrays, transformer)
    directions = None
    if header["metric"] == "directions":
        text, d = str(header["metric_text"]), len(coordinates.owner)
        directions = CoordinateMetric.from_arrays(arrays, text, d)
    domain = Domain(
        transformer=transformer,
        gaps=_texts(header["gaps"]),
        missing=header["missing"],
        metric=header["metric"] if directions is None else directions.metric,
        n_neighbors=_count(header["n_neighbors"]),
        reference=_count(header["reference"]),
    )
    values = _rows(header, arrays, coordinates)
    segments = restored_segments(header["segments"], coordinates, arrays, len(values))
    n_segments = 1 if segments is None else len(segments)
    stored = {}
    for number, pattern in enumerate(header["patterns"]):
        columns, segment = pattern["columns"], pattern["segment"]
        if len(columns) != len(coordinates.columns) or {*map(type, columns)} - {bool}:
            raise ValueError(f"a pattern of columns {str(columns)[:80]}")
        reference = _reference(arrays, f"reference{number}", domain.n_neighbors, len(values))
        if type(segment) is not int or not 0 <= segment < n_segments:
            raise ValueError(f"a pattern of segment {str(segment)[:80]}")
        stored[segment, np.array(columns, dtype=bool).tobytes()] = reference
    domain.fitted_ = FittedTable(
        coordinates,
        tuple(
            UnusedColumn(str(c["name"]), str(c["role"]), str(c["reason"])) for c in header["unused"]
        ),
        _notes(header["notes"]),
        values,
        _labels(arrays, len(values)),
        str(header["training_table"]["sha256"]),
        unit_kind(domain.metric),
        domain.n_neighbors,
        domain.reference,
        stored,
        restored_blocks(header["blocks"], arrays, len(values)),
        segments,
        header[DIGESTS]["values"],
        directions,
        restored_csv_marks(header),
    )
    return domain


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or {*map(type, values)} - {str}:
        raise ValueError(f"{str(values)[:40]}, where texts are expected")
    return tuple(values)


def _count(value: Any) -> int:
    if type(value) is not int or value > MOST_COUNTED:
        raise ValueError(f"the count {str(value)[:40]}")
    return value


def _rows(header: dict[str, Any], arrays: dict[str, Any], coordinates: Coordinates) -> Any:
    values, n = arrays["values"], header["training_table"]["rows"]
    if (values.dtype, values.shape) != (np.float64, (n, len(coordinates.owner))) or not n:
        raise ValueError(f"values of {values.dtype} {values.shape} for {str(n)[:20]} rows")
    n_levels = [c.width + 1 for c in coordinates.columns if c.role == "category"]
    if 8 * sum(n * n for n in n_levels) > MOST_VERTEX_BYTES + 256 * values.nbytes:
        raise ValueError(f"{max(n_levels)} levels in a column, for {len(values)} rows")
    return values


def _labels(arrays: dict[str, Any], n: int) -> Any:
    if "labels.bytes" not in arrays:
        return None
    packed = {"bytes": arrays["labels.bytes"], "starts": arrays["labels.starts"]}
    if packed["starts"].shape != (n + 1,) or packed["bytes"].ndim != 1:
        raise ValueError(f"labels of {packed['starts'].shape} for {n} rows")
    return PackedTexts(packed)


def _coordinates(header: dict[str, Any], arrays: dict[str, Any], transformer: Any) -> Coordinates:
    stored, columns = header.get("transformer"), header["columns"]
    checked = stored_columns(columns, transformed=stored is not None)
    if stored is None and transformer is None:
        return TableCoordinates(checked)
    if stored is None:
        raise DataError("the domain was fitted without a transformer: load it without transformer=")
    if transformer is None:
        raise DataError(
            f"the domain was fitted with a transformer (a {str(stored['type'])[:60]}), which a "
            "file without code cannot hold: pass it, as hullwise.load(path, transformer=...)"
        )
    return restore_coordinates(stored, columns, transformer, arrays["transformer.probes"])


def _reference(arrays: dict[str, Any], prefix: str, n_neighbors: int, n: int) -> Reference:
    """One stored reference; its metric is that of the units, known when it is used."""
    rows, hull, off, gaps = (arrays[f"{prefix}.{part}"] for part in ("rows", "hull", "off", "gaps"))
    if (
        not rows.ndim == hull.ndim == off.ndim == gaps.ndim == 1
        or len({*map(len, (rows, hull, off, gaps))}) > 1
    ):
        raise ValueError(f"{prefix} of unequal parts")
    if (rows.dtype, hull.dtype, off.dtype, gaps.dtype) != (np.intp, float, bool, float):
        raise ValueError(f"{prefix} of {rows.dtype}, {hull.dtype}, {off.dtype}, {gaps.dtype}")
    numbers_hold = (hull >= 0).all() and (gaps >= 0).all() and np.isfinite(hull).all()
    if not numbers_hold or ((rows < 0) | (rows >= n)).any():
        raise ValueError(f"{prefix} with rows or distances that there cannot be")
    unknown = Metric(np.ones(0), None, None, "")
    numbers = np.asarray(hull, np.float64), np.asarray(off, bool), np.asarray(gaps, np.float64)
    reference = Reference(np.asarray(rows, np.intp), *numbers, unknown, n_neighbors)
    if f"{prefix}.groups" not in arrays:
        return reference
    groups = np.asarray(arrays[f"{prefix}.groups"], np.intp)
    if groups.shape != hull.shape:
        raise ValueError(f"{prefix} of unequal parts")
    return replace(reference, groups=groups)


def _note_to_json(note: str) -> Any:
    if not isinstance(note, Note) or note.hint is None:
        return str(note)
    return {"text": note.text, "hint": note.hint.name, "value": note.value}


def _notes(stored: Any) -> tuple[str, ...]:
    if not isinstance(stored, list):
        raise ValueError(f"notes {str(stored)[:80]}")
    return tuple(map(_note_from_json, stored))


def _note_from_json(stored: Any) -> str:
    if not isinstance(stored, dict):
        return _texts([stored])[0]
    text, hint, value = _texts([stored["text"], stored["hint"], stored["value"]])
    return Note(text, Hint[hint], value)
