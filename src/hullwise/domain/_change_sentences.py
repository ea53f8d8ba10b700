"""The smallest change of a row in words."""

from __future__ import annotations

from collections.abc import Sequence

from ..io.coercion import format_names
from ..table.decoding import number_text
from .change import USUAL_BANDS, ColumnChange

N_OTHERS = 3  # further changes that are named
N_COLUMNS = 4  # of one change that are named


def change_sentences(
    *,
    band: str,
    fixed: Sequence[str],
    together: ColumnChange | None,
    alone: Sequence[ColumnChange],
    sparse: ColumnChange | None,
    is_decided: bool,
    levels: Sequence[ColumnChange],
    with_levels: Sequence[ColumnChange],
    nothing_helps: bool,
    unseen: Sequence[str],
    among: str,
    unit: str,
) -> str:
    """All that is known of the change of one row, the shortest change first."""
    if nothing_helps:
        stays = f"what stays ({format_names(fixed)})" if fixed else "what cannot change"
        return f"{band}: no change of the other columns is enough (proved): {stays} is too far out."
    parts = [f"{band}."]
    if unseen:
        parts.append(f"{' and '.join(unseen)} must change: never seen in {among}.")
    if sparse is not None and sparse.possible:
        parts.append(_fewest(alone, sparse, unit, is_decided))
    if together is not None and together.possible and len(together.values) > 1:
        if sparse is None or together.cost < sparse.cost * (1 - 1e-9):
            parts.append(f"Several numbers together: {_words(together, unit)}.")
    elif together is not None and together.impossible:
        parts.append("No change of the numbers is enough (proved).")
    if levels:
        parts.append(_levels(levels))
    if with_levels:
        parts.append(f"{_words(with_levels[0], unit)}.")
    if not (levels or with_levels or (together is not None and together.possible)):
        parts.append("Nor is another level, two of the nearest, or one with all numbers.")
    return " ".join(parts)


def _fewest(
    alone: Sequence[ColumnChange], sparse: ColumnChange, unit: str, is_decided: bool
) -> str:
    why = "proved" if is_decided else "as far as rounding tells"
    if sparse not in alone:
        n = len(sparse.columns)
        why = "as whole numbers" if alone else why
        return f"{n} numbers: {_words(sparse, unit)}; no number alone is enough ({why})."
    first = sparse.texts[0] if sparse.texts else sparse.columns[0]
    name = sparse.columns[0]
    words = f"{name} alone, {first.removeprefix(name).strip()}{_size(sparse, unit)}"
    others = [c for c in alone if c is not sparse and c.band in USUAL_BANDS]
    if not others:
        return f"{words}; no other number alone is enough ({why})."
    more = "; or ".join(_words(change, unit) for change in others[:N_OTHERS])
    rest = len(others) - N_OTHERS
    return f"{words}; or {more}{f'; or one of {rest} others' if rest > 0 else ''}."


def _words(change: ColumnChange, unit: str) -> str:
    texts, rest = change.texts[:N_COLUMNS], len(change.texts) - N_COLUMNS
    more = f" and {rest} more" if rest > 0 else ""
    return f"{', '.join(texts)}{more}{_size(change, unit)}"


def _size(change: ColumnChange, unit: str) -> str:
    """': 2.05 sd, the least (proved)', and what rounding to whole numbers made of it."""
    least = "the least" if change.is_least else f"at least {number_text(change.lower)}"
    rounded = "" if change.band in USUAL_BANDS else f"; {change.band} once rounded"
    return f": {number_text(change.cost)}{unit}, {least} (proved){rounded}"


def _levels(levels: Sequence[ColumnChange]) -> str:
    first, *others = [" and ".join(change.texts) for change in levels]
    if not others:
        return f"{first} would be enough."
    more = "; ".join(others[:N_OTHERS])
    rest = len(others) - N_OTHERS
    return f"{first} would be enough; so would {more}" + (
        f", and {rest} more." if rest > 0 else "."
    )
