"""P-values of rows in a domain, and the rows or groups selected by them.

Bands rank a row with a level never seen beyond all distances. So do the p-values here. Where a of n
training rows alone hold a level, such a row has (a + 1) / (n + 1), its rank among n + 1
exchangeable rows, and a row whose distance has the p-value p has u + (1 - u) p with
u = a / (n + 1): the rank of one score, so that nothing is paid for there being two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core.types import Floats, Mask
from ..errors import DataError
from ..geometry.row_selection import RowSelection, select_rows
from .group_comparison import GroupComparison, compare_groups

if TYPE_CHECKING:
    from .domain_location import DomainLocation


def p_values_of_rows(location: DomainLocation) -> Floats:
    """(m,) conformal p-values; NaN where there is nothing to compare with."""
    by_distance = np.full(len(location), np.nan)
    if location.is_replay:
        return by_distance
    for part in location.parts:
        by_distance[part.rows] = part.location.p_values
    return _with_names(by_distance, np.asarray(location.unseen.any(axis=1)), *_alone(location))


def _alone(location: DomainLocation) -> tuple[Floats, Floats]:
    """(m,) how many training rows, or groups, alone hold a level, and how many there are."""
    assert location.new_rows is not None
    subsets = location.new_rows.fitted.subsets
    n = np.array(
        [len(s) if s.blocks is None else len(np.unique(s.blocks.codes)) for s in subsets], float
    )
    n_alone = np.maximum(0.0, np.rint([s.unseen_rate * (k + 1) - 1 for s, k in zip(subsets, n)]))
    segment = np.zeros(len(location), dtype=np.intp)
    if location.segmented is not None:
        segment = location.segmented.segment
    return n_alone[segment], n[segment]


def _with_names(by_distance: Floats, is_unseen: Mask, n_alone: Floats, n: Floats) -> Floats:
    share = n_alone / (n + 1)
    return np.where(is_unseen, (n_alone + 1) / (n + 1), share + (1 - share) * by_distance)


def select_in_domain(location: DomainLocation, fdr: float) -> RowSelection:
    """The rows, or whole new groups, that are not like the training rows."""
    if location.is_replay:
        raise DataError(
            "this domain compares each block of time with earlier ones, so that its rows are not "
            "taken to be exchangeable and have no p-values: fit it without time=."
        )
    references = [part.pattern.reference for part in location.parts]
    if location.grouped is None and any(one.groups is not None for one in references):
        raise DataError(
            "whole groups were left out, and these rows do not say which of them belong together: "
            "add the column of groups."
        )
    n_alone, n = _alone(location)
    unseen_rate = float((n_alone / (n + 1)).mean()) if len(n) else 0.0
    groups = compare_groups(location, by_rows=False)
    if groups is None:
        return select_rows(
            location.p_values,
            fdr,
            n_reference=max((len(one) for one in references), default=0),
            n_train=location.n_train,
            unseen_rate=unseen_rate,
            row_names=location.row_names,
        )
    assert location.grouped is not None
    n_reference = int(groups.n_compared.max(initial=0))
    return select_rows(
        _p_values_of_groups(location, groups),
        fdr,
        n_reference=n_reference,
        n_train=n_reference,
        unseen_rate=unseen_rate,
        group=location.grouped.codes,
        row_names=location.row_names,
    )


def _p_values_of_groups(location: DomainLocation, groups: GroupComparison) -> Floats:
    """(m,) for each row the p-value of its group; NaN in groups that training rows belong to."""
    assert location.grouped is not None
    codes = location.grouped.codes
    there, first, place = np.unique(codes, return_index=True, return_inverse=True)
    is_unseen = np.zeros(len(there), dtype=bool)
    np.logical_or.at(is_unseen, place, location.unseen.any(axis=1))
    is_unseen &= ~location.grouped.known[there]
    n_alone, n = (values[first] for values in _alone(location))
    return _with_names(groups.p, is_unseen, n_alone, n)[place]
