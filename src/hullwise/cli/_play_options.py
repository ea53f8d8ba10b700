"""What `hullwise play` was called with; nothing numeric is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """`hullwise play`."""

    port: int
    browser: bool
