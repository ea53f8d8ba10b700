"""What a cloud has computed of its rows, kept for the next call."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any, TypeVar, cast

import numpy as np

from .._core.types import Floats
from .metric import Metric

MAX_CACHED_METRICS = 4  # whose views, coordinates and references a cloud keeps
MAX_PICKLED_BYTES = 1 << 20  # a cached value of more is computed anew after pickling

Value = TypeVar("Value")


class CloudCache:
    """Values by key; those that belong to a metric go with it when others have pushed it out.

    What does not depend on a metric stays. Threads may ask at once: then a value may be computed
    twice, and each gets a whole one.
    """

    def __init__(self) -> None:
        self.values: dict[Hashable, Any] = {}
        self.metrics: dict[Hashable, Metric] = {}  # by what was asked for, last used last
        self.by_metric: dict[int, tuple[Metric, dict[Hashable, Any]]] = {}  # last used last

    def get(
        self, key: Hashable, compute: Callable[[], Value], metric: Metric | None = None
    ) -> Value:
        """The value of a key, computed where it is not known."""
        values = self.values if metric is None else self._values_of(metric)
        if key in values:
            return cast(Value, values[key])
        value = compute()
        values[key] = value
        return value

    def get_metric(self, key: Hashable, compute: Callable[[], Metric]) -> Metric:
        """The metric that was asked for under this key: the same object again."""
        metric = self.metrics.pop(key, None) or compute()
        self.metrics[key] = metric
        _drop_oldest(self.metrics)
        return metric

    def _values_of(self, metric: Metric) -> dict[Hashable, Any]:
        # the metric is kept with its values, so that its id stays its own
        entry = self.by_metric.pop(id(metric), None) or (metric, {})
        self.by_metric[id(metric)] = entry
        _drop_oldest(self.by_metric)
        return entry[1]

    def __getstate__(self) -> dict[str, Any]:
        """Small values only: what a pickle holds twice, or what is soon computed, is left out."""
        return {
            "values": _small_values(self.values.items()),
            "metrics": dict(self.metrics),
            "by_metric": [
                (metric, _small_values(values.items()))
                for metric, values in self.by_metric.values()
            ],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.values, self.metrics = state["values"], state["metrics"]
        self.by_metric = {id(metric): (metric, values) for metric, values in state["by_metric"]}


def digest(values: Floats) -> tuple[tuple[int, ...], str]:
    """What arrays of equal shape and numbers have in common."""
    return values.shape, blake2b(np.ascontiguousarray(values).tobytes()).hexdigest()


def _drop_oldest(entries: dict[Any, Any]) -> None:
    for key in list(entries)[: max(0, len(entries) - MAX_CACHED_METRICS)]:
        entries.pop(key, None)


def _small_values(items: Iterable[tuple[Hashable, Any]]) -> dict[Hashable, Any]:
    sizes = {key: (value, array_bytes(value)) for key, value in list(items)}
    return {
        key: value
        for key, (value, size) in sizes.items()
        if size is not None and size <= MAX_PICKLED_BYTES
    }


def array_bytes(value: Any) -> int | None:
    """Bytes of the arrays in a result; None for anything that holds more than numbers."""
    if isinstance(value, np.ndarray):
        return None if value.dtype.hasobject else value.nbytes
    if value is None or isinstance(value, str | int | float | Enum | np.generic):
        return 0
    if isinstance(value, tuple):
        sizes = [array_bytes(part) for part in value]
    elif is_dataclass(value) and not isinstance(value, type):
        sizes = [array_bytes(getattr(value, field.name)) for field in fields(value)]
    else:
        return None
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
