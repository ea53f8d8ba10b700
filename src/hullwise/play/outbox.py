"""What waits to be sent to one page."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

__all__ = ["Outbox"]

MAX_WAITING_BYTES = 32 * 2**20


class Outbox:
    """Messages for a socket, in order; the socket is cut off where they pile up.

    `put` may be called from any thread, `send_all` runs in the event loop.

    Parameters
    ----------
    socket
        An open connection of websockets' asyncio server.
    """

    def __init__(self, socket: Any) -> None:
        self._socket, self._loop = socket, asyncio.get_running_loop()
        self._waiting: deque[str | bytes] = deque()
        self._waiting_bytes = 0
        self._has_more = asyncio.Event()

    def put(self, data: str | bytes) -> None:
        """Send this after all that waits; returns at once."""
        try:
            self._loop.call_soon_threadsafe(self._append, data)
        except RuntimeError:  # the loop has ended, and the page with it
            return

    def _append(self, data: str | bytes) -> None:
        self._waiting_bytes += len(data)
        if self._waiting_bytes > MAX_WAITING_BYTES:  # it acknowledges what it does not read
            self._waiting.clear()
            self._socket.transport.abort()
            return
        self._waiting.append(data)
        self._has_more.set()

    async def send_all(self) -> None:
        """Send what comes until the socket is closed; waits where the page reads slowly."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                await self._has_more.wait()
                self._has_more.clear()
                while self._waiting:
                    data = self._waiting.popleft()
                    await self._socket.send(data)
                    self._waiting_bytes -= len(data)
        except ConnectionClosed:
            return
