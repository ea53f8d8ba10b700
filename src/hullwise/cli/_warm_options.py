"""What `hullwise warm` was called with; nothing numeric is imported."""

from __future__ import annotations

from dataclasses import dataclass

from ._option_groups import StatusOptions


@dataclass(frozen=True, kw_only=True)
class WarmOptions(StatusOptions):
    """`hullwise warm`."""

    only: tuple[str, ...]
