"""What a body has wrong, as a sentence about JSON: pydantic's own words speak of Python and of its classes."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from llmtui.server.errors import ApiError, invalid

SHOWN_INPUT = 60
_WHOLE_NUMBER = "must be a whole number"
# by pydantic's names of what can be wrong
_SENTENCES = {
    "missing": "is required",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be an array",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "float_type": "must be a number",
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER + ", without a fraction",
    "string_too_short": "must not be empty",
}
# there is nothing to show, or nothing that JSON has a word for
_WITHOUT_INPUT = ("missing", "string_too_short", "too_short", "finite_number")


def explain(error: ValidationError, fields: Any) -> ApiError:
    """The first problem of a body as a sentence that names the place, as in `messages[0].role`.

    fields: the body. param: the field at fault, without the index of a single text or number in it.
    """
    problem = error.errors(include_url=False)[0]
    steps = _steps(problem["loc"], fields, is_missing=problem["type"] == "missing")
    if not steps:
        return invalid(None, problem["msg"])
    last_name = max(index for index, step in enumerate(steps) if not step.startswith("["))
    return invalid(_path(steps[: last_name + 1]), f"{_path(steps)} {_complaint(problem)}")


def _steps(places: Sequence[str | int], value: Any, *, is_missing: bool) -> list[str]:
    """The way to a place as far as the body itself goes: pydantic also counts the kinds of a union as steps."""
    steps: list[str] = []
    for place in places:
        if isinstance(value, list) and isinstance(place, int) and place < len(value):
            steps.append(f"[{place}]")
            value = value[place]
        elif isinstance(value, dict) and (str(place) in value or is_missing):
            steps.append(f"[{place}]" if isinstance(place, int) else f".{place}")
            value = value.get(str(place))
        else:
            break
    return steps


def _path(steps: Sequence[str]) -> str:
    return "".join(steps).removeprefix(".")


def _complaint(problem: ErrorDetails) -> str:
    message = _sentence(problem)
    shown = None if problem["type"] in _WITHOUT_INPUT or ", got " in message else _as_json(problem["input"])
    return message if shown is None else f"{message}, got {shown}"


def _sentence(problem: ErrorDetails) -> str:
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind == "too_short" and limits["min_length"] == 1:
        return "must not be empty"
    if kind == "too_long":
        return f"must have at most {limits['max_length']} items, got {limits['actual_length']}"
    return problem["msg"].removeprefix("Value error, ").replace("Input should", "must")


def _as_json(value: Any) -> str | None:
    """A value as the client wrote it, cut where it is long; None for what JSON has no word for."""
    try:
        shown = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return shown if len(shown) <= SHOWN_INPUT else shown[:SHOWN_INPUT] + "…"
