"""Half-spaces in a file: a header of JSON and small arrays, with no training row."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from .. import __version__
from .._core.types import Array
from ..io.archive import write_archive
from ..table.coordinates import TableCoordinates
from ..table.stored_columns import stored_columns
from ._rule_features import RuleFeatures
from .half_spaces import EllipsoidRule, HalfSpaces

HALF_SPACE_FORMAT = 1
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
    places = (_floats(arrays, name, (D,)) for name in ("centre", "scale", "root"))
    features = RuleFeatures(coordinates, *places)
    weights = _floats(arrays, "weights", (len(arrays["weights"]), len(features.owner)))
    R, P = len(weights), len(arrays["band_limits"])
    length = np.linalg.norm(features.metric_weights(weights), axis=1)
    if not np.isfinite(weights).all() or (length > 1).any():
        raise ValueError("weights that are no half-spaces")
    return HalfSpaces(
        features,
        _floats(arrays, "minimum", (C,)),
        _floats(arrays, "maximum", (C,)),
        _ellipsoid(arrays, features),
        weights,
        _floats(arrays, "offsets", (R,)),
        _floats(arrays, "gain", (R,)),
        int(header["n_probes"]),
        _floats(arrays, "band_columns", (P, C)).astype(bool),
        _floats(arrays, "band_limits", (P, 3)),
        int(header["n_train"]),
        str(header["metric_text"]),
        tuple(map(str, header["gaps"])),
    )


def _ellipsoid(arrays: Mapping[str, Array], features: RuleFeatures) -> EllipsoidRule | None:
    if "ellipsoid.matrix" not in arrays:
        return None
    k = len(arrays["ellipsoid.matrix"])
    matrix = _floats(arrays, "ellipsoid.matrix", (k, len(features.owner)))
    centre = _floats(arrays, "ellipsoid.centre", (k,))
    if np.linalg.norm(features.metric_weights(matrix), 2) > 1:
        raise ValueError("an ellipsoid that bounds no distances")
    return EllipsoidRule(matrix, centre, float(_floats(arrays, "ellipsoid.radius", (1,))[0]))


def _floats(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Any:
    """One array, read into memory: rules are small, and asked often."""
    array = np.array(arrays[name], dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} of {array.shape}, expected {shape}")
    return array
