"""Noise, smoothness and largest slope of targets: those given, and what is learnt of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ..geometry.metric import Metric
from ._minimax_tuning import SLOPE_RATIOS
from .minimax_fits import TargetClass
from .targets import as_array

LEAST_SQUARES_RATIO = 1e12  # lam: least squares over all rows
SAME_RATIO = 1e-9  # targets share their weights where their ratios agree so far


class _Options(Protocol):
    noise: Any
    smoothness: Any
    lipschitz: Any


@dataclass(frozen=True, eq=False)
class TargetConstants:
    """What the caller says of k targets, (k,) each; None for what is to be learnt."""

    noise: Floats | None
    smoothness: Floats | None
    lipschitz: Floats | None

    @classmethod
    def of(cls, options: _Options, k: int) -> TargetConstants:
        """Those of an estimator's options, checked."""
        constants = cls(
            *(
                None if value is None else numbers_of_targets(name, value, k)
                for name, value in (
                    ("noise", options.noise),
                    ("smoothness", options.smoothness),
                    ("lipschitz", options.lipschitz),
                )
            )
        )
        if constants.smoothness is None and constants.has_slope_limit:
            raise DataError(
                "lipschitz counts beside smoothness: give both, or lipschitz=inf for slopes of "
                "any size, or none of them."
            )
        return constants

    @property
    def has_slope_limit(self) -> bool:
        """Whether a largest slope is stated."""
        return self.lipschitz is not None and bool(np.isfinite(self.lipschitz).all())

    def ratios(self, unit: float) -> tuple[Floats | None, Sequence[float]]:
        """lam, None where it is to be learnt, and each rho to try; lengths in `unit`."""
        lams = None
        if self.noise is not None and self.smoothness is not None:
            ratio = _common_ratio("noise", self.noise, "smoothness", self.smoothness)
            with np.errstate(over="ignore", under="ignore"):
                lams = np.minimum(np.square(np.array([ratio]) / unit / unit), LEAST_SQUARES_RATIO)
        if self.lipschitz is None:
            is_linear = self.smoothness is not None and not self.smoothness.any()
            return lams, [np.inf] if is_linear else SLOPE_RATIOS
        if self.smoothness is None or not self.has_slope_limit:
            return lams, [np.inf]
        ratio = _common_ratio("lipschitz", self.lipschitz, "smoothness", self.smoothness)
        return lams, [max(ratio / unit, 1e-6)]

    def target_class(
        self, metric: Metric, unit: float, lam: float, rho: float, noise: Floats
    ) -> TargetClass:
        """The targets that weights are best for; `noise` (k,) is what was learnt of it."""
        with np.errstate(all="ignore"):
            bend = np.sqrt(lam) * unit * unit  # noise over smoothness
            if self.noise is not None:
                noise = self.noise
            elif self.smoothness is not None and self.smoothness.any():
                noise = self.smoothness * bend
            smoothness = noise / bend if self.smoothness is None else self.smoothness
            slope = np.where(np.isinf(rho), np.inf, rho * unit * smoothness)
            if self.lipschitz is not None:
                slope = self.lipschitz
        return TargetClass(metric, unit, lam, rho, noise, smoothness, slope)


def numbers_of_targets(name: str, value: Any, k: int) -> Floats:
    """(k,) numbers of at least 0 from one for all targets, or one each."""
    numbers = as_array(value, name)
    usable = numbers.dtype.kind in "iuf" and numbers.shape in ((), (k,), (1,))
    infinite = name == "lipschitz" and usable and bool(np.isposinf(numbers).all())
    if not usable or not ((np.isfinite(numbers) & (numbers >= 0)).all() or infinite):
        raise DataError(
            f"{name}={value!r}: expected a finite number of at least 0, or one for each of {k} "
            "target(s)."
        )
    return np.broadcast_to(numbers.astype(np.float64), (k,)).copy()


def _common_ratio(upper: str, above: Floats, lower: str, below: Floats) -> float:
    """above / below where it is one number for all targets, infinite for 0 below."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = np.where(above == 0, 0.0, above / below)
        first = float(ratios[0])
        same = (ratios == first) | (np.abs(ratios - first) <= SAME_RATIO * first)
    if not same.all():
        raise DataError(
            f"{upper} / {lower} is {', '.join(f'{v:.4g}' for v in ratios)}: targets share their "
            "weights, which depend on that ratio. Fit each target by itself, or give one ratio."
        )
    return first
