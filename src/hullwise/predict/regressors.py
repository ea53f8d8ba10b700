"""Interpolants on meshes, as scikit-learn regressors; they compute nothing, each asks its method."""

from __future__ import annotations

__all__: list[str] = []
