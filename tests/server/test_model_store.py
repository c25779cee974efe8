"""/api/pull and /api/delete through Ollama's own client, against a Hub that stands in; off unless a setting allows."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ollama
import pytest
from api_client import Api, Reply, serving, until
from hub_caches import into_cache
from hub_standin import Fault, HubStandIn
from hub_standin import hub as hub
from huggingface_hub import constants

from llmtui.engine import Engine
from llmtui.models.catalog import embedded_path
from llmtui.server import Lifecycle, Server, create_app
from llmtui.server.pulls import MAX_PULLS
from llmtui.settings import Settings

REPO = "someorg/tiny"


@contextmanager
def served(engine: Engine, **changes: Any) -> Iterator[tuple[Api, ollama.Client]]:
    ours = Settings(_env_file=None, port=0, device="cpu", **changes)
    with serving(engine, ours) as api, ollama.Client(f"http://127.0.0.1:{api.port}", timeout=60) as client:
        yield api, client


@pytest.fixture
def store(engine: Engine, hub: HubStandIn) -> Iterator[tuple[Api, ollama.Client]]:
    """A server that may pull and delete, and a Hub that has one model."""
    hub.add_repo(REPO, embedded_path())
    with served(engine, allow_pull=True, allow_delete=True) as both:
        yield both
        if engine.info_of(REPO) is not None:
            engine.unload(REPO)
            until(lambda: len(engine.models()) == 1)


def post(api: Api, path: str, method: str = "POST", **body: Any) -> Reply:
    return api.request(method, path, json.dumps(body).encode())


def pulling() -> int:
    return sum(thread.name == "llmtui-pull" for thread in threading.enumerate())


def refused(ask: Callable[[], Any]) -> ollama.ResponseError:
    with pytest.raises(ollama.ResponseError) as refusal:
        ask()
    return refusal.value


def test_a_model_is_pulled_with_the_bytes_that_have_come_and_can_be_used(
    store: tuple[Api, ollama.Client], hub: HubStandIn
) -> None:
    _, client = store
    lines = list(client.pull(f"{REPO}:latest", stream=True))
    assert [lines[0].status, lines[-1].status] == ["pulling manifest", "success"]
    repo = hub.repos[REPO]
    wanted = sum(map(repo.size, ("config.json", "model.safetensors", "tokenizer.json")))
    progress = lines[1:-1]
    assert {(line.digest, line.status) for line in progress} == {(repo.commit, f"pulling {repo.commit[:12]}")}
    completed = [line.completed for line in progress]
    assert completed == sorted(completed)
    assert completed[-1] == progress[-1].total >= wanted
    assert f"{REPO}:latest" in [model.model for model in client.list().models]
    assert client.generate(REPO, "Once", options={"num_predict": 1}).eval_count == 1


def test_pulling_again_fetches_nothing(store: tuple[Api, ollama.Client], hub: HubStandIn) -> None:
    _, client = store
    assert client.pull(REPO).status == "success"
    before = len(hub.file_requests("model.safetensors"))
    assert client.pull(REPO).status == "success"
    assert len(hub.file_requests("model.safetensors")) == before == 1


def test_a_client_that_leaves_stops_the_download_and_the_next_one_goes_on(
    store: tuple[Api, ollama.Client], hub: HubStandIn
) -> None:
    api, client = store
    hub.fault = Fault(hold_after=1_000_000)
    body = json.dumps({"model": REPO}).encode()
    head = f"POST /api/pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with api.raw(head + body) as connection:
        seen = b""
        while re.search(rb'"completed":\d{7}', seen) is None:  # a million bytes: some of the weights are among them
            seen += connection.recv(65_536)
    until(lambda: pulling() == 0, 5.0)
    hub.released.set()
    hub.fault = Fault()
    assert client.pull(REPO).status == "success"
    assert hub.file_requests("model.safetensors")[-1].headers["range"].startswith("bytes=")


def test_a_client_that_leaves_while_the_hub_is_silent_is_noticed(
    store: tuple[Api, ollama.Client], hub: HubStandIn
) -> None:
    api, _ = store
    hub.fault = Fault(silent=True)
    for stream in (True, False):
        body = json.dumps({"model": REPO, "stream": stream}).encode()
        head = f"POST /api/pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with api.raw(head + body):
            until(lambda: pulling() == 1)
        until(lambda: pulling() == 0, 5.0)


def test_a_server_that_stops_does_not_wait_for_a_download(engine: Engine, hub: HubStandIn) -> None:
    hub.add_repo(REPO, embedded_path())
    hub.fault = Fault(hold_after=1_000_000)
    lifecycle, ours = Lifecycle(), Settings(_env_file=None, port=0, device="cpu", allow_pull=True)
    server = Server(create_app(engine, ours, lifecycle=lifecycle), ours)
    server.start()
    try:
        with ollama.Client(f"http://127.0.0.1:{server.port}", timeout=60) as client:
            lines = client.pull(REPO, stream=True)
            assert next(lines).status == "pulling manifest"
            until(lambda: pulling() == 1)
            draining = threading.Thread(target=lifecycle.drain, args=(engine, 30.0))
            draining.start()
            assert "stopped" in refused(lambda: list(lines)).error
            draining.join(20)
            assert not draining.is_alive()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("fault", "name", "status", "said"),
    [
        (Fault(), "someorg/none", 404, "someorg/none"),
        (Fault(), "no such name!", 404, "no such name!"),
        (Fault(), "../../etc", 403, "etc"),
        (Fault(gated=True), REPO, 403, "licence"),
        (Fault(status=503), REPO, 502, "503"),
        (Fault(html=True), REPO, 502, "HF_ENDPOINT"),
    ],
)
def test_what_cannot_be_pulled_is_an_error_in_either_form(
    store: tuple[Api, ollama.Client], hub: HubStandIn, fault: Fault, name: str, status: int, said: str
) -> None:
    api, client = store
    hub.fault = fault
    plain = post(api, "/api/pull", model=name, stream=False)
    assert (plain.status, said in plain.json["error"]) == (status, True)
    streamed = [json.loads(line) for line in post(api, "/api/pull", model=name).body.splitlines()]
    assert set(streamed[-1]) == {"error"}
    assert said in refused(lambda: list(client.pull(name, stream=True))).error
    assert api.get("/health").status == 200


def test_pulling_is_off_unless_it_is_allowed(engine: Engine, hub: HubStandIn) -> None:
    hub.add_repo(REPO, embedded_path())
    with served(engine) as (_, client):
        assert client.pull("tiny-tales").status == "success", "it is here already"
        refusal = refused(lambda: client.pull(REPO))
        assert (refusal.status_code, "ALLOW_PULL" in refusal.error) == (403, True)
    with served(engine, allow_pull=True, allowed_models="other/*") as (_, client):
        refusal = refused(lambda: client.pull(REPO))
        assert (refusal.status_code, "ALLOWED_MODELS" in refusal.error) == (403, True)
    assert hub.requests == []


def test_only_a_few_are_pulled_at_once(store: tuple[Api, ollama.Client], hub: HubStandIn) -> None:
    api, _ = store
    hub.fault = Fault(silent=True)
    body = json.dumps({"model": REPO}).encode()
    head = f"POST /api/pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with ExitStack() as open_ones:
        for _ in range(MAX_PULLS):
            open_ones.enter_context(api.raw(head + body))
        until(lambda: pulling() == MAX_PULLS)
        reply = post(api, "/api/pull", model=REPO, stream=False)
        assert (reply.status, int(reply.headers["retry-after"]) >= 1) == (429, True)
        assert api.get("/health").status == 200
    until(lambda: pulling() == 0, 5.0)


def test_a_model_is_deleted_from_the_cache_and_nothing_else(store: tuple[Api, ollama.Client], hub: HubStandIn) -> None:
    _, client = store
    cache = Path(constants.HF_HUB_CACHE)
    into_cache(cache, embedded_path(), "someorg/other")
    client.pull(REPO)
    into_cache(cache, embedded_path(), "someorg/copy", hub.repos[REPO].commit)
    assert client.delete(f"{REPO}:latest").status == "success"
    assert [model.model for model in client.list().models] == [
        "tiny-tales:latest",
        "someorg/copy:latest",
        "someorg/other:latest",
    ]
    assert sorted(path.name for path in cache.glob("models--*")) == ["models--someorg--copy", "models--someorg--other"]
    assert refused(lambda: client.delete(REPO)).status_code == 404


def test_a_model_in_use_is_not_deleted(store: tuple[Api, ollama.Client], engine: Engine) -> None:
    _, client = store
    client.pull(REPO)
    client.generate(REPO)
    assert refused(lambda: client.delete(REPO)).status_code == 409
    client.generate(REPO, keep_alive=0)
    until(lambda: engine.info_of(REPO) is None and len(engine.models()) == 1)
    assert client.delete(REPO).status == "success"


@pytest.mark.usefixtures("hub")
def test_the_embedded_model_and_folders_are_never_deleted(engine: Engine, tmp_path: Path) -> None:
    folder = into_cache(tmp_path / "elsewhere", embedded_path(), "mine/own")
    with served(engine, allow_delete=True, allowed_models=f"*,{folder}") as (_, client):
        assert refused(lambda: client.delete("tiny-tales")).status_code == 403
        for name in (str(folder), "../elsewhere", "mine/own", "/"):
            assert refused(lambda name=name: client.delete(name)).status_code == 404
    assert (folder / "model.safetensors").is_file()
    assert (embedded_path() / "model.safetensors").is_file()


@pytest.mark.usefixtures("hub")
def test_deleting_is_off_unless_it_is_allowed(engine: Engine) -> None:
    into_cache(Path(constants.HF_HUB_CACHE), embedded_path(), REPO)
    with served(engine, allow_pull=True) as (_, client):
        refusal = refused(lambda: client.delete(REPO))
        assert (refusal.status_code, "ALLOW_DELETE" in refusal.error) == (403, True)
        assert len(client.list().models) == 2


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/pull"), ("DELETE", "/api/delete"), ("POST", "/api/show")])
def test_a_model_must_be_named(store: tuple[Api, ollama.Client], method: str, path: str) -> None:
    api, _ = store
    for body in ({}, {"model": ""}, {"model": 5}, {"name": None}):
        reply = post(api, path, method, **body)
        assert (reply.status, "model" in reply.json["error"]) == (400, True), body
