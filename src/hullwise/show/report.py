"""The report: one self-contained HTML page that says where every row stands.

The page asks the network for nothing: its data, style and script are written into the file, and
a content security policy that names their hashes lets nothing else run, whatever a column or a
row is called.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError

if TYPE_CHECKING:
    from ..data.location import Location

Floats = NDArray[np.float64]

SIZE_LIMIT = 1_000_000
MAP_LIMITS = (3000, 1200, 400, 100, 0)
"""How many queries the map draws; the next smaller one is taken while the page is too large."""

RULES_WITHOUT_REFERENCE = {"core": "inside the hull", "far": "outside the hull"}


@dataclass(frozen=True, repr=False)
class ReportInput:
    """Exactly the arrays the report draws, for m queries, d features and n training rows.

    Attributes
    ----------
    verdict : (m,) int, -1 outside, 0 undecided, 1 inside.
    lower, upper : (m,) bracket of the distance to the hull, in the metric's units.
    band : (m,) str, one of core, edge, beyond, far, unknown.
    hull_percentile : (m,) percentile, 0 to 100, of the distance among `reference`; may be NaN.
    queries : (m, d) the rows located, in original units.
    columns : the d names of the features.
    box_minimum, box_maximum : (d,) range of each feature over the training rows.
    reference : (r,) leave-one-out hull distances of sampled training rows; may be empty.
    n_train : number of training rows.
    metric_text : the metric in words.
    tolerance : relative to each feature's range, how near the hull a row counts as inside.
    membership_only : whether the distances were left open.
    residual : (m, d) nearest point of the hull minus query, original units; None when not sought.
    labels, training_labels : names of the rows, (m,) and (n,); None counts them from 0.
    in_range_share, in_ellipsoid, neighbour_percentile : (m,) the other definitions, or None.
    nearest_rows : (m, k) training rows nearest to each query, or None.
    sample : (s, d) training rows for the map, original units, or None for no map.
    axes, axes_share, centre, column_scale : (2, d), (2,), (d,), (d,) of the projection
        ``((x - centre) / column_scale) @ axes.T``; the shares are of the variance, 0 to 1.
    band_limits : distances past which edge, beyond and far begin; None reads them off the rows.
    band_rules : one line for each band; None takes general words.
    """

    verdict: NDArray[Any]
    lower: Floats
    upper: Floats
    band: NDArray[Any]
    hull_percentile: Floats
    queries: Floats
    columns: tuple[str, ...]
    box_minimum: Floats
    box_maximum: Floats
    reference: Floats
    n_train: int
    metric_text: str
    tolerance: float
    membership_only: bool = False
    residual: Floats | None = None
    labels: NDArray[Any] | None = None
    in_range_share: Floats | None = None
    in_ellipsoid: NDArray[Any] | None = None
    neighbour_percentile: Floats | None = None
    nearest_rows: NDArray[Any] | None = None
    training_labels: NDArray[Any] | None = None
    sample: Floats | None = None
    axes: Floats | None = None
    axes_share: Floats | None = None
    centre: Floats | None = None
    column_scale: Floats | None = None
    band_limits: tuple[float, float, float] | None = None
    band_rules: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        m, d = self.queries.shape
        return f"ReportInput({m} queries, {d} features, {self.n_train} training rows)"

    @classmethod
    def from_location(cls, location: Location) -> ReportInput:
        """The arrays of a `Location`, taken and not copied; what was not computed becomes None."""
        plane = location.plane
        names = (
            "verdict lower upper band hull_percentile queries columns box_minimum box_maximum "
            "reference n_train metric_text tolerance membership_only labels training_labels"
        )
        return cls(
            **{name: getattr(location, name) for name in names.split()},
            residual=None if location.membership_only else location.residual,
            in_range_share=location.in_range_share,
            in_ellipsoid=_known(location.in_ellipsoid, location.ellipsoid_distance),
            neighbour_percentile=_known(
                location.neighbour_percentile, location.neighbour_percentile
            ),
            nearest_rows=location.nearest_rows,
            sample=None if plane is None else plane.sample,
            axes=None if plane is None else plane.axes,
            axes_share=None if plane is None else plane.share,
            centre=None if plane is None else plane.centre,
            column_scale=None if plane is None else plane.scale,
            band_limits=_band_limits(location.reference),
            band_rules=None if len(location.reference) else RULES_WITHOUT_REFERENCE,
        )


def _known(values: NDArray[Any], source: Floats) -> NDArray[Any] | None:
    return None if np.isnan(source).all() and source.size else values


def _band_limits(reference: Floats) -> tuple[float, float, float] | None:
    """The distances past which a row is edge, beyond and far; see `data.location.bands`."""
    from ..data.location import BEYOND, EDGE

    if not len(reference):
        return None
    ordered, r = np.sort(reference), len(reference)
    edge, beyond = (float(ordered[min(r - 1, int(r * p / 100))]) for p in (EDGE, BEYOND))
    return edge, beyond, float(ordered[-1])


def render_report(location: Location | ReportInput, *, title: str | None = None) -> str:
    """Write the report as one string of HTML.

    Parameters
    ----------
    location : Location or ReportInput
        What `locate` returned, for m queries in d dimensions.
    title : str, optional
        Heading of the page.

    Returns
    -------
    str
        A complete HTML document of at most 1,000,000 bytes in UTF-8, at any m and d. It makes no
        request to any other place. The same input gives the same page.

    Notes
    -----
    O(m d) time, blockwise; beyond the location itself O(m) memory. The counts and the
    distribution use every row; the map draws at most 3,000 queries, the far ones first, and says
    so on the page.

    Examples
    --------
    >>> import hullwise as hw
    >>> from hullwise.show import render_report
    >>> location = hw.locate([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.2], [3.0, 0.0]])
    >>> page = render_report(location, title="Two rows")
    >>> "<title>Two rows</title>" in page, len(page) < 1_000_000
    (True, True)
    """
    from ._content import page_content

    given = location if isinstance(location, ReportInput) else ReportInput.from_location(location)
    heading = title or "Where the new rows stand"
    for limit in MAP_LIMITS:
        page = _fill(page_content(given, title=heading, map_limit=limit))
        if len(page.encode("utf-8")) <= SIZE_LIMIT:
            return page
    raise AssertionError("a report without a map exceeds its size limit")


def write_report(
    location: Location | ReportInput,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    force: bool = False,
) -> Path:
    """Write the report to a file, whole or not at all.

    Parameters
    ----------
    location : Location or ReportInput
        What `locate` returned.
    path : path
        The file to write; ``~`` is expanded.
    title : str, optional
        Heading of the page.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    FileError
        The file exists and `force` is false, or it cannot be written.

    Notes
    -----
    The page is written under a temporary name beside `path` and then renamed, so that no half
    page is ever seen. Cost as `render_report`.

    Examples
    --------
    >>> import hullwise as hw, tempfile
    >>> location = hw.locate([[0.0], [1.0]], [[0.5], [3.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hw.write_report(location, f"{folder}/report.html").name
    'report.html'
    """
    target = Path(path).expanduser()
    _refuse(target, force)
    page = render_report(location, title=title).encode("utf-8")
    partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        partial.write_bytes(page)
        _refuse(target, force)
        partial.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = f"the report cannot be written ({reason}); choose another path"
        raise FileError(str(target), problem) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return target


def _refuse(target: Path, force: bool) -> None:
    if target.is_dir():
        raise FileError(str(target), "this is a directory; name a file in it, such as report.html")
    if not target.parent.is_dir():
        raise FileError(str(target), f"there is no directory {target.parent}; create it first")
    if not force and (target.exists() or target.is_symlink()):
        raise FileError(str(target), "exists already; replace it with force=True (--force)")


def _fill(content: Mapping[str, Any]) -> str:
    folder = resources.files("hullwise.show")
    template, style, charts, script = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("report.html", "report.css", "charts.js", "report.js")
    )
    script = f'"use strict";\n{charts}\n{script}'
    parts = {
        "title": html.escape(str(content["title"])),
        "summary": html.escape(str(content["headline"]["sentence"])),
        "policy": html.escape(
            f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "script": script,
        "data": _json(content),
    }
    # One pass over the template: what is put in is never searched for further marks.
    pieces = template.split("%%")
    return "".join(parts[piece] if odd % 2 else piece for odd, piece in enumerate(pieces))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _json(content: Mapping[str, Any]) -> str:
    """JSON that no HTML parser can mistake for markup."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
