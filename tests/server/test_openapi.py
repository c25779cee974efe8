"""/openapi.json: a description that tools can read, and that tells what the server really does."""

import json
import re

import pytest
from api_client import Api

OPENAPI_PATH = re.compile(r"/[\w./{}-]*")
DIALECTS = ["/generate", "/score", "/requests/{name}", "/v1/chat/completions", "/v1/models/{name}", "/api/chat", "/"]


@pytest.fixture(scope="module")
def document(api: Api) -> dict:
    return api.get("/openapi.json").json


def test_every_dialect_is_described(document: dict) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(DIALECTS) <= set(document["paths"])
    assert all(OPENAPI_PATH.fullmatch(path) for path in document["paths"])
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["responses"] for operation in operations)


def test_a_path_stands_under_the_dialect_that_it_speaks(api: Api, document: dict) -> None:
    tags = {path: operation["tags"] for path, methods in document["paths"].items() for operation in methods.values()}
    assert tags["/"] == tags["/api/tags"] == ["ollama"]  # what Ollama's clients ask first
    assert tags["/v1/models"] == ["openai"]
    assert tags["/health"] == tags["/docs"] == ["native"]
    assert set(api.request("POST", "/").json) == set(api.request("GET", "/api/chat").json) == {"error"}


def test_every_reference_leads_somewhere(document: dict) -> None:
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]


def test_every_described_path_is_there(api: Api, document: dict) -> None:
    for path, operations in document["paths"].items():
        for method in operations:
            reply = api.request(method.upper(), path.replace("{name}", "x"), b"{" if method == "post" else None)
            assert reply.status != 405, path
            assert method != "post" or reply.status in (400, 501), path


def test_the_described_limits_are_the_checked_ones(api: Api, document: dict) -> None:
    schema = document["components"]["schemas"]["CompletionBody"]["properties"]
    (number,) = [option for option in schema["n"]["anyOf"] if option["type"] == "integer"]
    for n, status in ((number["maximum"], 200), (number["maximum"] + 1, 400)):
        body = json.dumps({"prompt": "Once", "max_tokens": 0, "n": n}).encode()
        assert api.request("POST", "/v1/completions", body).status == status
