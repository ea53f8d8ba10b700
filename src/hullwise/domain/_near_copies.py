"""A hint where rows of one id are near-copies of each other, and nobody said that they are."""

from __future__ import annotations

import re

import numpy as np

from .._core.types import Floats, Indices
from ..errors import DataTypeError, Hint, Note
from ..geometry.cloud import Cloud
from ..geometry.exclusion import BlockExclusion
from ..geometry.hull import reference_distances
from ..geometry.metric import Metric
from ..io.mixed_column import ColumnKind
from ..io.mixed_table import MixedTable
from ..table.spec import ColumnSpec
from .fitted_table import FittedTable
from .row_blocks import group_names

ID_WORDS = re.compile(
    "ids?|subject|patient|person|participant|respondent|user|member|customer|client|donor|animal|"
    "mouse|rat|family|household|school|class|classroom|hospital|clinic|store|shop|batch|lot|plate|"
    "wafer|run|session|device|sensor|machine|site|station|well|molecule|compound|scaffold|protein|"
    "speaker|author|group|cluster|block|case|account|policy|driver|vehicle|player|team"
)
HINT_SHARE = 0.12  # of rows out, where 5 % of rows left out alone are
HINT_ROWS = 200  # left out for it
MAX_ROWS_FOR_A_HINT = 2_000_000  # beyond, telling groups apart takes seconds
HINT_TABLE_ROWS = 20_000  # among which, of whole groups
FEWEST_GROUPS_FOR_A_HINT = 10  # fewer are rather classes than ids


def near_copies_notes(
    fitted: FittedTable, table: MixedTable, rows: Indices, spec: ColumnSpec
) -> tuple[str, ...]:
    """Notes on columns of ids whose rows lie much farther out once all rows of the id are left out.

    `rows` are those of the table that the fitted ones are. Looks at columns that are declared ids
    or called like them only; O(200 n D) for each.
    """
    if fitted.blocks is not None or not fitted.reference or len(rows) > MAX_ROWS_FOR_A_HINT:
        return ()
    notes: list[str] = []
    for name in table.names:
        role = spec.roles.get(name, "id" if is_called_like_an_id(name) else "")
        codes = _codes(table, name, rows) if role in ("id", "left out", "number") else None
        if codes is None:
            continue
        share = _share_out(fitted, name, codes)
        if share >= HINT_SHARE:
            text = (
                f"rows of one {name!r} are near-copies of each other: with all of them left out, "
                f"{100 * share:.0f} % of rows are farther out than 95 % of rows left out alone"
            )
            notes.append(Note(text, Hint.DECLARE_GROUPS, repr(name)))
    return tuple(notes)


def is_called_like_an_id(name: str) -> bool:
    """Whether a word of the name is one for what has several rows.

    Examples
    --------
    >>> [is_called_like_an_id(name) for name in ("subject#", "CustomerID", "patient_no", "age")]
    [True, True, True, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(ID_WORDS.fullmatch(word.lower()) for word in words)


def _codes(table: MixedTable, name: str, rows: Indices) -> Indices | None:
    """The group of each row by a column that may be an id which repeats, else None."""
    column = table.column(name)
    try:
        kind = column.kind
    except DataTypeError:  # cells of a type that no column may hold, in one that is left out
        return None
    if kind not in (ColumnKind.NUMBER, ColumnKind.TEXT):
        return None
    if column.kind is ColumnKind.NUMBER and not column.whole:
        return None
    codes, _ = group_names(table, name, column.kind, "row")
    codes = np.unique(codes[rows], return_inverse=True)[1].ravel()
    n_groups = int(codes.max(initial=-1)) + 1
    return codes if FEWEST_GROUPS_FOR_A_HINT <= n_groups <= len(codes) / 2 else None


def _share_out(fitted: FittedTable, name: str, codes: Indices) -> float:
    """Share of rows that, without all rows of their id, are farther out than 95 % of rows alone."""
    coordinates = fitted.coordinates
    used = np.array([column.source != name for column in coordinates.columns])
    places = np.flatnonzero(used[coordinates.owner])
    rows = np.flatnonzero(fitted.filled[:, used].all(axis=1))
    rng = np.random.default_rng(0)
    if len(rows) > HINT_TABLE_ROWS:
        shuffled = rng.permutation(int(codes.max()) + 1)[codes[rows]]
        rows = rows[np.argsort(shuffled, kind="stable")[:HINT_TABLE_ROWS]]
    own = codes[rows]
    if len(rows) < 20 or not len(places) or len(np.unique(own)) < FEWEST_GROUPS_FOR_A_HINT:
        return 0.0
    values = np.ascontiguousarray(fitted.values[np.ix_(rows, places)])
    cloud = Cloud(values, copy=False)
    metric = Metric(_root(fitted, values, places), None, None, "")
    left_out = np.sort(rng.permutation(len(rows))[:HINT_ROWS])
    exclude = BlockExclusion(own, own[left_out])
    alone = reference_distances(cloud, metric, left_out)
    whole = reference_distances(cloud, metric, left_out, exclude=exclude)
    return float((whole > np.quantile(alone, 0.95, method="higher")).mean())


def _root(fitted: FittedTable, values: Floats, places: Indices) -> Floats:
    weights = fitted.coordinates.fixed_weights("std")[places]
    spread = values.std(axis=0)
    return np.where(np.isnan(weights), 1 / np.where(spread > 0, spread, 1.0), np.sqrt(weights))
