"""Training aids of the same geometry: gradients without backpropagation, penalties, mixtures."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Names are imported when first used: without PyTorch the rest of hullwise goes on working.
_HOMES: dict[str, str] = {}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hullwise.train' has no attribute {name!r}")
    return getattr(import_module(f"hullwise.train.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
