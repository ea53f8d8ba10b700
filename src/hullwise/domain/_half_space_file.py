"""Half-spaces in a file: a header of JSON and small arrays, with no training row."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from .. import __version__
from .._core.types import Array
from ..geometry.cloud import MAX_MAGNITUDE
from ..io.archive import write_archive
from ..table.coordinates import TableCoordinates
from ..table.stored_columns import stored_columns
from ._rule_features import RuleFeatures
from .fitted_table import LARGEST_LOGARITHM, SMALLEST_LOGARITHM
from .half_spaces import EllipsoidRule, HalfSpaces

HALF_SPACE_FORMAT = 1
LARGEST_ELLIPSOID = 1e100  # centre and radius, in units of the rows: squares stay floats
HALF_SPACES = "half-spaces"  # what the header says is kept


def save_half_spaces(rules: HalfSpaces, path: str | PathLike[str], *, force: bool) -> None:
    """Write the rules; see `HalfSpaces.save`."""
    arrays: dict[str, Array] = {
        "centre": rules.features.centre,
        "scale": rules.features.scale,
        "root": rules.features.root,
        "minimum": rules.minimum,
        "maximum": rules.maximum,
        "weights": rules.weights.astype(np.float32),
        "offsets": rules.offsets,
        "gain": rules.gain,
        "band_columns": rules.band_columns,
        "band_limits": rules.band_limits,
    }
    if rules.ellipsoid is not None:
        arrays["ellipsoid.matrix"] = rules.ellipsoid.matrix.astype(np.float32)
        arrays["ellipsoid.centre"] = rules.ellipsoid.centre
        arrays["ellipsoid.radius"] = np.array([rules.ellipsoid.radius])
    header = {
        "format": HALF_SPACE_FORMAT,
        "keep": HALF_SPACES,
        "made_by": f"hullwise {__version__}",
        "columns": [column.to_json() for column in rules.columns],
        "gaps": list(rules.gaps),
        "n_train": rules.n_train,
        "n_probes": rules.n_probes,
        "metric_text": rules.metric_text,
        "csv_marks": rules.csv_marks,
    }
    write_archive(path, header, arrays, force=force)


def restored_half_spaces(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> HalfSpaces:
    """The rules of a file.

    Raises
    ------
    ValueError, KeyError, TypeError
        The parts do not fit each other, or were changed after they were written.
    """
    if header.get("format") != HALF_SPACE_FORMAT:
        raise ValueError(f"half-spaces of format {header.get('format')!r}, which is newer")
    coordinates = TableCoordinates(stored_columns(header["columns"], transformed=False))
    D, C = len(coordinates.owner), len(coordinates.columns)
    centre, scale, root = (_finite(arrays, name, (D,)) for name in ("centre", "scale", "root"))
    if not (scale > 0).all() or not (root > 0).all():
        raise ValueError("units that are not above 0")
    features = RuleFeatures(coordinates, centre, scale, root)
    weights = _finite(arrays, "weights", (len(arrays["weights"]), len(features.owner)))
    R, P = len(weights), len(arrays["band_limits"])
    with np.errstate(all="ignore"):
        length = np.linalg.norm(features.metric_weights(weights), axis=1)
    if not (length <= 1).all():
        raise ValueError("weights that are no half-spaces")
    minimum, maximum = _box(arrays, features)
    return HalfSpaces(
        features,
        minimum,
        maximum,
        _ellipsoid(arrays, features),
        weights,
        _finite(arrays, "offsets", (R,)),
        _finite(arrays, "gain", (R,)),
        _count(header["n_probes"]),
        _floats(arrays, "band_columns", (P, C)).astype(bool),
        _floats(arrays, "band_limits", (P, 3)),
        _count(header["n_train"]),
        str(header["metric_text"]),
        tuple(map(str, header["gaps"])),
        restored_csv_marks(header),
    )


def restored_csv_marks(header: Mapping[str, Any]) -> tuple[str, str] | None:
    """Separator and decimal mark of the file that the training rows came from."""
    marks = header.get("csv_marks")
    if marks is None:
        return None
    sep, decimal = marks
    if not (isinstance(sep, str) and isinstance(decimal, str) and len(sep) == len(decimal) == 1):
        raise ValueError(f"the marks {str(marks)[:40]} of a text file")
    return sep, decimal


def _box(arrays: Mapping[str, Array], features: RuleFeatures) -> tuple[Any, Any]:
    n_columns = len(features.columns)
    low, high = (_floats(arrays, name, (n_columns,)) for name in ("minimum", "maximum"))
    is_log = np.array([column.role == "log" for column in features.columns], dtype=bool)
    most = np.where(is_log, LARGEST_LOGARITHM, MAX_MAGNITUDE)[features.is_number]
    least = np.where(is_log, SMALLEST_LOGARITHM, -MAX_MAGNITUDE)[features.is_number]
    sides = low[features.is_number], high[features.is_number]
    if not ((least <= sides[0]) & (sides[0] <= sides[1]) & (sides[1] <= most)).all():
        raise ValueError("a box that no rows have")
    return low, high


def _ellipsoid(arrays: Mapping[str, Array], features: RuleFeatures) -> EllipsoidRule | None:
    if "ellipsoid.matrix" not in arrays:
        return None
    k = len(arrays["ellipsoid.matrix"])
    matrix = _finite(arrays, "ellipsoid.matrix", (k, len(features.owner)))
    centre = _finite(arrays, "ellipsoid.centre", (k,))
    with np.errstate(all="ignore"):
        images = features.metric_weights(matrix)
    if not (np.abs(images) <= 1).all() or np.linalg.norm(images, 2) > 1:
        raise ValueError("an ellipsoid that bounds no distances")
    radius = float(_finite(arrays, "ellipsoid.radius", (1,))[0])
    if not 0 <= radius < LARGEST_ELLIPSOID or not (np.abs(centre) < LARGEST_ELLIPSOID).all():
        raise ValueError("an ellipsoid that no rows have")
    return EllipsoidRule(matrix, centre, radius)


def _finite(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Any:
    array = _floats(arrays, name, shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} that is not finite")
    return array


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"the count {str(value)[:40]}")
    return value


def _floats(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Any:
    """One array, read into memory: rules are small, and asked often."""
    array = np.array(arrays[name], dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} of {array.shape}, expected {shape}")
    return array
