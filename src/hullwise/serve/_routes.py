"""The paths of the service."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from time import monotonic
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from .. import __version__
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ._access_guard import AccessGuard
from ._answers import (
    ARROW_FILE,
    ARROW_STREAM,
    JSON_TYPE,
    arrow_answer,
    band_counts,
    json_answer,
)
from ._api_schema import (
    ACCESS_REFUSALS,
    DESCRIBED,
    DESCRIPTION,
    EXPLAINED,
    REFUSALS,
    answers,
    row_body,
    rows_answers,
    rows_body,
)
from ._arrow_rows import arrow_rows
from ._domain_description import domain_description
from ._json_rows import json_rows
from ._locating import LocatingQueue
from ._page_files import page_files
from ._request_body import RequestBodies
from ._request_errors import RequestError, json_response
from ._request_rows import KnownColumns, RequestRows
from ._row_details import row_details
from ._traffic import OPEN_METRICS_TYPE, Traffic, TrafficCount
from .service_limits import ServiceLimits

ROWS_AS_JSON = (JSON_TYPE, "")  # the latter for clients that say nothing
ROWS_AS_ARROW = (ARROW_STREAM, ARROW_FILE)


class Service:
    """What the paths share."""

    def __init__(self, domain: Domain, limits: ServiceLimits) -> None:
        self.domain, self.limits = domain, limits
        self.known = KnownColumns(domain)
        self.queue = LocatingQueue(domain, limits)
        self.bodies = RequestBodies(limits)
        self.traffic = Traffic()
        self.files = page_files()
        self.description = domain_description(domain, self.known, limits)

    async def locate(self, request: Request, strict: bool) -> Response:
        """Where the rows of a request stand."""
        content_type = check_content_type(request)
        answer_type = accepted_type(request, content_type)
        async with self.bodies.read(request) as body:
            deadline = monotonic() + self.limits.max_seconds
            rows = await self._read(body, content_type, deadline)
            if strict and rows.unknown:
                raise RequestError(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"{rows.notes[0]}; with strict they are refused",
                )
            location = await self.queue.locate(rows.table, deadline)
            self.traffic.count_rows(band_counts(location), len(location.unusable))
            return await self._answer(location, rows, answer_type, deadline)

    async def explain(self, request: Request) -> Response:
        """Everything of one row."""
        if check_content_type(request) not in ROWS_AS_JSON:
            raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"one row is sent as {JSON_TYPE}")
        async with self.bodies.read(request) as body:
            deadline = monotonic() + self.limits.max_seconds
            rows = await self._read(body, JSON_TYPE, deadline)
            if rows.table.n != 1:
                raise RequestError(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"{rows.table.n:,} rows: one at a time is explained; POST /locate takes many",
                )
            location = await self.queue.locate(rows.table, deadline)
            self.traffic.count_rows(band_counts(location), len(location.unusable))
            details = await self.queue.run(lambda: row_details(location, rows.notes), deadline)
            return json_response(details)

    async def _read(self, body: bytes, content_type: str, deadline: float) -> RequestRows:
        reader = arrow_rows if content_type in ROWS_AS_ARROW else json_rows
        if len(body) <= FEW_BYTES and reader is json_rows:
            return reader(body, self.known, self.limits.max_rows)
        rows: RequestRows = await self.queue.run(
            lambda: reader(body, self.known, self.limits.max_rows), deadline
        )
        return rows

    async def _answer(
        self, location: DomainLocation, rows: RequestRows, answer_type: str, deadline: float
    ) -> Response:
        def build() -> Response:
            if answer_type == ARROW_STREAM:
                return Response(arrow_answer(location, rows.notes), media_type=ARROW_STREAM)
            return json_response(json_answer(location, rows.notes))

        if len(location) <= FEW_ROWS:
            return build()
        response: Response = await self.queue.run(build, deadline)
        return response


FEW_BYTES = 1 << 14  # read without a thread
FEW_ROWS = 16  # written without a thread


def check_content_type(request: Request) -> str:
    """The type of the body.

    Raises
    ------
    RequestError
        It is none that is read.
    """
    content_type = str(request.headers.get("content-type", ""))
    content_type = content_type.partition(";")[0].strip().lower()
    if content_type not in (*ROWS_AS_JSON, *ROWS_AS_ARROW):
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"rows of the type {content_type[:60]!r} are not read: send {JSON_TYPE}, "
            f"{ARROW_STREAM} or {ARROW_FILE}",
            {"Accept": f"{JSON_TYPE}, {ARROW_STREAM}, {ARROW_FILE}"},
        )
    return content_type


def accepted_type(request: Request, content_type: str) -> str:
    """JSON or Arrow, whichever is asked for; where anything will do, as the rows came.

    Raises
    ------
    RequestError
        Neither is accepted.
    """
    accepted = str(request.headers.get("accept", "*/*")).lower()
    offers = [part.partition(";")[0].strip() for part in accepted.split(",")]
    own = ARROW_STREAM if content_type in ROWS_AS_ARROW else JSON_TYPE
    for offer in offers:
        if offer in (JSON_TYPE, ARROW_STREAM):
            return offer
        if offer in ("*/*", "", "application/*"):
            return own
    raise RequestError(
        HTTPStatus.NOT_ACCEPTABLE,
        f"answers are {JSON_TYPE} or {ARROW_STREAM}, and Accept names neither",
    )


def build_app(
    domain: Domain, token: str | None, hosts: tuple[str, ...], limits: ServiceLimits
) -> FastAPI:
    """The application, with its guard around all paths."""
    service = Service(domain, limits)

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.queue.close()

    app = FastAPI(
        title="hullwise",
        version=__version__,
        description=DESCRIPTION,
        lifespan=life,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.service = service
    app.add_middleware(AccessGuard, token=token, hosts=hosts)
    app.add_middleware(TrafficCount, traffic=service.traffic)
    _add_errors(app)
    _add_paths(app, service)
    return app


MISSES = {404: "there is no such path here", 405: "this path is not asked by that method"}


def _add_errors(app: FastAPI) -> None:
    """Every refusal is a sentence in JSON."""
    app.add_exception_handler(RequestError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_path)
    app.add_exception_handler(RequestValidationError, _refuse_options)
    app.add_exception_handler(Exception, _fail)


async def _refuse(_: Request, error: RequestError) -> Response:
    return error.response()


async def _refuse_path(_: Request, error: HTTPException) -> Response:
    sentence = MISSES.get(error.status_code, str(error.detail))
    return json_response({"error": sentence}, error.status_code, error.headers)


async def _refuse_options(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"][1:]))
    sentence = f"{name}: {first['msg']}"
    return json_response({"error": sentence}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _fail(_: Request, error: Exception) -> Response:
    sentence = "an error of the service itself, which its log holds; please report it"
    return json_response({"error": sentence}, HTTPStatus.INTERNAL_SERVER_ERROR)


def _add_paths(app: FastAPI, service: Service) -> None:
    async def locate(
        request: Request,
        strict: bool = Query(False, description="Refuse columns that are not known."),
    ) -> Response:
        return await service.locate(request, strict)

    async def explain(request: Request) -> Response:
        return await service.explain(request)

    async def page() -> Response:
        return _page_response("index.html")

    async def page_file(name: str) -> Response:
        return _page_response(name)

    def _page_response(name: str) -> Response:
        file = service.files.get(name)
        if file is None:
            raise RequestError(HTTPStatus.NOT_FOUND, "there is no such file of the page")
        return Response(file.content, media_type=file.media_type)

    async def domain() -> Response:
        return json_response(service.description)

    async def healthz() -> Response:
        return json_response({"status": "ok"})

    async def metrics() -> Response:
        queue = service.queue
        text = service.traffic.metrics_text(queue.n_running, queue.n_waiting)
        return Response(text, media_type=OPEN_METRICS_TYPE)

    known = service.known
    options: dict[str, dict[str, Any]] = {
        "/locate": {
            "methods": ["POST"],
            "summary": "Where rows stand",
            "openapi_extra": rows_body(known),
            "responses": rows_answers(),
        },
        "/explain": {
            "methods": ["POST"],
            "summary": "Everything of one row",
            "openapi_extra": row_body(known),
            "responses": answers(EXPLAINED, "Band, reasons, neighbours.", tuple(REFUSALS)),
        },
        "/domain": {
            "summary": "What columns rows need, and what was fitted",
            "responses": answers(DESCRIBED, "Columns, bands, sizes.", ACCESS_REFUSALS),
        },
        "/healthz": {
            "summary": "Whether the service lives",
            "responses": answers({"type": "object"}, "It does.", ACCESS_REFUSALS),
        },
        "/metrics": {
            "summary": "What the service has done, as OpenMetrics",
            "responses": answers({}, "Figures.", ACCESS_REFUSALS)
            | {200: {"description": "Figures.", "content": {OPEN_METRICS_TYPE: {}}}},
        },
        "/": {"include_in_schema": False},
        "/page/{name}": {"include_in_schema": False},
    }
    endpoints = (locate, explain, domain, healthz, metrics, page, page_file)
    for (path, own), endpoint in zip(options.items(), endpoints, strict=True):
        app.add_api_route(path, endpoint, response_class=Response, **own)
