"""/docs: /openapi.json as a page for people. It needs no network and no JavaScript."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request

from llmtui.server.auth import Keyring
from llmtui.server.dialects import DIALECTS
from llmtui.server.openapi import describe
from llmtui.server.schemas import SHOWN_TYPE
from llmtui.settings import Settings

# nothing is loaded from anywhere, nothing runs
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
COMPONENT = "#/components/schemas/"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body. default: as JSON, empty where there is none. objects: the names of those it may hold."""

    name: str
    type: str
    required: bool
    default: str
    limits: str
    description: str
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. answers: the content types of a 200. curl: a command that can be pasted."""

    method: str
    path: str
    summary: str
    dialect: str
    fields: tuple[Field, ...]
    answer: tuple[Field, ...]
    answers: tuple[str, ...]
    curl: str

    @property
    def anchor(self) -> str:
        return f"{self.method}-{self.path}".lower().replace("/", "-").replace("{", "").replace("}", "")


def docs_api(app: Flask, settings: Settings, keys: Keyring) -> Blueprint:
    """GET /docs."""
    docs = Blueprint("docs", __name__)

    @docs.get("/docs")
    def page() -> Response:
        """This description as a page, with each field and an example; works offline."""
        document = describe(app, settings)
        routes = list(routes_of(document, request.host_url.rstrip("/"), with_key=keys.needed))
        objects = {name: tuple(fields_of(schema)) for name, schema in document["components"]["schemas"].items()}
        wanted = {name for route in routes for field in (*route.fields, *route.answer) for name in field.objects}
        wanted |= {name for fields in objects.values() for field in fields for name in field.objects}
        html = render_template(
            "docs.html",
            info=document["info"],
            routes=routes,
            dialects=DIALECTS,
            objects={name: objects[name] for name in sorted(wanted)},
            with_key=keys.needed,
        )
        return Response(html, mimetype="text/html", headers=SECURITY_HEADERS)

    return docs


def routes_of(document: Json, base: str, *, with_key: bool) -> Iterator[Route]:
    """Every operation of an OpenAPI document. base: the server's address, for the examples."""
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            content = operation["responses"]["200"]["content"]
            answer = content.get("application/json", {}).get("schema", {})
            yield Route(
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                dialect=operation["tags"][0],
                fields=tuple(fields_of(resolved(body.get("schema", {}), schemas))),
                answer=tuple(fields_of(resolved(answer, schemas))),
                answers=tuple(content),
                curl=curl(method.upper(), base + path, body.get("example"), with_key=with_key),
            )


def resolved(schema: Json, schemas: Json) -> Json:
    """What a schema refers to, or itself."""
    reference = schema.get("$ref")
    found: Json = schema if reference is None else schemas[reference.removeprefix(COMPONENT)]
    return found


def fields_of(schema: Json) -> Iterator[Field]:
    """The fields of an object, required ones first."""
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    for name in sorted(properties, key=lambda name: name not in required):
        field = properties[name]
        default = field.get("default")
        yield Field(
            name=name,
            type=type_of(field),
            required=name in required,
            default="" if default is None else json.dumps(default),
            limits=limits_of(field),
            description=field.get("description", ""),
            objects=tuple(_references(field)),
        )


def type_of(schema: Json) -> str:
    """The type of a field in words; null goes without saying for what may be left out."""
    if SHOWN_TYPE in schema:
        return str(schema[SHOWN_TYPE])
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(COMPONENT)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(type_of(option) for option in options))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {type_of(schema.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def limits_of(schema: Json) -> str:
    """The range of a number or the length of a list in words; empty where there is none."""
    limits = []
    for option in (schema, *schema.get("anyOf", ())):
        low, high = (option.get(name) for name in ("minimum", "maximum"))
        above, below = (option.get(name) for name in ("exclusiveMinimum", "exclusiveMaximum"))
        words = [
            f"{word} {number(value)}"
            for word, value in (("from", low), ("above", above), ("to", high), ("below", below))
            if value is not None
        ]
        if "maxItems" in option:
            words.append(f"at most {option['maxItems']}")
        limits.append(" ".join(words))
    return ", ".join(dict.fromkeys(filter(None, limits)))


def number(value: float) -> str:
    """A limit as people write it: 2^63 is no row of digits."""
    if abs(value) == 2**63:
        return "2^63" if value > 0 else "-2^63"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def curl(method: str, url: str, body: Json | None, *, with_key: bool) -> str:
    """A command that asks this."""
    words = ["curl"]
    if method not in ("GET", "POST") or (method == "POST" and body is None):
        words += ["-X", method]
    words.append(shlex.quote(url))
    if with_key:
        words += ["-H", '"Authorization: Bearer $KEY"']  # double quotes: the shell fills in the key
    if body is not None:
        words += ["-d", shlex.quote(json.dumps(body))]
    return " ".join(words)


def _references(schema: object) -> Iterator[str]:
    """The names of the objects that a field may hold, however deep."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield str(schema["$ref"]).removeprefix(COMPONENT)
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)
