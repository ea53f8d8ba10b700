"""Weights from distances alone, as scikit-learn regressors; each asks its method."""

from __future__ import annotations

__all__: list[str] = []
