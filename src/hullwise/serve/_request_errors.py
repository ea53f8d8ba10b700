"""Why a request gets no answer: a status and one sentence, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

RETRY_SECONDS = "1"


class RequestError(Exception):
    """Ends a request with a status of HTTP and a sentence."""

    def __init__(
        self, status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, dict(headers or {})

    def response(self) -> Response:
        """The answer that says it."""
        return json_response({"error": self.sentence}, self.status, self.headers)


def json_response(
    content: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON with letters as they are; not finite numbers are an error of ours."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(
        text.encode("utf-8", "backslashreplace"),
        int(status),
        dict(headers or {}),
        "application/json",
    )


def busy_error() -> RequestError:
    """Too many requests wait already."""
    return RequestError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too many requests are waiting already: try again in a second",
        {"Retry-After": RETRY_SECONDS},
    )
