"""Answers that are known already: which may be given again, to whom, and that they are the same."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import pytest
from api_client import Api, Reply, serving, until
from prometheus_client.parser import text_string_to_metric_families

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Event, Queued
from llmtui.server.answer_cache import AnswerCache, Recorder, cache_key
from llmtui.settings import Settings

PROMPT = "Once upon a time"
GREEDY = {"temperature": 0}
MESSAGES = [{"role": "user", "content": "Hi"}]
# path, a request that is deterministic, and how it asks for a stream
ROUTES = {
    "/generate": ({"prompt": PROMPT, "max_new_tokens": 12, "top_logprobs": 3, "seed": 5}, {"stream": True}),
    "/v1/completions": ({"prompt": PROMPT, "max_tokens": 12, "logprobs": 3, "seed": 5, "n": 6}, {"stream": True}),
    "/v1/chat/completions": ({"messages": MESSAGES, "max_tokens": 12, "logprobs": True} | GREEDY, {"stream": True}),
    "/api/generate": ({"model": "tiny-tales", "prompt": PROMPT, "options": {"seed": 5, "num_predict": 12}}, {}),
    "/api/chat": ({"model": "tiny-tales", "messages": MESSAGES, "options": GREEDY | {"num_predict": 12}}, {}),
}
OF_THE_ANSWER_ITSELF = {
    "created", "id", "created_at", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration",
    "request_id", "cached", "inference_time_seconds", "queued_seconds", "first_token_seconds", "tokens_per_second",
    "prompt_tokens_details",
}  # fmt: skip


@pytest.fixture
def api(engine: Engine, settings: Settings) -> Iterator[Api]:
    with serving(engine, settings.model_copy(update={"answer_cache_bytes": 1_000_000})) as api:
        yield api


def post(api: Api, path: str, body: dict, headers: dict[str, str] | None = None) -> Reply:
    return api.request("POST", path, json.dumps(body).encode(), headers or {})


def cache_of(reply: Reply) -> str | None:
    return reply.headers.get("x-llmtui-cache")


def plain(value: object) -> object:
    """An answer without what belongs to its delivery."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in OF_THE_ANSWER_ITSELF}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def frames(reply: Reply) -> list[object]:
    lines = [line.removeprefix("data: ") for line in reply.body.decode().split("\n") if line]
    return [plain(json.loads(line)) for line in lines if line != "[DONE]"]


def counted(api: Api, name: str) -> float:
    families = text_string_to_metric_families(api.get("/metrics").body.decode())
    return next(sample.value for family in families for sample in family.samples if sample.name == f"llmtui_{name}")


@pytest.mark.parametrize("path", ROUTES)
def test_the_second_answer_is_the_first_one_streamed_or_not(api: Api, engine: Engine, path: str) -> None:
    body, streaming = ROUTES[path]
    whole, streamed = body | {"stream": False}, body | streaming
    first = post(api, path, whole)
    generated = engine.stats().generated_tokens
    again, stream, stream_again = post(api, path, whole), post(api, path, streamed), post(api, path, streamed)
    assert [first.status, cache_of(first)] == [200, "miss"]
    assert [cache_of(reply) for reply in (again, stream, stream_again)] == ["hit"] * 3
    assert engine.stats().generated_tokens == generated, "something was computed again"
    assert plain(again.json) == plain(first.json)
    assert frames(stream) == frames(stream_again)
    assert stream.headers["content-type"] != "application/json"


@pytest.mark.parametrize("path", ROUTES)
def test_a_stream_that_was_computed_and_one_that_was_kept_read_alike(api: Api, path: str) -> None:
    body, streaming = ROUTES[path]
    body = body | streaming | ({"n": 1} if "n" in body else {})
    computed, kept = post(api, path, body), post(api, path, body)
    assert (cache_of(computed), cache_of(kept)) == ("miss", "hit")
    assert frames(computed) == frames(kept)


def test_the_native_body_says_so_and_tells_no_time_that_was_not_spent(api: Api) -> None:
    first, again = (api.generate(prompt=PROMPT, max_new_tokens=40, temperature=0, seed=seed).json for seed in (1, 2))
    assert [reply["metadata"]["cached"] for reply in (first, again)] == [False, True]
    assert again["generated_text"] == first["generated_text"]
    assert again["metadata"]["seed"] == 2, "the seed is the one that was asked for"
    assert again["inference_time_seconds"] < first["inference_time_seconds"] / 2
    assert (again["metadata"]["tokens_per_second"], again["metadata"]["queued_seconds"]) == (None, 0)


