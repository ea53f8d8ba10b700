"""The base classes of scikit-learn with types, which it has none of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:

    class BaseEstimator:
        """Parameters are the arguments of `__init__`, kept under their names."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

        def set_params(self, **params: Any) -> Self: ...

        def __getstate__(self) -> dict[str, Any]: ...

        def __setstate__(self, state: dict[str, Any]) -> None: ...

        def __sklearn_tags__(self) -> Any: ...

    class TransformerMixin:
        """`fit_transform` and `set_output`."""

        def __sklearn_tags__(self) -> Any: ...

        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any: ...

        def set_output(self, *, transform: str | None = None) -> Self: ...

    class RegressorMixin:
        """`score` is the coefficient of determination."""

        def __sklearn_tags__(self) -> Any: ...

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

    class ClassifierMixin:
        """`score` is the share of right labels."""

        def __sklearn_tags__(self) -> Any: ...

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

    class OutlierMixin:
        """`fit_predict`."""

        def __sklearn_tags__(self) -> Any: ...

        def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> Any: ...
else:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        OutlierMixin,
        RegressorMixin,
        TransformerMixin,
    )

__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "OutlierMixin",
    "RegressorMixin",
    "TransformerMixin",
]
