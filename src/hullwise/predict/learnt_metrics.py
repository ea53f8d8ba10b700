"""Metrics that are learnt from rows and targets, by name: they live in a room above this one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .. import _METRIC_LEARNERS

__all__ = ["learnt_metric", "learnt_metric_names"]


def learnt_metric_names() -> tuple[str, ...]:
    """Names that `metric=` takes for metrics that look at targets."""
    return tuple(_METRIC_LEARNERS)


def learnt_metric(option: Any) -> Callable[[Any, Any], Any] | None:
    """The function of rows (n, d) and targets behind such a name; None for any other option.

    Examples
    --------
    >>> from hullwise.predict.learnt_metrics import learnt_metric
    >>> learnt_metric("agop").__name__
    'agop_of_rows'
    """
    if not isinstance(option, str) or option not in _METRIC_LEARNERS:
        return None
    module, _, name = _METRIC_LEARNERS[option].rpartition(".")
    function: Callable[[Any, Any], Any] = getattr(import_module(f"hullwise.{module}"), name)
    return function
