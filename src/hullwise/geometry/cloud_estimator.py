"""What every estimator shares: checked rows, a cloud of them, and pickles that know their age."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from sklearn.utils.validation import check_is_fitted, validate_data

from .. import __version__
from .._core.estimators import BaseEstimator
from ..errors import DataError, DataWarning
from ..io.validation import LabelledArray, check_rows
from .cloud import Cloud


class RowsEstimator(BaseEstimator):
    """An estimator of checked training rows, which it need not keep."""

    n_features_in_: int
    _frame_library: str | None = None

    def _read_training(self, X: Any) -> Cloud:
        """The rows X (n, d) as a cloud with a private copy; nothing of the estimator changes."""
        checked = check_rows(X)
        cloud = Cloud(checked.values, columns=checked.columns)
        cloud.labels, cloud.frame_library = checked.labels, checked.frame_library
        return cloud

    def _set_fitted(self, X: Any, cloud: Cloud, **fitted: Any) -> None:
        """Set everything that was learned, at once and last, so that an error changes nothing."""
        validate_data(self, X, skip_check_array=True, reset=True)
        self.n_features_in_ = cloud.d
        self._frame_library = cloud.frame_library
        for name, value in fitted.items():
            setattr(self, name, value)

    def _queries(self, X: Any) -> LabelledArray:
        check_is_fitted(self)
        checked = check_rows(X, allow_empty=True)
        if checked.values.shape[1] != self.n_features_in_:
            raise DataError(
                f"X has {checked.values.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        validate_data(self, X, skip_check_array=True, reset=False)
        library = checked.frame_library or self._frame_library
        return replace(checked, frame_library=library)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_hullwise_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.pop("_hullwise_version", "unknown")
        if version != __version__:
            warnings.warn(
                f"this {type(self).__name__} was pickled by hullwise {version} and is read by "
                f"{__version__}: fit it again if answers differ.",
                DataWarning,
                stacklevel=2,
            )
        super().__setstate__(state)


class CloudEstimator(RowsEstimator):
    """An estimator that holds a cloud of its training rows."""

    cloud_: Cloud

    def _set_fitted(self, X: Any, cloud: Cloud, **fitted: Any) -> None:
        super()._set_fitted(X, cloud, cloud_=cloud, **fitted)
