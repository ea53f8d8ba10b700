"""The metrics that a regressor chooses among, each as a function of the rows it is learnt from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats, Indices
from ..errors import DataError, HullwiseError
from ..geometry.cloud import Cloud
from ..geometry.left_out import MetricOfRows
from ..geometry.metric import Metric
from .duplicates import TrainingPlaces
from .learnt_metrics import learnt_metric, learnt_metric_names

AUTO_METRIC = "auto"  # the best of "std" and all that are learnt, by left-out rows


@dataclass(frozen=True, eq=False)
class MetricChoice:
    """A metric that may be learnt.

    Attributes
    ----------
    name : str
    learn : function of places (p,)
        The metric learnt from these alone.
    is_learnt : bool
        Whether it looks at targets.
    is_optional : bool
        Whether there are others, should it not be learnt.
    """

    name: str
    learn: Callable[[Indices], Metric]
    is_learnt: bool
    is_optional: bool = False

    def attempt(self, rows: Indices) -> Metric | None:
        """The metric learnt from these places; None where it cannot be and there are others."""
        try:
            return self.learn(rows)
        except HullwiseError:
            if self.is_optional:
                return None
            raise


def is_fixed(option: Any) -> bool:
    """Whether a metric option does not look at targets."""
    names = (AUTO_METRIC, *learnt_metric_names())
    is_name = isinstance(option, str) and option in names
    return not (is_name or callable(option) or isinstance(option, MetricOfRows))


def metric_choices(
    option: Any, cloud: Cloud, fixed: Metric, places: TrainingPlaces
) -> list[MetricChoice]:
    """What a metric option allows; `fixed` is the metric where it looks at no targets."""
    Y = places.targets[:, 0] if places.targets.shape[1] == 1 else places.targets
    if is_fixed(option):
        name = option if isinstance(option, str) else "given"
        return [MetricChoice(name, lambda rows: fixed, False)]
    if isinstance(option, str) and option == AUTO_METRIC:
        choices = [MetricChoice("std", lambda rows: fixed, False)]
        names = learnt_metric_names() if cloud.d > 1 else ()
        return choices + [_of_function(name, learnt_metric(name), cloud, Y, True) for name in names]
    if isinstance(option, MetricOfRows):
        return [_of_rows(option, cloud, places)]
    name = option if isinstance(option, str) else "function"
    return [_of_function(name, learnt_metric(option) or option, cloud, Y, False)]


def _of_function(
    name: str, function: Any, cloud: Cloud, Y: Floats, is_optional: bool
) -> MetricChoice:
    def learn(rows: Indices) -> Metric:
        return cloud.metric(function(cloud.take(rows), Y[rows]))

    return MetricChoice(name, learn, True, is_optional)


def _of_rows(learner: MetricOfRows, cloud: Cloud, places: TrainingPlaces) -> MetricChoice:
    n = len(places.place)
    if learner.n != n:
        raise DataError(f"the metric is learnt from {learner.n} rows, X has {n}.")

    def learn(rows: Indices) -> Metric:
        left_out = np.flatnonzero(~np.isin(places.place, rows))
        return cloud.metric(learner.without(left_out) if len(left_out) else learner.from_all())

    return MetricChoice("learner", learn, True)
