"""JSON in and out: strict where it is read, pure ASCII where it is written."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response
from pydantic_core import from_json

# ASCII only: no control or bidi character of a model's text reaches a terminal raw through curl, and clients that split
# event streams at U+2028 or U+0085 stay whole. Made once: each streamed token needs it.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body, whatever its content type says.

    Raises ValueError with a sentence: not JSON (NaN and Infinity are not), broken UTF-8, lone surrogates, nesting
    deeper than 200, numbers of more than 4,300 digits, or JSON that is no object.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


def dumps(value: Mapping[str, Any]) -> str:
    """Compact JSON. Raises ValueError for NaN and infinities, which JSON does not have."""
    return _ENCODER.encode(value)


def json_response(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer with a line end, so that it reads well under a shell prompt."""
    return Response(dumps(value) + "\n", status=status, mimetype="application/json", headers=dict(headers or {}))
