"""What a page may ask of a snapshot: one function for each type of message, in one table.

A reading takes the snapshot and the page's message and returns what is added to the answer, an
object of JSON with the same type and the frame it belongs to. It raises DataError for a message
that makes no sense. The message is kept and answered again with every frame while the network
trains, until the page sends one whose `CLEARING_KEYS` entry is null.

A frame reading takes the snapshot alone; what it returns is added to the "numbers" of the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .answers import features_answer, frame_answer, line_answer, probe_answer, unit_answer

if TYPE_CHECKING:
    from .snapshot import Snapshot

__all__ = ["CLEARING_KEYS", "FRAME_READINGS", "PAGE_READINGS"]

Message = dict[str, Any]

PAGE_READINGS: dict[str, Callable[[Snapshot, Message], Message]] = {
    "probe": probe_answer,
    "line": line_answer,
    "unit": unit_answer,
    "features": features_answer,
}
CLEARING_KEYS = {"probe": "point", "line": "from", "unit": "layer", "features": "shown"}
FRAME_READINGS: list[Callable[[Snapshot], Message]] = [frame_answer]
