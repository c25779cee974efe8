"""Pages of other origins in a browser: off unless set, and then for those alone."""

import pytest
from api_client import Api, serving

from llmtui.engine import Engine
from llmtui.settings import Settings, SettingsError, load_settings

PAGE, OTHER = "https://app.example", "https://evil.example"
# what openai-node sends from a browser
SDK_HEADERS = [
    "authorization", "content-type", "x-stainless-arch", "x-stainless-lang", "x-stainless-os",
    "x-stainless-package-version", "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version",
    "x-stainless-timeout", "x-stainless-async", "x-stainless-helper-method", "x-stainless-poll-helper",
    "openai-organization", "openai-project",
]  # fmt: skip
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def open_api(engine: Engine) -> Api:
    with serving(engine, Settings(_env_file=None, port=0, cors_origins=f"{PAGE}, http://b.example:3000/")) as api:
        yield api


@pytest.fixture(scope="module")
def keyed_api(engine: Engine) -> Api:
    settings = Settings(_env_file=None, port=0, cors_origins="*", api_keys="alice:sk-alice-12345")
    with serving(engine, settings) as api:
        yield api


def preflight(api: Api, origin: str, headers: str = "content-type", path: str = CHAT):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers, "Origin": origin}
    return api.request("OPTIONS", path, headers=asked)


def test_off_by_default_no_page_is_answered(api: Api) -> None:
    assert preflight(api, PAGE).status == 403
    reply = api.get("/info", Origin=PAGE)
    assert (reply.status, reply.error["code"]) == (403, "origin_not_allowed")
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_preflight_allows_what_the_openai_sdk_sends_from_a_browser(open_api: Api) -> None:
    reply = preflight(open_api, PAGE, ",".join(SDK_HEADERS))
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert reply.headers["access-control-allow-headers"].split(", ") == SDK_HEADERS
    assert "Origin" in reply.headers["vary"]
    assert "access-control-allow-credentials" not in reply.headers


def test_a_preflight_does_not_allow_headers_that_nobody_needs(open_api: Api) -> None:
    reply = preflight(open_api, PAGE, "cookie, content-type, x-evil")
    assert reply.headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize("origin", [PAGE, "http://b.example:3000", "HTTPS://APP.EXAMPLE"])
def test_an_allowed_page_reads_answers_errors_and_streams(open_api: Api, origin: str) -> None:
    for body in (b'{"prompt": "Once", "max_new_tokens": 1}', b"{}", b'{"prompt": "Once", "stream": true}'):
        reply = open_api.request("POST", "/generate", body, {"Origin": origin})
        assert reply.headers["access-control-allow-origin"] == origin
        assert "x-ratelimit-remaining-tokens" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [OTHER, "null", "https://app.example.evil.example", "http://app.example", ""])
def test_another_page_is_refused(open_api: Api, origin: str) -> None:
    reply = open_api.request("POST", "/generate", b'{"prompt": "Once"}', {"Origin": origin})
    assert (reply.status, "access-control-allow-origin" in reply.headers) == (403, False)
    assert preflight(open_api, origin).status == 403


def test_an_allowed_page_is_still_refused_under_a_foreign_name(open_api: Api) -> None:
    assert open_api.get("/info", Origin=PAGE, Host="evil.example").status == 403


def test_with_keys_a_preflight_needs_none_and_the_request_does(keyed_api: Api) -> None:
    assert preflight(keyed_api, OTHER, "authorization").status == 204
    refused = keyed_api.request("POST", CHAT, b"{}", {"Origin": OTHER})
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, OTHER)
    assert keyed_api.request("OPTIONS", CHAT).status == 401


@pytest.mark.parametrize("value", ["app.example", "https://a.example/path", "https://", "", "https://a b", "*.example"])
def test_what_is_no_origin_is_refused_by_name(value: str, tmp_path) -> None:
    with pytest.raises(SettingsError, match="cors-origins"):
        load_settings({"cors_origins": value}, tmp_path / ".env")
