"""What a domain holds, in plain figures: for `hullwise inspect` and for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..table.columns import LevelColumn

if TYPE_CHECKING:
    from .domain import Domain
    from .fitted_table import FittedTable


def domain_contents(domain: Domain) -> dict[str, Any]:
    """Columns, roles, levels with their counts, gaps, references and options, as JSON has them.

    Raises
    ------
    DataError
        The domain is not fitted.

    Notes
    -----
    O(n C) for the patterns of gaps.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"job": "ab"[i % 2], "age": i * i} for i in range(40)]
    >>> contents = domain_contents(hw.Domain().fit(rows, target="job"))
    >>> contents["n_rows"], [(column["name"], column["role"]) for column in contents["columns"]]
    (40, [('age', 'number'), ('job', 'target')])
    """
    fitted = domain.fitted_
    columns = []
    for column in fitted.coordinates.columns:
        entry = {
            "name": column.name,
            "role": column.role,
            "source": column.source,
            "description": column.describe(),
            "reason": column.reason,
            "n_coordinates": column.width,
        }
        if isinstance(column, LevelColumn):
            entry["levels"] = dict(zip(column.levels, column.counts))
        columns.append(entry)
    columns += [{"name": c.name, "role": c.role, "reason": c.reason} for c in fitted.unused]
    return {
        "n_rows": len(fitted),
        "n_coordinates": len(fitted.coordinates.owner),
        "has_row_ids": fitted.labels is not None,
        "columns": columns,
        "gaps": gap_counts(fitted),
        "unseen_rate": fitted.coordinates.unseen_rate(len(fitted)),
        "options": {
            "metric": domain.metric or "none",
            "missing": domain.missing,
            "n_neighbors": domain.n_neighbors,
            "reference": domain.reference,
            "gaps": list(domain.spec.gaps),
        },
        "notes": [str(note) for note in fitted.notes],
        "training_table_sha256": fitted.digest,
    }


def gap_counts(fitted: FittedTable) -> list[dict[str, Any]]:
    """The patterns of gaps of the training rows, the most frequent first.

    The columns that such rows lack, how many there are, and the size of the reference, None where
    it has not been measured.
    """
    patterns, counts = np.unique(fitted.filled, axis=0, return_counts=True)
    sizes: dict[bytes, int] = {}  # of all segments together
    for (_, pattern), reference in fitted.measured().items():
        sizes[pattern] = sizes.get(pattern, 0) + len(reference)
    names = np.array([column.name for column in fitted.coordinates.columns], dtype=object)
    return [
        {
            "without": names[~patterns[i]].tolist(),
            "rows": int(counts[i]),
            "n_reference": sizes.get(patterns[i].tobytes()),
        }
        for i in np.argsort(-counts, kind="stable")
    ]
