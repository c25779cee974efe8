"""Requests that name a model: it is brought into memory, stays as long as was said, and nobody else is disturbed."""

import json
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, Reply, read_reply, serving, until
from hub_caches import into_cache
from huggingface_hub import constants
from model_folders import make_model_folder

from llmtui.engine import Engine, GenerationRequest, SamplingParams, loading
from llmtui.engine.requests import ChatMessage
from llmtui.server import Lifecycle, Server, create_app
from llmtui.server.chat_prompt import PLAIN_STOPS, plain_prompt
from llmtui.server.openai import origin
from llmtui.settings import Settings

CHOSEN, LLAMA, QWEN = "tiny-tales", "someorg/llama", "qwen"
USER = [{"role": "user", "content": "Hi"}]
GREEDY = {"temperature": 0, "max_tokens": 8}
HOUR = 3600.0


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Hugging Face cache with two small models that have no chat template."""
    folder = tmp_path_factory.mktemp("hub")
    for name, architecture in ((LLAMA, "llama"), (QWEN, "qwen2")):
        model = make_model_folder(architecture, tmp_path_factory.mktemp(architecture))
        tokenizer = json.loads((model / "tokenizer_config.json").read_text())
        del tokenizer["chat_template"]
        (model / "tokenizer_config.json").write_text(json.dumps(tokenizer))
        into_cache(folder, model, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(CHOSEN, device="cpu") as engine:
        engine.wait_until_loaded(60)
        yield engine


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, port=0, device="cpu", keep_alive=HOUR, answer_cache_bytes=0, **changes)


@pytest.fixture(scope="module")
def api(engine: Engine) -> Iterator[Api]:
    with serving(engine, settings()) as api:
        yield api


@pytest.fixture(autouse=True)
def _only_the_chosen_one_stays(engine: Engine) -> Iterator[None]:
    yield
    for name in names(engine) - {CHOSEN}:
        engine.unload(name)
    until(lambda: names(engine) == {CHOSEN})


@contextmanager
def loads_held() -> Iterator[None]:
    """No weights are read meanwhile, as while another large model is."""
    with loading._reading:
        yield


def names(engine: Engine) -> set[str]:
    return {resident.info.name for resident in engine.models()}


def post(api: Api, path: str, **body: Any) -> Reply:
    return api.request("POST", path, json.dumps(body).encode())


def completion(api: Api, model: str, **more: Any) -> Reply:
    return post(api, "/v1/completions", **{"model": model, "prompt": "Once upon a time"} | GREEDY | more)


def direct(engine: Engine, model: str, prompt: str = "Once upon a time", **params: Any) -> str:
    asked = SamplingParams(**{"temperature": 0, "max_tokens": 8} | params)
    return engine.submit(GenerationRequest(prompt=prompt, model=model, params=asked)).result().text


def open_post(api: Api, path: str, **body: Any) -> Any:
    data = json.dumps(body).encode()
    return api.raw(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)


def test_a_fingerprint_tells_whatever_decides_which_text_a_seed_gives(engine: Engine) -> None:
    model = engine.model
    assert model is not None
    others = (replace(model, dtype="int8"), replace(model, device="cuda:0"), replace(model, linears="by other kernels"))
    fingerprints = {origin(one)["system_fingerprint"] for one in (model, *others)}
    assert len(fingerprints) == 4
    assert origin(replace(model, load_seconds=9.0))["system_fingerprint"] in fingerprints


def test_a_model_is_loaded_when_a_request_names_it_and_answers_in_every_dialect(api: Api, engine: Engine) -> None:
    openai = completion(api, LLAMA)
    assert (openai.status, openai.json["model"]) == (200, LLAMA)
    assert names(engine) == {CHOSEN, LLAMA}
    wanted = direct(engine, LLAMA)
    assert openai.json["choices"][0]["text"] == wanted
    assert openai.json["system_fingerprint"] != completion(api, CHOSEN).json["system_fingerprint"]
    ollama = post(
        api, "/api/generate", model=f"{LLAMA}:latest", prompt="Once upon a time", stream=False,
        options={"temperature": 0, "num_predict": 8, "top_k": 0},
    ).json  # fmt: skip
    assert ollama["response"] == wanted
    native = api.generate(prompt="Once upon a time", model=LLAMA, temperature=0, max_new_tokens=8).json
    assert native["generated_text"] == "Once upon a time" + wanted
    assert native["metadata"]["model"] == LLAMA
    assert engine.model is not None
    assert engine.model.name == CHOSEN
    assert api.generate(prompt="Once", max_new_tokens=1).json["metadata"]["model"] == CHOSEN


def test_scores_and_tokens_are_those_of_the_named_model(api: Api, engine: Engine) -> None:
    ours = post(api, "/score", text="Once upon a time", model=QWEN).json
    theirs = post(api, "/score", text="Once upon a time").json
    assert ours["logprob"] != theirs["logprob"]
    assert names(engine) == {CHOSEN, QWEN}
    assert post(api, "/tokenize", text="Once", model=QWEN).json["ids"] == list(engine.tokenize("Once", QWEN))
    assert post(api, "/detokenize", ids=[5, 6], model=QWEN).json["text"] == engine.detokenize([5, 6], QWEN)


def test_a_model_without_a_chat_template_chats_by_the_plain_one(api: Api, engine: Engine) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tell me a tale."}]
    openai = post(api, "/v1/chat/completions", model=LLAMA, messages=messages, stop=["!!"], **GREEDY).json
    prompt = "System: Be brief.\n\nUser: Tell me a tale.\n\nAssistant:"
    assert plain_prompt([ChatMessage(**message) for message in messages]) == prompt
    assert openai["choices"][0]["message"]["content"] == direct(engine, LLAMA, prompt, stop=("!!", *PLAIN_STOPS))
    assert post(api, "/api/show", model=LLAMA).json["capabilities"] == ["completion"]


def test_the_models_of_this_machine_are_listed_without_being_loaded(api: Api, engine: Engine) -> None:
    listed = {model["id"] for model in api.get("/v1/models").json["data"]}
    tags = {model["name"]: model for model in api.get("/api/tags").json["models"]}
    assert listed == {CHOSEN, LLAMA, QWEN}
    assert set(tags) == {f"{name}:latest" for name in listed}
    assert tags[f"{LLAMA}:latest"]["details"]["family"] == "llama"
    assert api.get(f"/v1/models/{LLAMA}").json["id"] == LLAMA
    shown = post(api, "/api/show", model=LLAMA).json
    assert names(engine) == {CHOSEN}
    completion(api, LLAMA)
    info = engine.info_of(LLAMA)
    assert info is not None
    assert shown["model_info"]["general.parameter_count"] == info.parameters
    assert shown["model_info"]["llama.context_length"] == info.context
    assert shown == post(api, "/api/show", model=LLAMA).json
    assert api.get("/api/tags").json["models"] == list(tags.values()), "loading it changed what is told of it"


@pytest.mark.parametrize(
    "name",
    ["gpt-9", "someorg/nope", "/etc", "~", "..", "./", "a/../../../etc", "a/b/c", "", "x" * 500, "\x00", "\n", "*"],
)
def test_what_is_no_model_here_is_a_404_that_tells_nothing_of_this_machines_folders(api: Api, name: str) -> None:
    openai = completion(api, name)
    ollama = post(api, "/api/generate", model=name, prompt="a")
    native = api.generate(prompt="a", model=name)
    expected = 404 if name else 400
    assert (native.status, native.error["param"]) == (expected, "model")
    assert (ollama.status, set(ollama.json)) == (expected, {"error"})
    assert openai.status == 404
    assert openai.json["error"]["code"] == "model_not_found"
    assert CHOSEN in openai.json["error"]["message"]


def test_only_what_is_allowed_can_be_named_and_is_listed(engine: Engine, tmp_path: Path) -> None:
    folder = make_model_folder("gpt2", tmp_path / "mine")
    with serving(engine, settings(allowed_models=f"someorg/*, {tmp_path}/*")) as api:
        assert {m["id"] for m in api.get("/v1/models").json["data"]} == {CHOSEN, LLAMA, str(folder)}
        assert completion(api, QWEN).status == 404
        assert completion(api, LLAMA).status == 200
        assert completion(api, str(folder)).json["model"] == str(folder)
    with serving(engine, settings(allowed_models="qwen")) as api:
        assert completion(api, LLAMA).status == 404  # it is in memory, and not for these
        assert completion(api, CHOSEN).status == 200


def test_how_long_a_model_stays_is_what_the_request_said(api: Api, engine: Engine) -> None:
    def seconds_left(keep_alive: Any) -> float:
        short = {"stream": False, "options": {"num_predict": 1}}
        post(api, "/api/generate", model=LLAMA, prompt="Once", keep_alive=keep_alive, **short)
        until(lambda: not next(r for r in engine.models() if r.info.name == LLAMA).running)
        (model,) = [m for m in api.get("/api/ps").json["models"] if m["model"] == f"{LLAMA}:latest"]
        return (datetime.fromisoformat(model["expires_at"]) - datetime.now(UTC)).total_seconds()

    assert HOUR - 60 < seconds_left(None) <= HOUR
    assert 240 < seconds_left("5m") <= 300
    assert 240 < seconds_left(None) <= 300, "a request that does not say changes nothing"
    assert 5340 < seconds_left("1h30m") <= 5400
    assert 50 < seconds_left(100) <= 100
    assert seconds_left(-1) > 1e9
    assert seconds_left("-1m") > 1e9


def test_a_model_that_is_not_to_stay_goes_after_its_answer(api: Api, engine: Engine) -> None:
    for stream in (False, True):
        reply = post(
            api, "/api/generate", model=LLAMA, prompt="Once", keep_alive=0, stream=stream, options={"num_predict": 20}
        )
        assert json.loads(reply.body.splitlines()[-1])["done_reason"] in ("stop", "length")
        until(lambda: names(engine) == {CHOSEN})


def test_many_answers_come_from_a_model_that_is_never_to_stay(engine: Engine) -> None:
    with serving(engine, settings().model_copy(update={"keep_alive": 0.0})) as api:
        reply = completion(api, LLAMA, prompt=["Once", "upon", "a"] * 6, n=2)
    assert len(reply.json["choices"]) == 36
    until(lambda: names(engine) == {CHOSEN})


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat"])
def test_an_empty_prompt_loads_and_with_keep_alive_0_unloads(api: Api, engine: Engine, path: str) -> None:
    loaded = post(api, path, model=LLAMA, stream=False).json
    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    assert names(engine) == {CHOSEN, LLAMA}
    gone = post(api, path, model=LLAMA, keep_alive=0).json
    assert (gone["done"], gone["done_reason"]) == (True, "unload")
    until(lambda: names(engine) == {CHOSEN})
    assert post(api, path, model=LLAMA, keep_alive=0).json["done_reason"] == "unload", "it is not loaded for that"
    assert names(engine) == {CHOSEN}


def test_the_chosen_model_stays_and_the_answer_does_not_claim_otherwise(api: Api, engine: Engine) -> None:
    assert post(api, "/api/generate", model=CHOSEN, keep_alive=0).json["done_reason"] == "load"
    assert names(engine) == {CHOSEN}


def test_loading_is_part_of_the_time_that_the_answer_tells(api: Api) -> None:
    asked = {"model": LLAMA, "prompt": "Once", "stream": False, "options": {"num_predict": 1}}
    first, second = (post(api, "/api/generate", **asked).json for _ in range(2))
    assert first["load_duration"] > 1_000_000
    assert second["load_duration"] == 0
    assert first["total_duration"] > first["load_duration"]


def test_of_two_that_wait_for_a_model_one_may_leave(api: Api, engine: Engine) -> None:
    with loads_held():
        stays = open_post(api, "/v1/completions", model=LLAMA, prompt="Once", max_tokens=1)
        leaves = open_post(api, "/api/generate", model=LLAMA, prompt="Once")
        until(lambda: waiting_loads() == 1)
        assert api.generate(prompt="Once", max_new_tokens=1).status == 200, "others are served meanwhile"
        leaves.close()
        threading.Event().wait(0.6)  # for the server to see that it left
    assert read_reply(stays).json["model"] == LLAMA
    assert names(engine) == {CHOSEN, LLAMA}


def test_a_model_that_nobody_waits_for_any_more_is_not_loaded(api: Api, engine: Engine) -> None:
    with loads_held():
        connections = [open_post(api, "/v1/completions", model=LLAMA, prompt="Once") for _ in range(3)]
        until(lambda: waiting_loads() == 1)
        for connection in connections:
            connection.close()
        until(lambda: waiting_loads() == 0, 5.0)
    assert names(engine) == {CHOSEN}


def waiting_loads() -> int:
    return sum(thread.name == "llmtui-load" for thread in threading.enumerate())


def test_more_than_may_wait_for_a_model_are_told_to_come_back(engine: Engine) -> None:
    with serving(engine, settings(max_waiting=2)) as api:
        with loads_held():
            connections = [open_post(api, "/v1/completions", model=LLAMA, prompt="Once", max_tokens=1) for _ in "123"]
            (answered,), _, _ = select.select(connections, [], [], 30)
            refused = read_reply(answered)
            assert (refused.status, refused.json["error"]["code"]) == (429, "queue_full")
            assert int(refused.headers["retry-after"]) >= 1
            assert api.get("/health").status == 200
        waited = [read_reply(connection) for connection in connections if connection is not answered]
    assert [reply.status for reply in waited] == [200, 200]


def test_a_model_that_never_fits_is_a_507_and_one_that_does_not_now_a_503() -> None:
    with Engine(CHOSEN, device="cpu") as alone:
        alone.wait_until_loaded(60)
        weights = alone.models()[0].weights_bytes
    with Engine(CHOSEN, device="cpu", memory_budget=weights) as engine:
        engine.wait_until_loaded(60)
        with serving(engine, settings()) as api:
            openai = completion(api, LLAMA)
            assert (openai.status, openai.json["error"]["code"]) == (503, "memory_full")
            assert int(openai.headers["retry-after"]) >= 1
            assert "MEMORY_BUDGET" in openai.json["error"]["message"]
            ollama = post(api, "/api/chat", model=LLAMA, messages=USER)
            assert (ollama.status, "MEMORY_BUDGET" in ollama.json["error"]) == (503, True)
            native = api.generate(prompt="Once", model=LLAMA)
            assert (native.status, native.error["code"]) == (503, "memory_full")
            assert api.generate(prompt="Once", max_new_tokens=1).status == 200
    with Engine(memory_budget=1_000_000) as engine, serving(engine, settings()) as api:
        never = completion(api, CHOSEN)
        assert (never.status, never.json["error"]["code"]) == (507, "model_too_large")
        assert never.headers["x-should-retry"] == "false"


def test_the_least_recently_used_makes_room() -> None:
    with Engine(CHOSEN, device="cpu") as engine:
        engine.wait_until_loaded(60)
        with serving(engine, settings()) as api:
            completion(api, LLAMA), completion(api, QWEN)
        budget = sum(resident.weights_bytes for resident in engine.models()) - 1000
    with Engine(CHOSEN, device="cpu", memory_budget=budget) as engine:
        engine.wait_until_loaded(60)
        with serving(engine, settings()) as api:
            assert completion(api, LLAMA).status == 200
            assert completion(api, QWEN).status == 200
            assert names(engine) == {CHOSEN, QWEN}


def test_a_broken_model_is_an_error_with_its_reason_and_not_asked_for_again(
    api: Api, engine: Engine, cache: Path, tmp_path: Path
) -> None:
    folder = make_model_folder("gpt2", tmp_path / "broken")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-64])
    into_cache(cache, folder, "someorg/broken")
    reply = completion(api, "someorg/broken")
    assert reply.status in (400, 404, 500)
    assert "someorg/broken" in reply.json["error"]["message"]
    assert reply.status < 500 or reply.headers["x-should-retry"] == "false"
    assert names(engine) == {CHOSEN}


def test_a_request_that_names_the_model_still_loading_waits_for_it() -> None:
    with Engine() as engine, serving(engine, settings()) as api:
        with loads_held():
            engine.load(CHOSEN, device="cpu")
            assert api.generate(prompt="Once", max_new_tokens=1).status == 503
            named = open_post(api, "/v1/completions", model=CHOSEN, prompt="Once", max_tokens=1)
            until(lambda: waiting_loads() == 1)
        assert read_reply(named).json["model"] == CHOSEN
        assert names(engine) == {CHOSEN}


def test_a_server_that_stops_lets_nobody_wait_for_a_model(engine: Engine) -> None:
    lifecycle, ours = Lifecycle(), settings()
    server = Server(create_app(engine, ours, lifecycle=lifecycle), ours)
    server.start()
    try:
        with loads_held():
            waiting = open_post(Api(server.port), "/v1/completions", model=LLAMA, prompt="Once")
            until(lambda: waiting_loads() == 1)
            assert lifecycle.drain(engine, seconds=20)
            assert read_reply(waiting).json["error"]["code"] == "shutting_down"
            until(lambda: waiting_loads() == 0)
    finally:
        server.close()
