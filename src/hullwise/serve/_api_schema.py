"""What the description of the interface (OpenAPI) says of requests and answers."""

from __future__ import annotations

from typing import Any

from ..geometry.bands import BAND_NAMES
from ._answers import ARROW_FILE, ARROW_STREAM, JSON_TYPE
from ._request_rows import KnownColumns

DESCRIPTION = (
    "Where rows stand against the training rows of a model: inside, or how far out, in which "
    "columns, and beside which training rows. GET /domain lists the columns that rows need."
)
CELL = {
    "description": "A number, a text, true, false, or null for a gap; dates as 2024-05-31.",
    "type": ["number", "string", "boolean", "null"],
}
TEXT, YES_OR_NO, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": ["number", "null"]}
TEXTS = {"type": "array", "items": TEXT}
NAME = {"description": "Its id, or its number from 0.", "type": ["string", "integer", "number"]}
BAND = {"type": "string", "enum": list(BAND_NAMES)}
VERDICT = {"type": "string", "enum": ["inside", "outside", "undecided"]}
ERROR = {
    "description": "Why the row was not located; null where it was.",
    "type": ["string", "null"],
}
PUSH = {
    "type": "object",
    "properties": {"column": TEXT, "amount": NUMBER},
    "required": ["column", "amount"],
}
ROW_ANSWER = {
    "row": NAME,
    "verdict": VERDICT,
    "band": BAND,
    "hull_percentile": NUMBER,
    "lower": NUMBER,
    "upper": NUMBER,
    "pushed_out_by": {"type": "array", "items": PUSH},
    "located_without": TEXTS,
    "nearest_rows": {"type": "array", "items": NAME},
    "status": TEXT,
    "error": ERROR,
}
REFUSALS = {
    400: "The body is not what its type says.",
    401: "The token is missing, or another.",
    403: "A page from elsewhere asks.",
    406: "Neither JSON nor Arrow is accepted.",
    408: "The body came too slowly.",
    413: "Too many bytes, or too many rows.",
    415: "Rows of another type, or compressed.",
    421: "The service is called by a name that is not its own.",
    422: "These are no rows, or they lack columns.",
    503: "Too many requests wait: come back in a second.",
    504: "There was too little time.",
}
ACCESS_REFUSALS = (401, 403, 421)


def closed(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """An object with these properties."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


PROBLEM = closed({"error": {"type": "string"}})
LOCATED = closed(
    {
        "hullwise": TEXT,
        "rows": {"type": "array", "items": closed(ROW_ANSWER)},
        "bands": {"type": "object", "additionalProperties": {"type": "integer"}},
        "notes": TEXTS,
    }
)
COLUMN_ANSWER = closed(
    {
        **dict.fromkeys(("name", "role", "value", "nearest", "training", "unseen_text"), TEXT),
        **dict.fromkeys(("share", "amount"), NUMBER),
        **dict.fromkeys(("is_unseen", "is_elsewhere"), YES_OR_NO),
    }
)
EXPLAINED = closed(
    {
        **{"hullwise": TEXT, "row": NAME, "band": BAND, "verdict": VERDICT},
        **dict.fromkeys(("hull_percentile", "lower", "upper"), NUMBER),
        **{"title": TEXT, "reasons": TEXTS},
        "columns": {"type": "array", "items": COLUMN_ANSWER},
        "nearest": {
            "type": "array",
            "items": closed({"row": NAME, "cells": {"type": "object"}}),
        },
        "picture": {"type": "string", "description": "SVG, with classes for its colours."},
        **{"status": TEXT, "error": ERROR, "notes": TEXTS},
    }
)
DESCRIBED = closed(
    {
        **{"hullwise": TEXT, "rows": {"type": "integer"}, "sha256": TEXT, "metric": TEXT},
        "columns": {"type": "array", "items": {"type": "object"}},
        "bands": {"type": "object"},
        "limits": {"type": "object"},
    }
)


def row_schema(known: KnownColumns) -> dict[str, Any]:
    """One row: the columns that the domain reads by name; others are passed over."""
    return {
        "type": "object",
        "properties": dict.fromkeys(known.sources, CELL),
        "additionalProperties": CELL,
        "minProperties": 1,
    }


def rows_body(known: KnownColumns) -> dict[str, Any]:
    """The body of `POST /locate`."""
    column = {"type": "array", "items": CELL, "minItems": 1}
    columns = {
        "type": "object",
        "properties": dict.fromkeys(known.sources, column),
        "required": list(known.sources),
    }
    row = row_schema(known)
    rows = {"type": "array", "items": row, "minItems": 1}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {
        JSON_TYPE: {"schema": {"anyOf": [rows, row, columns]}},
        ARROW_STREAM: binary,
        ARROW_FILE: binary,
    }
    return {"requestBody": {"required": True, "content": content}}


def row_body(known: KnownColumns) -> dict[str, Any]:
    """The body of `POST /explain`."""
    content = {JSON_TYPE: {"schema": row_schema(known)}}
    return {"requestBody": {"required": True, "content": content}}


def answers(schema: dict[str, Any], text: str, refusals: tuple[int, ...]) -> dict[Any, Any]:
    """The answers of a path: one that is meant, and why there may be none."""
    table: dict[Any, Any] = {
        code: {"description": REFUSALS[code], "content": {JSON_TYPE: {"schema": PROBLEM}}}
        for code in refusals
    }
    table[200] = {"description": text, "content": {JSON_TYPE: {"schema": schema}}}
    return table


def rows_answers() -> dict[Any, Any]:
    """Those of `POST /locate`."""
    table = answers(LOCATED, "Where each row stands, in their order.", tuple(REFUSALS))
    arrow = {"schema": {"type": "string", "format": "binary"}}
    table[200]["content"][ARROW_STREAM] = arrow
    return table
