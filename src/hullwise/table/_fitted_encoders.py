"""The encoders of categories in a fitted transformer, by the attributes that scikit-learn gives.

Pipelines, column transformers and unions are gone through as they are nested; nothing of
scikit-learn is imported. What is not understood is left: its outputs are numbers then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..io.mixed_column import number_label
from .columns import LevelColumn


@dataclass(frozen=True)
class EncodedFeature:
    """One column of a fitted encoder.

    Attributes
    ----------
    name : str
        The column that the encoder takes: one of the table, unless a step before renamed it.
    levels : tuple of str
        All that it knows.
    outputs : tuple of (str, str)
        Of a one-hot encoder the names of its outputs and their levels.
    dropped : str or None
        The level that has no output.
    encoder : str
        The encoder in words, such as "OneHotEncoder(drop='first')".
    blind : bool
        Whether it codes a level never seen as one that it knows.
    """

    name: str
    levels: tuple[str, ...]
    outputs: tuple[tuple[str, str], ...] = ()
    dropped: str | None = None
    encoder: str = ""
    blind: bool = False

    def renamed(self, names: Mapping[str, str]) -> EncodedFeature:
        """The same with its outputs as later steps call them; those that these drop are gone."""
        kept = tuple((names[name], level) for name, level in self.outputs if name in names)
        return replace(self, outputs=kept)


def encoded_features(transformer: Any, names: Sequence[str]) -> tuple[EncodedFeature, ...]:
    """The columns of all encoders in a transformer that takes columns of these names."""
    try:
        return tuple(_walk(transformer, list(names))[1])
    except Exception:  # objects that only look like scikit-learn's: their outputs are numbers
        return ()


def level_label(category: Any) -> str:
    """A category of an encoder as the label that a column of the table has for it."""
    if category is None or category != category:
        return LevelColumn.GAP
    if isinstance(category, str):
        return category.strip()
    if str(category) in ("True", "False"):
        return str(category)
    try:
        return number_label(float(category))
    except (TypeError, ValueError):
        return str(category)


def _walk(step: Any, names: list[str]) -> tuple[list[str], list[EncodedFeature]]:
    """The names of a step's outputs, and the encoders in it."""
    if hasattr(step, "steps"):
        return _pipeline(step, names)
    if hasattr(step, "transformers_"):
        return _column_transformer(step, names)
    if hasattr(step, "transformer_list"):
        outputs, features = _names_out(step, names), []
        for _, part in step.transformer_list:
            if part not in ("drop", None, "passthrough"):
                local, inner = _walk(part, names)
                features += [f.renamed(_carried(local, outputs)) for f in inner]
        return outputs, features
    outputs = _names_out(step, names)
    if not hasattr(step, "categories_"):
        return outputs, []
    if hasattr(step, "drop_idx_"):
        return outputs, _one_hot(step, names, outputs)
    return outputs, [
        EncodedFeature(name, tuple(map(level_label, known)), encoder=type(step).__name__)
        for name, known in zip(names, step.categories_, strict=True)
    ]


def _pipeline(pipeline: Any, names: list[str]) -> tuple[list[str], list[EncodedFeature]]:
    features: list[EncodedFeature] = []
    for _, step in pipeline.steps:
        if step in (None, "passthrough"):
            continue
        outputs, inner = _walk(step, names)
        features = [f.renamed(_carried(names, outputs)) for f in features] + inner
        names = outputs
    return names, features


def _column_transformer(step: Any, names: list[str]) -> tuple[list[str], list[EncodedFeature]]:
    outputs = _names_out(step, names)
    features: list[EncodedFeature] = []
    if isinstance(step.transformers_, Mapping):  # as skrub's TableVectorizer has them
        parts = [(column, part, [column]) for column, part in step.transformers_.items()]
    else:
        parts = step.transformers_
    for name, part, columns in parts:
        if isinstance(part, str):
            continue
        local, inner = _walk(part, _selected(columns, names))
        place = getattr(step, "output_indices_", {}).get(name)
        final = outputs[place] if place is not None else []
        carried = dict(zip(local, final)) if len(final) == len(local) else _carried(local, outputs)
        features += [feature.renamed(carried) for feature in inner]
    return outputs, features


def _selected(columns: Any, names: list[str]) -> list[str]:
    """The names of columns as a column transformer selects them: by name, place, slice or mask."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            start = 0 if columns.start is None else names.index(columns.start)
            stop = len(names) if columns.stop is None else names.index(columns.stop) + 1
            return names[start:stop]
        return names[columns]
    if isinstance(columns, int):
        return [names[columns]]
    listed = list(columns)
    if listed and all(str(entry) in ("True", "False") for entry in listed):
        return [name for name, chosen in zip(names, listed) if chosen]
    return [entry if isinstance(entry, str) else names[int(entry)] for entry in listed]


def _names_out(step: Any, names: list[str]) -> list[str]:
    try:
        return [str(name) for name in step.get_feature_names_out(names)]
    except Exception:  # fitted on arrays, or takes no names
        return [str(name) for name in step.get_feature_names_out()]


def _carried(names: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """Which output each name becomes: the same, or the one with a prefix."""
    known = set(outputs)
    carried = {}
    for name in names:
        ends = [out for out in outputs if out.endswith(f"__{name}")]
        if name in known:
            carried[name] = name
        elif len(ends) == 1:
            carried[name] = ends[0]
    return carried


def _one_hot(encoder: Any, names: list[str], outputs: list[str]) -> list[EncodedFeature]:
    features = []
    start = 0
    infrequent = getattr(encoder, "infrequent_categories_", None)
    for i, (name, categories) in enumerate(zip(names, encoder.categories_, strict=True)):
        levels = tuple(map(level_label, categories))
        rare = None if infrequent is None or infrequent[i] is None else infrequent[i]
        rare_levels = () if rare is None else tuple(map(level_label, rare))
        kept = [level for level in levels if level not in rare_levels]
        group = f"infrequent: {', '.join(rare_levels)}"
        if rare_levels:
            kept.append(group)
        dropped = None
        if encoder.drop_idx_ is not None and encoder.drop_idx_[i] is not None:
            dropped = levels[int(encoder.drop_idx_[i])]
            dropped = group if dropped in rare_levels else dropped
            kept.remove(dropped)
        places = outputs[start : start + len(kept)]
        start += len(kept)
        features.append(
            EncodedFeature(
                name,
                levels,
                tuple(zip(places, kept)),
                dropped,
                f"{type(encoder).__name__}(drop={encoder.drop!r})",
                dropped is not None and encoder.handle_unknown != "error",
            )
        )
    return features if start == len(outputs) else []
