"""/openapi.json: the API described from the very models that check its bodies."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Flask, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from llmtui import __version__
from llmtui.server.answer_schemas import ANSWERS
from llmtui.server.dialects import Dialect, dialect_of
from llmtui.server.examples import EXAMPLES, example
from llmtui.server.jsonio import json_response
from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest, PullRequest, ShowRequest
from llmtui.server.openai_schemas import ChatBody, CompletionBody
from llmtui.server.schemas import generate_body
from llmtui.server.tokens import DetokenizeBody, ScoreBody, TokenizeBody
from llmtui.settings import Settings

Json = dict[str, Any]

ERRORS: dict[Dialect, Json] = {
    "native": {
        "type": "object",
        "required": ["success", "error"],
        "properties": {
            "success": {"const": False},
            "error": {"type": "object", "required": ["code", "message", "param"]},
        },
    },
    "openai": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "object", "required": ["message", "type", "param", "code"]}},
    },
    "ollama": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
}
PLAIN_TEXT = ("/", "/metrics")
HTML = ("/docs",)
STREAMS = {
    "/generate": "text/event-stream",
    "/v1/completions": "text/event-stream",
    "/v1/chat/completions": "text/event-stream",
    "/api/generate": "application/x-ndjson",
    "/api/chat": "application/x-ndjson",
    "/api/pull": "application/x-ndjson",
}


def openapi_api(app: Flask, settings: Settings) -> Blueprint:
    """GET /openapi.json."""
    openapi = Blueprint("openapi", __name__)

    @openapi.get("/openapi.json")
    def document() -> Response:
        """This description, in OpenAPI 3.1."""
        return json_response(describe(app, settings))

    return openapi


def bodies(settings: Settings) -> dict[str, type[BaseModel]]:
    """What each path that takes a body takes."""
    return {
        "/generate": generate_body(settings),
        "/tokenize": TokenizeBody,
        "/detokenize": DetokenizeBody,
        "/score": ScoreBody,
        "/v1/completions": CompletionBody,
        "/v1/chat/completions": ChatBody,
        "/api/generate": GenerateRequest,
        "/api/chat": ChatRequest,
        "/api/show": ShowRequest,
        "/api/pull": PullRequest,
        "/api/delete": ShowRequest,
    }


def describe(app: Flask, settings: Settings) -> Json:
    """The OpenAPI document: every route of the application, with the schemas of its body and its answer."""
    models = bodies(settings)
    references, definitions = models_json_schema(
        [(model, "validation") for model in dict.fromkeys([*models.values(), *ANSWERS.values()])],
        ref_template="#/components/schemas/{model}",
    )
    schemas = {model: schema for (model, _), schema in references.items()}
    paths: dict[str, Json] = {}
    for rule in app.url_map.iter_rules():
        body, answer = (schemas[model] if (model := of.get(rule.rule)) else None for of in (models, ANSWERS))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = _operation(app, rule, body, answer)
            if body is not None and rule.rule in EXAMPLES:
                operation["requestBody"]["content"]["application/json"]["example"] = example(rule.rule, settings)
            paths.setdefault(_template(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "llmtui", "version": __version__, "description": "Native, OpenAI and Ollama dialects."},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _operation(app: Flask, rule: Rule, body: Mapping[str, Any] | None, answer: Mapping[str, Any] | None) -> Json:
    path = rule.rule
    dialect = dialect_of(path)
    summary = (app.view_functions[rule.endpoint].__doc__ or "not implemented").strip().split("\n")[0]
    operation: Json = {
        "summary": summary,
        "tags": [dialect],
        "parameters": list(_parameters(rule)),
        "responses": {
            "200": {"description": "the answer", "content": _content(path, answer)},
            **_refusals(path, dialect, answer),
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(body)}}}
    return operation


def _content(path: str, answer: Mapping[str, Any] | None) -> Json:
    if path in PLAIN_TEXT or path in HTML:
        return {"text/html" if path in HTML else "text/plain": {"schema": {"type": "string"}}}
    content: Json = {"application/json": {"schema": answer or {"type": "object"}}}
    if path in STREAMS:
        content[STREAMS[path]] = {"schema": {}}
    return content


def _refusals(path: str, dialect: Dialect, answer: Mapping[str, Any] | None) -> Json:
    error = {
        "description": "an error in this dialect's shape",
        "content": {"application/json": {"schema": ERRORS[dialect]}},
    }
    if path in ("/health", "/ready"):  # these say in the same words why they are not well
        return {"503": {"description": "not now", "content": _content(path, answer)}}
    return {"4XX": error, "5XX": error}


def _template(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _parameters(rule: Rule) -> Iterator[Json]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