def test_answers_left_to_chance_are_computed_each_time(api: Api) -> None:
    replies = [api.generate(prompt=PROMPT, max_new_tokens=8, temperature=1.5) for _ in range(2)]
    assert [cache_of(reply) for reply in replies] == [None, None]
    assert [reply.json["metadata"]["cached"] for reply in replies] == [False, False]


def test_scoring_the_same_text_again_is_free(api: Api) -> None:
    first, again = (post(api, "/score", {"text": PROMPT}) for _ in range(2))
    assert (cache_of(first), cache_of(again)) == ("miss", "hit")
    assert plain(first.json) == plain(again.json)


def test_errors_are_not_kept_and_not_marked(api: Api, occupied: Callable) -> None:
    body = {"prompt": PROMPT, "max_new_tokens": 3, "temperature": 0}
    with occupied(12):
        refused = post(api, "/generate", body)
    assert (refused.status, cache_of(refused)) == (429, None)
    assert cache_of(post(api, "/generate", body)) == "miss"
    assert post(api, "/generate", {"prompt": "a" * 5000, "temperature": 0}).status == 400


@pytest.mark.parametrize("stream", [True, False])
def test_cancelled_and_abandoned_answers_are_not_kept(
    api: Api, engine: Engine, occupied: Callable, stream: bool
) -> None:
    body = {"prompt": PROMPT, "max_length": 400, "temperature": 0, "stream": stream}
    with occupied(3):
        api.begin(**body).close()
        until(lambda: engine.stats().running == 3)
        asking = threading.Thread(target=lambda: post(api, "/generate", body, {"X-Request-Id": "mine"}))
        asking.start()
        until(lambda: engine.stats().running == 4)
        until(lambda: api.request("DELETE", "/requests/mine").status == 200)
        asking.join(timeout=30)
    assert counted(api, "answer_cache_bytes") == 0


def test_a_full_queue_does_not_keep_from_known_answers(api: Api, occupied: Callable) -> None:
    body = {"prompt": PROMPT, "max_new_tokens": 3, "temperature": 0}
    post(api, "/generate", body)
    with occupied(12):
        assert cache_of(post(api, "/generate", body)) == "hit"


def test_known_answers_cost_no_tokens(engine: Engine, settings: Settings) -> None:
    values = {"answer_cache_bytes": 100_000, "tokens_per_minute": 5}
    body = {"prompt": PROMPT, "max_new_tokens": 9, "temperature": 0}
    with serving(engine, settings.model_copy(update=values)) as api:
        assert [post(api, "/generate", body).status for _ in range(3)] == [200] * 3
        assert post(api, "/generate", body | {"max_new_tokens": 1}).status == 429


def test_with_keys_each_keeps_its_answers_to_itself(engine: Engine, settings: Settings) -> None:
    keys = Settings(_env_file=None, api_keys="alice:sk-alice-12345,bob:sk-bob-67890").api_keys
    alice, bob = {"X-API-Key": "sk-alice-12345"}, {"X-API-Key": "sk-bob-67890"}
    body = {"prompt": PROMPT, "max_new_tokens": 3, "temperature": 0}
    with serving(engine, settings.model_copy(update={"answer_cache_bytes": 100_000, "api_keys": keys})) as api:
        assert [cache_of(post(api, "/generate", body, key)) for key in (alice, bob, alice)] == ["miss", "miss", "hit"]


def test_switched_off_nothing_is_kept_or_marked(engine: Engine, settings: Settings) -> None:
    with serving(engine, settings.model_copy(update={"answer_cache_bytes": 0})) as api:
        replies = [api.generate(prompt=PROMPT, max_new_tokens=3, temperature=0) for _ in range(2)]
    assert [cache_of(reply) for reply in replies] == [None, None]


def test_metrics_count_hits_misses_and_bytes(api: Api) -> None:
    for _ in range(3):
        api.generate(prompt=PROMPT, max_new_tokens=3, temperature=0)
    api.generate(prompt=PROMPT, max_new_tokens=3, temperature=1.0)
    assert (counted(api, "answer_cache_hits_total"), counted(api, "answer_cache_misses_total")) == (2, 1)
    assert 100 < counted(api, "answer_cache_bytes") < 10_000
    assert counted(api, "ttft_seconds_count") == 2, "an answer that is read from memory has no time to first token"


