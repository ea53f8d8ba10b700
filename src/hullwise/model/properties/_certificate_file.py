"""What proves or refutes a property, in a file; neither the network nor the property is in it.

Who checks a file gives both anew, so that nothing that it says is taken for granted: it only says
how the box is to be cut, and what to look at in each part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ... import __version__
from ..._core.types import Array, Floats, Ints
from ...errors import FileError
from ...io.archive import read_archive, write_archive
from ._box_search import BoxCuts
from .output_property import OutputProperty, UnsafeCase

CERTIFICATE_FORMAT = 1
KIND_OF_CERTIFICATE = "property certificate"


def save_certificate(
    path: str | PathLike[str],
    claim: OutputProperty,
    cuts: Sequence[BoxCuts],
    example: Floats | None,
    broken: UnsafeCase | None,
    *,
    force: bool,
) -> None:
    """Write the cuts of all boxes, or a counter-example and the case that it meets."""
    arrays: dict[str, Array] = {}
    if example is not None:
        case = next(i for i, one in enumerate(claim.cases) if one is broken)
        arrays = {"counter_example": example, "case": np.array([case])}
    for g, part in enumerate(cuts):
        cases = [next(i for i, a in enumerate(claim.cases) if a is one) for one in part.cases]
        arrays |= {
            f"cases{g}": np.array(cases, dtype=np.int64),
            f"axis{g}": part.axis,
            f"value{g}": part.value,
            f"child{g}": part.child,
            f"closed{g}": part.closed,
            f"slope_rows{g}": part.slope_rows,
            f"slopes{g}": part.slopes,
        }
    header = {
        "kind": KIND_OF_CERTIFICATE,
        "format": CERTIFICATE_FORMAT,
        "made_by": f"hullwise {__version__}",
        "property": claim.text,
        "n_cases": len(claim.cases),
        "n_parts": len(cuts),
    }
    write_archive(path, header, arrays, force=force)


def load_certificate(
    path: str | PathLike[str], claim: OutputProperty
) -> tuple[tuple[BoxCuts, ...], Floats | None, UnsafeCase | None]:
    """The cuts, or the counter-example and its case, of a file about a property.

    Raises
    ------
    FileError
        If it is no certificate, is damaged, or is about a property of other cases.
    """
    name = os.fsdecode(path)
    header, arrays = read_archive(path)
    if header.get("kind") != KIND_OF_CERTIFICATE:
        raise FileError(name, "holds no proof of a property: PropertyResult.save writes one")
    if header.get("format") != CERTIFICATE_FORMAT:
        raise FileError(
            name,
            f"has the format {header.get('format')!r}, and this is hullwise {__version__}, which "
            f"reads format {CERTIFICATE_FORMAT}: read it with the version that wrote it "
            f"({str(header.get('made_by', 'unknown'))[:80]})",
        )
    if header.get("n_cases") != len(claim.cases):
        raise FileError(
            name,
            f"is about {str(header.get('property'))[:80]!r} of {header.get('n_cases')} unsafe "
            f"cases, and the property given, {claim.text[:80]!r}, has {len(claim.cases)}",
        )
    try:
        if "counter_example" in arrays:
            return (), *_example(arrays, claim)
        parts = range(int(header["n_parts"]))
        return tuple(_restored_cuts(arrays, g, claim) for g in parts), None, None
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FileError(name, f"does not hold a whole proof ({str(error)[:200]})") from None


def _example(arrays: Mapping[str, Array], claim: OutputProperty) -> tuple[Floats, UnsafeCase]:
    (place,) = _checked(arrays, "case", np.int64, (1,))
    case = claim.cases[_place(place, len(claim.cases))]
    x = _checked(arrays, "counter_example", np.float64, (len(case.low),))
    if not np.isfinite(x).all():
        raise ValueError("a counter-example that is not finite")
    return np.array(x), case


def _restored_cuts(arrays: Mapping[str, Array], g: int, claim: OutputProperty) -> BoxCuts:
    cases = _checked(arrays, f"cases{g}", np.int64, (None,))
    n, k = len(arrays[f"axis{g}"]), len(cases)
    axis: Ints = _checked(arrays, f"axis{g}", np.int64, (n,))
    if not n or not k or axis.max() >= len(claim.cases[0].low):
        raise ValueError(f"axis{g} names inputs that are not there")
    return BoxCuts(
        tuple(claim.cases[_place(i, len(claim.cases))] for i in cases),
        axis,
        _checked(arrays, f"value{g}", np.float64, (n,)),
        _checked(arrays, f"child{g}", np.int64, (n,)),
        _checked(arrays, f"closed{g}", np.int64, (n, k)),
        _checked(arrays, f"slope_rows{g}", np.int64, (n, k)),
        _checked(arrays, f"slopes{g}", np.float32, (None, None)),
    )


def _place(i: Any, n: int) -> int:
    if not 0 <= i < n:
        raise ValueError(f"case {i} of {n}")
    return int(i)


def _checked(arrays: Mapping[str, Array], name: str, kind: Any, shape: tuple[Any, ...]) -> Any:
    out = arrays[name]
    fits = out.ndim == len(shape) and all(m in (n, None) for n, m in zip(out.shape, shape))
    if not fits or out.dtype != kind:
        raise ValueError(f"{name} is {out.dtype} {out.shape}")
    return out
