"""/docs: the description for people, without network and without JavaScript."""

import json
import re
import shlex
from html.parser import HTMLParser

import pytest
from api_client import Api, serving

from llmtui.engine import Engine
from llmtui.server.docs_page import limits_of, type_of
from llmtui.server.examples import EXAMPLES
from llmtui.settings import Settings

VOID = {"meta", "br", "link"}


class Page(HTMLParser):
    """Tags, attributes, ids and text of a page; fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.commands: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["pre"]:
            self.commands.append(data)
        self.text += data


@pytest.fixture(scope="module")
def page(api: Api) -> Page:
    reply = api.get("/docs")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return Page(reply.body.decode())


def test_it_shows_every_route_and_every_field(api: Api, page: Page) -> None:
    document = api.get("/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()} {path}" in page.text
            assert operation["summary"] in page.text
    for name in ("GenerateBody", "LimitedBody", "CompletionBody", "ChatBody", "Options", "Message"):
        for field in document["components"]["schemas"].get(name, {}).get("properties", {}):
            assert re.search(rf"\b{field}\b", page.text), f"{name}.{field}"


def test_it_loads_nothing_and_runs_nothing(api: Api, page: Page) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "form"}
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert all(address.startswith(("#", "/")) for address in addresses)
    policy = api.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = {a["href"] for tag, a in page.tags if tag == "a" and a["href"].startswith("#")}
    assert {link[1:] for link in links} <= set(ids)


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_example_is_one_that_the_server_answers(api: Api, page: Page, path: str) -> None:
    (command,) = [words for c in page.commands if (words := shlex.split(c))[1].endswith(f":{api.port}{path}")]
    assert command[0] == "curl"
    assert command[2] == "-d"
    reply = api.request("POST", path, command[3].encode())
    assert reply.status == 200, reply.body
    document = api.get("/openapi.json").json
    shown = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert json.loads(command[3]) == shown


def test_with_keys_the_page_needs_one_and_its_examples_show_where(engine: Engine) -> None:
    settings = Settings(_env_file=None, port=0, api_keys="alice:sk-alice-12345")
    with serving(engine, settings) as api:
        assert api.get("/docs").status == 401
        html = api.get("/docs", X_API_Key="sk-alice-12345", Host="<script>").body.decode()
    assert "<script>" not in html
    assert "Authorization: Bearer $KEY" in Page(html).text
    assert "sk-alice" not in html


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "integer or string"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Message"}}, "array of Message"),
        ({"enum": ["a", "b"]}, '"a" or "b"'),
        ({"const": True}, "true"),
        ({"type": ["string", "null"]}, "string or null"),
        ({}, "any"),
    ],
)
def test_types_in_words(schema: dict, words: str) -> None:
    assert type_of(schema) == words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"minimum": 0, "maximum": 2.5}, "from 0 to 2.5"),
        ({"exclusiveMinimum": 0.0, "maximum": 1.0}, "above 0 to 1"),
        ({"anyOf": [{"minimum": 0, "exclusiveMaximum": 2**63}, {"type": "null"}]}, "from 0 below 2^63"),
        ({"maxItems": 16}, "at most 16"),
        ({"minimum": 1, "maximum": 10000}, "from 1 to 10,000"),
        ({"type": "string"}, ""),
    ],
)
def test_limits_in_words(schema: dict, words: str) -> None:
    assert limits_of(schema) == words