# the key

SEEDED = GenerationRequest(prompt=PROMPT, params=SamplingParams(seed=1))
OTHER_VALUES = {
    "temperature": 0.5, "top_k": 3, "top_p": 0.5, "min_p": 0.1, "typical_p": 0.5, "repetition_penalty": 1.5,
    "frequency_penalty": 1.0, "presence_penalty": 1.0, "logit_bias": {3: 1.0}, "max_tokens": 7, "max_length": 90,
    "stop": ["x"], "stop_ids": [4], "ignore_eos": True, "seed": 2, "top_logprobs": 1, "prompt_logprobs": True,
    "stage_order": "llama.cpp", "exact": True, "speculate": 2, "lookahead": 2, "lookahead_depth": 7,
}  # fmt: skip


@pytest.fixture
def key_of(engine: Engine) -> Callable[..., bytes | None]:
    return lambda request, salt="", **model: cache_key(replace(engine.model, **model), request, salt)


def test_every_field_of_the_sampling_parameters_makes_another_key(key_of: Callable) -> None:
    assert set(OTHER_VALUES) == {field.name for field in fields(SamplingParams)}
    changed = [replace(SEEDED.params, **{name: value}) for name, value in OTHER_VALUES.items()]
    keys = {key_of(replace(SEEDED, params=params)) for params in [SEEDED.params, *changed]}
    assert len(keys) == len(OTHER_VALUES) + 1
    assert None not in keys


def test_prompt_model_dtype_device_and_salt_make_other_keys_and_the_caller_does_not(key_of: Callable) -> None:
    others = [
        key_of(SEEDED), key_of(SEEDED, salt="alice"), key_of(SEEDED, dtype="int8"), key_of(SEEDED, device="cuda:0"),
        key_of(SEEDED, name="other"), key_of(replace(SEEDED, prompt="Twice")), key_of(replace(SEEDED, clip=True)),
        key_of(replace(SEEDED, prompt=None, prompt_ids=[1, 2])),
    ]  # fmt: skip
    assert len(set(others)) == len(others)
    assert key_of(SEEDED, load_seconds=9.9) == key_of(replace(SEEDED, client="bob", request_id="7")) == key_of(SEEDED)


def test_greedy_answers_do_not_depend_on_the_seed_and_others_need_one(key_of: Callable) -> None:
    def key(**params: object) -> bytes | None:
        return key_of(replace(SEEDED, params=SamplingParams(**params)))

    assert key(temperature=0) == key(temperature=0, seed=1) == key(temperature=1e-9, seed=2)
    assert key(temperature=1.0) is None
    assert key(temperature=1.0, seed=1) is not None


def test_the_same_files_under_another_name_or_changed_are_another_model(
    key_of: Callable, model_folder, tmp_path
) -> None:
    for file in model_folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    before = key_of(SEEDED, path=str(tmp_path), name="a")
    (tmp_path / "config.json").write_text("{}")
    assert key_of(SEEDED, path=str(tmp_path), name="b") != before


# the room


def events(size: int) -> list[Event]:
    return [Queued("x" * size, 0)]


def test_the_least_recently_used_goes_first_and_the_room_is_never_exceeded() -> None:
    cache = AnswerCache(10_000)
    for name in (b"a", b"b", b"c"):
        cache.put(name, events(2_300))
    cache.get(b"a")
    for name in (b"d", b"e"):
        cache.put(name, events(2_300))
    assert [name for name in (b"a", b"b", b"c", b"d", b"e") if cache.get(name)] == [b"a", b"c", b"d", b"e"]
    assert 4 * 2_300 < cache.bytes_held <= 10_000


def test_an_answer_too_large_for_the_room_pushes_nobody_out() -> None:
    cache = AnswerCache(10_000)
    cache.put(b"a", events(100))
    cache.put(b"b", events(5_000))
    assert cache.get(b"a")
    assert cache.get(b"b") is None


def test_an_answer_put_twice_counts_once() -> None:
    cache = AnswerCache(10_000)
    cache.put(b"a", events(100))
    held = cache.bytes_held
    cache.put(b"a", events(100))
    assert cache.bytes_held == held


def test_a_recorder_keeps_nothing_of_an_answer_that_was_left() -> None:
    cache = AnswerCache(10_000)
    recorder = Recorder(cache, b"a", [])
    recorder.see(events(10)[0], 0.0)
    recorder.client_left()
    assert cache.bytes_held == 0
