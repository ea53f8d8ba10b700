"""Parts of a study found in its modules, so that a new part is one new file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

__all__ = ["discovered"]


def discovered(package: str, name: str) -> list[Any]:
    """What the modules of a package list under `name`, in the order of the modules' names."""
    modules = pkgutil.iter_modules(import_module(package).__path__)
    loaded = (import_module(f"{package}.{module.name}") for module in modules)
    return [entry for module in loaded for entry in getattr(module, name, ())]
