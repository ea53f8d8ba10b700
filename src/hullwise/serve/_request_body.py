"""The body of a request, read no further than its limits, and those of all requests together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from .._core.memory import size_text
from ._request_errors import RequestError, busy_error
from .service_limits import ServiceLimits

BODIES_AT_ONCE = 4  # of the largest size, or as many more as are smaller


class RequestBodies:
    """Reads bodies, and counts the bytes of those that are in work; on one event loop."""

    def __init__(self, limits: ServiceLimits) -> None:
        self.limits, self.n_bytes = limits, 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """All bytes of a body, which count until the request is answered.

        Raises
        ------
        RequestError
            There are too many, they come too slowly, or they are compressed.
        """
        chunks: list[bytes] = []
        try:
            yield await self._all_bytes(request, chunks)
        finally:
            self.n_bytes -= sum(map(len, chunks))

    async def _all_bytes(self, request: Request, chunks: list[bytes]) -> bytes:
        encoding = str(request.headers.get("content-encoding", "identity")).strip().lower()
        if encoding not in ("", "identity"):
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"the body is compressed ({encoding[:40]!r}): send it as it is",
                {"Accept-Encoding": "identity"},
            )
        length = str(request.headers.get("content-length", ""))
        if length.isdecimal() and int(length[:20]) > self.limits.max_body:
            raise self._too_large()
        seconds = self.limits.sending_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._collect(request, chunks)
        except TimeoutError:
            raise RequestError(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the body did not arrive within {seconds:g} seconds",
                {"Connection": "close"},
            ) from None
        except ClientDisconnect:
            text = "the connection ended amid the body"
            raise RequestError(HTTPStatus.BAD_REQUEST, text) from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _collect(self, request: Request, chunks: list[bytes]) -> None:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self.limits.max_body:
                raise self._too_large()
            if self.n_bytes + len(chunk) > BODIES_AT_ONCE * self.limits.max_body:
                raise busy_error()
            if chunk:
                self.n_bytes += len(chunk)
                chunks.append(chunk)

    def _too_large(self) -> RequestError:
        return RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body is larger than {size_text(self.limits.max_body)}, the limit of this "
            "service: send fewer rows at a time (hullwise serve --max-body)",
            {"Connection": "close"},
        )
