"""Who may ask a server that has keys, or that others can reach."""

import io
import logging

import openai
import pytest
from api_client import Api, serving
from sdk import MODEL, ollama_client, openai_client

from llmtui.engine import Engine
from llmtui.server import Keyring
from llmtui.settings import Settings, SettingsError, load_settings

KEY, OTHER = "sk-alice-12345", "sk-bob-67890"
PATHS = [
    "/", "/ready", "/info", "/requests", "/metrics", "/openapi.json", "/v1/models", "/v1/models/x", "/api/tags",
    "/api/version", "/api/ps", "/nope", "/v1/nope", "/api/nope", "//ready", "/health/", "/health/../info", "/HEALTH",
]  # fmt: skip
POSTS = ["/generate", "/score", "/tokenize", "/v1/completions", "/v1/chat/completions", "/api/generate", "/api/show"]


@pytest.fixture
def keyed(engine: Engine) -> Api:
    settings = Settings(_env_file=None, port=0, api_keys=f"alice:{KEY}, bob:{OTHER}")
    with serving(engine, settings) as api:
        yield api


@pytest.mark.parametrize("path", PATHS)
def test_every_path_but_health_needs_a_key(keyed: Api, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": KEY[:-1]}):
        reply = keyed.request("GET", path, headers=headers)
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer"), headers
    assert keyed.get(path, Authorization=f"Bearer {KEY}").status != 401


@pytest.mark.parametrize("path", POSTS)
def test_every_post_needs_a_key_and_says_so_in_its_dialect(keyed: Api, path: str) -> None:
    reply = keyed.request("POST", path, b"{}")
    assert reply.status == 401
    assert "API key" in str(reply.json["error"])
    assert keyed.request("POST", path, b"{}", {"X-API-Key": OTHER}).status != 401


def test_health_answers_anyone_under_any_name(keyed: Api) -> None:
    assert keyed.get("/health").status == 200
    assert keyed.get("/health", Host="llm.example.com").status == 200


def test_with_a_key_the_server_answers_under_any_name(keyed: Api) -> None:
    assert keyed.get("/info", Host="llm.example.com", X_API_Key=KEY).status == 200


def test_the_vendors_clients_show_their_key(keyed: Api) -> None:
    with openai_client(keyed, api_key=KEY) as client:
        assert client.completions.create(model=MODEL, prompt="Once", max_tokens=1).model == MODEL
    with openai_client(keyed, api_key="sk-wrong-key") as client, pytest.raises(openai.AuthenticationError) as refused:
        client.models.list()
    assert refused.value.code == "invalid_api_key"
    with ollama_client(keyed, headers={"Authorization": f"Bearer {OTHER}"}) as client:
        assert client.list().models[0].model == f"{MODEL}:latest"


def test_a_key_never_comes_back_and_never_gets_into_the_log(keyed: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        bodies = [
            keyed.get(path, Authorization=f"Bearer {given}").body
            for path in ("/info", "/requests", "/metrics", "/nope")
            for given in (KEY, KEY + "x")
        ]
    written = caplog.text.encode() + b"".join(bodies)
    assert KEY.encode() not in written
    settings = Settings(_env_file=None, api_keys=f"alice:{KEY}")
    shown = io.StringIO()
    print(settings, repr(settings), Keyring.of(settings), settings.model_dump_json(), file=shown)
    assert KEY not in shown.getvalue()


def test_a_key_is_known_by_its_name() -> None:
    keys = Keyring.of(Settings(_env_file=None, api_keys=f"alice:{KEY},\nbob:{OTHER},"))
    assert [keys.name_of(key) for key in (KEY, OTHER, "", KEY + " ", "é")] == ["alice", "bob", None, None, None]


def test_loopback_without_keys_needs_none(settings: Settings) -> None:
    keys = Keyring.of(settings)
    assert (keys.needed, keys.generated) == (False, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "llm.example.com", "127.0.0.2"])
def test_a_server_that_others_can_reach_makes_a_key_where_none_is_set(host: str) -> None:
    settings = Settings(_env_file=None, host=host)
    first, second = Keyring.of(settings), Keyring.of(settings)
    assert first.needed
    assert first.generated != second.generated
    assert len(first.generated) >= 32
    assert first.name_of(first.generated) == "generated"
    assert first.name_of(second.generated) is None
    assert Keyring.of(Settings(_env_file=None, host=host, api_keys=f"alice:{KEY}")).generated is None


def test_a_server_on_all_addresses_answers_under_any_name_to_those_with_the_key(engine: Engine) -> None:
    with serving(engine, Settings(_env_file=None, host="0.0.0.0", port=0, api_keys=f"alice:{KEY}")) as api:
        assert api.get("/info", Host="10.0.0.7:5000").status == 401
        assert api.get("/info", Host="10.0.0.7:5000", X_API_Key=KEY).status == 200


@pytest.mark.parametrize(
    "value",
    ["justakey12", "a:short", "a:with space123", "a b:longenough", "a:longenough,a:otherlong", ":longenough", "a:"],
)
def test_keys_that_cannot_be_are_refused_without_being_shown(value: str, tmp_path) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"api_keys": value}, tmp_path / ".env")
    assert value not in str(refused.value)
    assert "api-keys" in str(refused.value)


@pytest.mark.parametrize("host", ["", "two words", "-x", "http://h", "h:80", "a..b"])
def test_hosts_that_cannot_be_are_refused(host: str, tmp_path) -> None:
    with pytest.raises(SettingsError, match="host"):
        load_settings({"host": host}, tmp_path / ".env")
