"""Connections of uvicorn that do not wait for ever for the head of a request, nor in any number."""

from __future__ import annotations

import asyncio
from typing import Any

HEAD_SECONDS = 10.0  # for the head of a request to arrive
MOST_CONNECTIONS = 512


def _fastest_protocol() -> Any:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return H11Protocol
    return HttpToolsProtocol


def patient_protocol(head_seconds: float = HEAD_SECONDS) -> type[Any]:
    """uvicorn's protocol of HTTP, the faster one that is installed, with these limits.

    A client that sends its head letter by letter would otherwise hold its connection for ever.
    """

    class PatientProtocol(_fastest_protocol()):  # type: ignore[misc]
        is_refused = False
        head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            self.is_refused = len(self.connections) >= MOST_CONNECTIONS
            if self.is_refused:
                transport.abort()
                return
            super().connection_made(transport)
            self._watch_head()

        def connection_lost(self, error: Exception | None) -> None:
            if not self.is_refused:
                self._unwatch_head()
                super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            if self.is_refused:
                return
            super().data_received(data)
            if self._is_between_requests():
                self._watch_head()
            else:
                self._unwatch_head()

        def eof_received(self) -> None:
            if not self.is_refused:
                super().eof_received()

        def _is_between_requests(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _watch_head(self) -> None:
            if self.head_timer is None:
                self.head_timer = self.loop.call_later(head_seconds, self._end_late)

        def _unwatch_head(self) -> None:
            if self.head_timer is not None:
                self.head_timer.cancel()
                self.head_timer = None

        def _end_late(self) -> None:
            self.head_timer = None
            if self._is_between_requests() and not self.transport.is_closing():
                self.transport.abort()

    return PatientProtocol
