"""Outputs of which one is on in each row: levels of a category, named by the table's own cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._core.types import Floats, Indices, Ints, Mask
from ..io.mixed_table import MixedTable
from ._fitted_encoders import EncodedFeature
from .columns import LevelColumn
from .infer import MOST_UNSEEN
from .output_columns import KnownLevels, OutputBlock


class BlockLearner:
    """Which outputs are levels of categories, in the training rows.

    Attributes
    ----------
    blocks : list of OutputBlock
    is_taken : (k,) bool
        Outputs that belong to a block.
    """

    def __init__(
        self,
        table: MixedTable,
        output_names: Sequence[str],
        outputs: Floats,
        inputs: Sequence[str],
        depends: Mask,
        replaced: Mapping[str, Mask],
    ) -> None:
        self.table, self.output_names, self.outputs = table, output_names, outputs
        self.inputs, self.depends, self.replaced = inputs, depends, replaced
        self.blocks: list[OutputBlock] = []
        self.is_taken = np.zeros(len(output_names), dtype=bool)
        self._labels: dict[str, Any] = {}

    def labels(self, name: str) -> Any:
        """(n,) object: the cells of a column as labels, None in gaps."""
        if name not in self._labels:
            cells = self.table.column(name)
            labels = cells.labels(cells.kind).to_pylist()
            self._labels[name] = np.array([*labels, None], dtype=object)[:-1]
        return self._labels[name]

    def add_feature(self, feature: EncodedFeature) -> None:
        """The outputs of a column of a one-hot encoder, where they still are its levels."""
        places = {name: j for j, name in enumerate(self.output_names)}
        outputs = [places[name] for name, _ in feature.outputs if name in places]
        source = feature.name if feature.name in self.inputs else self._only_input(outputs)
        if not outputs or source is None:
            return
        levels = [level for name, level in feature.outputs if name in places]
        self._add(source, outputs, [*levels, feature.dropped or ""])

    def add_indicators(self) -> None:
        """Outputs of 0 and 1 that no encoder explains: blocks of one input, or yes and no."""
        values = np.where(np.isnan(self.outputs), 0.0, self.outputs)
        zero_or_one = ((values == 0) | (values == 1)).all(axis=0) & ~self.is_taken
        groups: dict[str, list[int]] = {}
        for j in np.flatnonzero(zero_or_one):
            source = self._only_input([int(j)])
            if source is not None:
                groups.setdefault(source, []).append(int(j))
        for source, outputs in groups.items():
            filled = ~self.table.column(source).empty
            if len(outputs) > 1 and (values[filled][:, outputs].sum(axis=1) == 1).all():
                names = [self.output_names[j] for j in outputs]
                self._add(source, outputs, [*_without_shared_start(names), ""])
        for j in np.flatnonzero(zero_or_one & ~self.is_taken):
            source = self._only_input([int(j)])
            if source is not None:
                self._add(source, [int(j)], ["1", "0"])

    def add_constants(self) -> None:
        """Outputs of a column that is the same in all training rows: one level each."""
        for j in np.flatnonzero(~self.is_taken & ~self.depends.any(axis=1)):
            name = self.output_names[int(j)].rpartition("__")[2]
            named = [source for source in self.inputs if f"{name}_".startswith(f"{source}_")]
            if named and len(np.unique(self.outputs[:, j])) == 1:
                source = max(named, key=len)
                self.depends[j, self.inputs.index(source)] = True
                self._add(source, [int(j)], ["1", "0"])

    def _only_input(self, outputs: Sequence[int]) -> str | None:
        on = np.flatnonzero(self.depends[list(outputs)].any(axis=0))
        return self.inputs[int(on[0])] if len(on) == 1 else None

    def _add(self, source: str, outputs: list[int], names: list[str]) -> None:
        """A block, where at most one output is on in each row; `names` ends with that of none."""
        gap = np.isnan(self.outputs[:, outputs]).any(axis=1)
        gap |= self.replaced.get(source, False)
        block = self.outputs[:, outputs]
        limits, codes = _codes(block[~gap])
        if codes is None:
            return
        all_codes = np.full(len(block), -1, dtype=np.intp)
        all_codes[~gap] = codes
        used = np.unique(codes)
        labels = self.labels(source)
        rows_of = [np.flatnonzero(all_codes == code) for code in used]
        if not names[-1] and len(used) and used[-1] == len(outputs):
            # rows with none of the levels: gaps, or levels whose outputs a later step drops
            others = [row for row in rows_of[-1] if labels[row] is not None]
            used, rows_of = used[:-1], rows_of[:-1]
            if others:
                used, rows_of = np.append(used, len(outputs)), [*rows_of, np.array(others)]
                names = [*names[:-1], "other levels"]
        if not len(used):
            return
        is_cell = self._are_cells(labels, rows_of)
        shown = [self._label(labels, rows) for rows in rows_of] if is_cell else []
        levels = shown or [names[code] or "none" for code in used]
        if len(set(levels)) < len(levels):
            return
        place_of = {int(code): place for place, code in enumerate(used)}
        cells = self.table.column(source)
        self.blocks.append(
            OutputBlock(
                source,
                source,
                f"output {self.output_names[outputs[0]]!r}",
                tuple(levels),
                tuple(len(rows) for rows in rows_of),
                cells.kind,
                is_cell and LevelColumn.GAP in levels,
                tuple(outputs),
                tuple(place_of.get(j, -1) for j in range(len(outputs))),
                tuple(limits),
                place_of.get(len(outputs), -1),
                is_cell,
            )
        )
        self.is_taken[outputs] = True

    def _are_cells(self, labels: Any, rows_of: Sequence[Indices]) -> bool:
        """Whether each level is one label of the column; gaps that were filled do not count."""
        seen = [{label for label in labels[rows] if label is not None} for rows in rows_of]
        alone = [len(one) == 1 or (not one and len(rows)) for one, rows in zip(seen, rows_of)]
        return all(alone) and sum(not one for one in seen) <= 1

    def _label(self, labels: Any, rows: Indices) -> str:
        return next((str(labels[row]) for row in rows if labels[row] is not None), LevelColumn.GAP)

    def known_levels(self, feature: EncodedFeature) -> KnownLevels | None:
        """The levels of an encoder where they are those of a column, and do not go on being new."""
        if feature.name not in self.inputs:
            return None
        if not self.depends[:, self.inputs.index(feature.name)].any():
            return None
        labels = self.labels(feature.name)
        filled = [str(label) for label in labels if label is not None]
        levels, counts = np.unique(np.array(filled, dtype=object).astype(str), return_counts=True)
        is_known = bool(set(levels.tolist()) & set(feature.levels))
        if not is_known or (counts == 1).sum() > MOST_UNSEEN * len(filled):
            return None
        return KnownLevels(
            feature.name,
            feature.name,
            f"levels of {feature.encoder}",
            tuple(levels.tolist()),
            tuple(counts.tolist()),
            self.table.column(feature.name).kind,
        )


def _codes(block: Floats) -> tuple[list[float], Ints | None]:
    """Which output is on in each row, the number of outputs where none is; None for no block."""
    if not len(block):
        return [], None
    low, high = block.min(axis=0), block.max(axis=0)
    if not ((block == low) | (block == high)).all():
        return [], None
    limits = np.where(high > low, low / 2 + high / 2, np.where(high == 1, 0.5, np.inf))
    on = block > limits
    if (on.sum(axis=1) > 1).any():
        return [], None
    codes = np.where(on.any(axis=1), np.argmax(on, axis=1), block.shape[1])
    return [min(float(limit), 1e300) for limit in limits], codes.astype(np.intp)


def _without_shared_start(names: Sequence[str]) -> list[str]:
    """The names without what all of them begin with."""
    shared = 0
    while len({name[: shared + 1] for name in names}) == 1 and shared < len(names[0]):
        shared += 1
    return [name[shared:] for name in names]
