"""The body of a request, read no further than its limits."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from .._core.memory import size_text
from ._request_errors import RequestError
from .service_limits import ServiceLimits


async def read_body(request: Request, limits: ServiceLimits) -> bytes:
    """All bytes of a body.

    Raises
    ------
    RequestError
        There are too many, they come too slowly, or they are compressed.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the body is compressed ({encoding[:40]!r}): send it as it is",
            {"Accept-Encoding": "identity"},
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.max_body:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.sending_seconds):
            return await _collected(request, limits)
    except TimeoutError:
        raise RequestError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not arrive within {limits.sending_seconds:g} seconds",
            {"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise RequestError(HTTPStatus.BAD_REQUEST, "the connection ended amid the body") from None


async def _collected(request: Request, limits: ServiceLimits) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limits.max_body:
            raise _too_large(limits)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limits: ServiceLimits) -> RequestError:
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {size_text(limits.max_body)}, the limit of this service: send "
        "fewer rows at a time (hullwise serve --max-body)",
        {"Connection": "close"},
    )
