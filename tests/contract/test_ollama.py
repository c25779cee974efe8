"""The Ollama dialect through Ollama's own clients; what the numbers must be comes from the engine's own facts."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import ollama
import pytest
from api_client import Api, Reply, serving, until
from sdk import MODEL, ollama_client, openai_client

from llmtui import __version__
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.requests import ChatMessage
from llmtui.engine.stream import GenerationResult
from llmtui.models.catalog import embedded_path
from llmtui.models.licence import licence_of
from llmtui.settings import Settings

PROMPT = "Once upon a time"
QUESTION = [{"role": "user", "content": "Hello! What is your name?"}]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ollama.Client]:
    with ollama_client(api) as client:
        yield client


def direct(engine: Engine, given: str | list[dict[str, str]], **params: Any) -> GenerationResult:
    asked = SamplingParams(**{"temperature": 0, "max_tokens": 15} | params)
    if isinstance(given, str):
        return engine.submit(GenerationRequest(prompt=given, params=asked)).result()
    chat = [ChatMessage(**message) for message in given]
    return engine.submit(GenerationRequest(messages=chat, params=asked)).result()


def post(api: Api, path: str, **body: Any) -> Reply:
    return api.request("POST", path, json.dumps(body).encode())


def lines(reply: Reply) -> list[dict[str, Any]]:
    """The NDJSON lines; checks that there is none that a client could stumble over."""
    assert reply.headers["content-type"] == "application/x-ndjson"
    text = reply.body.decode("ascii")
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def test_a_conversation_is_answered_by_the_models_own_template(client: ollama.Client, engine: Engine) -> None:
    answer = client.chat(MODEL, QUESTION, options={"temperature": 0, "num_predict": 15})
    wanted = direct(engine, QUESTION)
    assert (answer.message.role, answer.message.content) == ("assistant", wanted.text)
    assert (answer.model, answer.done, answer.done_reason) == (MODEL, True, wanted.finished.reason)
    assert (answer.prompt_eval_count, answer.eval_count) == (wanted.started.prompt_tokens, len(wanted.tokens))
    assert 0 < answer.prompt_eval_duration < answer.total_duration
    assert 0 < answer.eval_duration < answer.total_duration < 60e9
    assert RFC3339.fullmatch(answer.created_at)


def test_the_speed_of_one_token_and_of_a_kept_answer_can_be_told(engine: Engine, settings: Settings) -> None:
    keeping = settings.model_copy(update={"answer_cache_bytes": 1_000_000})
    with serving(engine, keeping) as api:
        for tokens in (1, 1, 5, 5):
            options = {"temperature": 0, "num_predict": tokens}
            answer = post(api, "/api/chat", model=MODEL, messages=QUESTION, options=options, stream=False).json
            assert answer["eval_count"] == tokens
            assert 1 <= answer["eval_duration"] <= answer["total_duration"]


def test_a_raw_prompt_is_continued_as_it_stands(client: ollama.Client, engine: Engine) -> None:
    answer = client.generate(MODEL, PROMPT, raw=True, options={"temperature": 0, "num_predict": 15})
    assert answer.response == direct(engine, PROMPT).text
    assert answer.context is None


def test_a_prompt_goes_through_the_template_and_its_context_goes_on_from_there(
    client: ollama.Client, engine: Engine
) -> None:
    options = {"temperature": 0, "num_predict": 15}
    first = client.generate(MODEL, PROMPT, system="Be brief.", options=options)
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    wanted = direct(engine, turns)
    assert first.response == wanted.text
    prompt_ids = engine.tokenize_chat([ChatMessage(**turn) for turn in turns])
    assert list(first.context) == [*prompt_ids, *(token.id for token in wanted.tokens)]
    second = client.generate(MODEL, "And then?", context=first.context, options=options)
    ids = [*first.context, *engine.tokenize_chat([ChatMessage(role="user", content="And then?")])]
    params = SamplingParams(temperature=0, max_tokens=15)
    assert second.response == engine.submit(GenerationRequest(prompt_ids=ids, params=params)).result().text


def test_the_options_reach_the_sampler(client: ollama.Client, engine: Engine) -> None:
    common = {"temperature": 1.3, "top_k": 7, "top_p": 0.9, "min_p": 0.01, "typical_p": 0.95, "seed": 5}
    penalties = {"frequency_penalty": 0.5, "presence_penalty": 0.25}
    options = common | penalties | {"repeat_penalty": 1.2, "num_predict": 15, "stop": [" zebra"]}
    answer = client.generate(MODEL, PROMPT, raw=True, options=options)
    assert answer.response == direct(engine, PROMPT, **common, **penalties, repetition_penalty=1.2).text


def test_a_stop_text_ends_the_answer_and_is_cut(client: ollama.Client, engine: Engine) -> None:
    whole = direct(engine, PROMPT).text
    stop = whole[9:13]
    for stream in (False, True):
        options = {"temperature": 0, "num_predict": 15, "stop": [stop]}
        answer = client.generate(MODEL, PROMPT, raw=True, options=options, stream=stream)
        parts = list(answer) if stream else [answer]
        assert "".join(part.response for part in parts) == whole[: whole.index(stop)]
        assert parts[-1].done_reason == "stop"


def test_more_tokens_than_the_context_has_room_for_end_in_length(client: ollama.Client) -> None:
    answer = client.generate(MODEL, "word " * 480, raw=True, options={"num_predict": 4000})
    assert answer.prompt_eval_count + answer.eval_count <= 512


def test_what_is_not_said_comes_from_the_settings(engine: Engine, settings: Settings) -> None:
    ours = settings.model_copy(update={"default_temperature": 0.0, "default_top_k": 3, "default_top_p": 0.5})
    with serving(engine, ours) as api, ollama_client(api) as client:
        assert (
            client.generate(MODEL, PROMPT, raw=True, options={"num_predict": 15}).response
            == direct(engine, PROMPT).text
        )
        assert client.show(MODEL).parameters == "temperature 0\ntop_k 3\ntop_p 0.5"


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat"])
def test_a_stream_is_lines_of_json_whose_last_has_the_counts_and_no_text(api: Api, path: str) -> None:
    asked = {"model": MODEL, "prompt": PROMPT, "messages": QUESTION, "options": {"seed": 3, "num_predict": 15}}
    streamed = lines(post(api, path, **asked))  # streaming is what Ollama does where nothing is said
    plain = post(api, path, **asked, stream=False).json
    assert [line["done"] for line in streamed] == [False] * (len(streamed) - 1) + [True]
    assert all(RFC3339.fullmatch(line["created_at"]) and line["model"] == MODEL for line in streamed)
    last, texts = streamed[-1], [text_of(line) for line in streamed]
    assert "".join(texts) == text_of(plain)
    assert texts[-1] == ""
    assert set(last) == set(plain)
    counts = ("done_reason", "prompt_eval_count", "eval_count")
    assert [last[name] for name in counts] == [plain[name] for name in counts]
    assert last.get("context") == plain.get("context")
    durations = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
    assert all(type(last[name]) is int for name in durations)


def text_of(line: dict[str, Any]) -> str:
    return str(line["response"] if "response" in line else line["message"]["content"])


def test_logprobs_carry_true_bytes_in_every_chunk(client: ollama.Client, api: Api, engine: Engine) -> None:
    asked = {"logprobs": True, "top_logprobs": 3, "options": {"temperature": 0, "num_predict": 15}}
    answer = client.generate(MODEL, PROMPT, raw=True, **asked)
    wanted = direct(engine, PROMPT, top_logprobs=3).tokens
    assert [item.logprob for item in answer.logprobs] == [pytest.approx(t.logprob, abs=1e-4) for t in wanted]
    assert [top.token for top in answer.logprobs[0].top_logprobs] == [
        c.bytes.decode() for c in wanted[0].candidates[:3]
    ]
    streamed = lines(post(api, "/api/generate", model=MODEL, prompt=PROMPT, raw=True, **asked))
    assert "logprobs" not in streamed[-1]
    items = [item for line in streamed[:-1] for item in line["logprobs"]]
    assert [bytes(item["bytes"]) for item in items] == [token.bytes for token in wanted]
    plain = client.generate(MODEL, PROMPT, raw=True, options=asked["options"])
    assert plain.logprobs is None


async def test_the_asynchronous_client_streams_two_answers_at_once(api: Api) -> None:
    async with ollama.AsyncClient(f"http://127.0.0.1:{api.port}", timeout=60) as client:

        async def talk(seed: int) -> str:
            parts = await client.chat(MODEL, QUESTION, stream=True, options={"seed": seed, "num_predict": 15})
            return "".join([part.message.content async for part in parts])

        first, second = await asyncio.gather(talk(1), talk(2))
        plain = await client.chat(MODEL, QUESTION, options={"seed": 2, "num_predict": 15})
    assert second == plain.message.content
    assert first != second


def test_the_loaded_model_is_listed_with_and_without_its_tag(client: ollama.Client) -> None:
    (listed,) = client.list().models
    assert listed.model == f"{MODEL}:latest"
    assert re.fullmatch(r"[0-9a-f]{64}", listed.digest)
    assert datetime(2025, 1, 1, tzinfo=UTC) < listed.modified_at < datetime.now(UTC)
    assert listed.size > 1_000_000
    for name in (MODEL, f"{MODEL}:latest"):
        assert client.generate(name, "Once", options={"num_predict": 1}).model == name


def test_tags_tell_name_and_model_and_times_that_go_reads(api: Api) -> None:
    for path in ("/api/tags", "/api/ps"):
        (model,) = api.get(path).json["models"]
        assert model["name"] == model["model"] == f"{MODEL}:latest"
        assert RFC3339.fullmatch(model["modified_at"])
    assert RFC3339.fullmatch(model["expires_at"])


def test_show_tells_the_models_own_facts(client: ollama.Client, engine: Engine) -> None:
    shown, info = client.show(MODEL), engine.model
    assert shown.modelinfo["general.parameter_count"] == info.parameters
    assert shown.modelinfo["gpt2.context_length"] == info.context
    assert (shown.details.family, shown.details.quantization_level) == ("gpt2", "F32")
    assert shown.details.parameter_size == f"{info.parameters / 1e6:.1f}M"
    assert shown.capabilities == ["completion"]
    assert "<|" in shown.template


def test_show_tells_the_licence_that_the_list_of_models_tells(client: ollama.Client) -> None:
    assert client.show(MODEL).license == licence_of(embedded_path()) == "mit"


def test_ps_tells_what_is_in_memory(client: ollama.Client, engine: Engine) -> None:
    (running,), (resident,) = client.ps().models, engine.models()
    caches = resident.kv_bytes + resident.prefix_cache_bytes + resident.spare_bytes
    assert running.size == resident.weights_bytes + caches
    assert running.size_vram == 0
    assert running.context_length == engine.model.context
    assert running.expires_at.year > 2200


@pytest.mark.parametrize("keep_alive", [None, "5m", 0, -1, 3.5, "1h30m"])
def test_an_empty_prompt_says_that_the_model_is_loaded_and_stays(client: ollama.Client, keep_alive: Any) -> None:
    """Also where it asks to unload: it is not unloaded, and the answer does not claim so."""
    for answer in (client.generate(MODEL, keep_alive=keep_alive), client.chat(MODEL, keep_alive=keep_alive)):
        assert (answer.done, answer.done_reason) == (True, "load")
    assert [model.model for model in client.ps().models] == [f"{MODEL}:latest"]


def test_root_and_version_answer_as_clients_expect(api: Api) -> None:
    assert api.get("/").body == b"Ollama is running"
    assert api.request("HEAD", "/").status == 200
    assert api.get("/api/version").json == {"version": __version__}
    assert api.request("HEAD", "/api/version").status == 200


def test_a_model_that_is_not_here_is_a_404(client: ollama.Client) -> None:
    for ask in (client.generate, client.show, client.chat):
        with pytest.raises(ollama.ResponseError) as missing:
            ask("llama3:8b")
        assert missing.value.status_code == 404
        assert "llama3:8b" in missing.value.error
        assert MODEL in missing.value.error


def test_pulling_the_loaded_model_succeeds_and_any_other_is_refused(client: ollama.Client) -> None:
    assert client.pull(MODEL).status == "success"
    for refused in (lambda: client.pull("llama3"), lambda: client.delete(MODEL)):
        with pytest.raises(ollama.ResponseError) as forbidden:
            refused()
        assert forbidden.value.status_code == 403


def test_what_is_not_built_is_a_501_that_says_so(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as missing:
        client.embed(MODEL, "text")
    assert (missing.value.status_code, missing.value.error) == (501, "/api/embed is not implemented by llmtui")


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("generate", {"model": None}, "model"),
        ("generate", {"options": {"temperature": "hot"}}, "options"),
        ("generate", {"options": {"top_k": 4.5}}, "options"),
        ("generate", {"options": {"seed": 2**70}}, "options"),
        ("generate", {"options": 5}, "options"),
        ("generate", {"keep_alive": "soon"}, "keep_alive"),
        ("generate", {"suffix": "the end"}, "suffix"),
        ("generate", {"template": "{{ .Prompt }}"}, "template"),
        ("generate", {"images": ["AA"]}, "images"),
        ("generate", {"format": "json"}, "format"),
        ("generate", {"think": True}, "think"),
        ("generate", {"context": ["a"]}, "context"),
        ("generate", {"context": [10**9]}, "1000000000"),
        ("generate", {"top_logprobs": 21}, "top_logprobs"),
        ("generate", {"prompt": "word " * 600}, "512"),
        ("chat", {"messages": [{"role": "tool", "content": "5"}]}, "messages"),
        ("chat", {"messages": [{"role": "user", "content": "", "images": ["AA"]}]}, "messages"),
        ("chat", {"messages": "hi"}, "messages"),
        ("chat", {"tools": [{"type": "function"}]}, "tools"),
        ("chat", {"format": {"type": "object"}}, "format"),
        ("show", {"model": ""}, "model"),
    ],
)
def test_a_wrong_or_unsupported_field_is_a_400_in_ollamas_shape(
    api: Api, path: str, body: dict[str, Any], named: str
) -> None:
    reply = post(api, f"/api/{path}", **{"model": MODEL, "prompt": PROMPT, "messages": QUESTION} | body)
    assert (reply.status, set(reply.json)) == (400, {"error"}), reply.body
    assert named in reply.json["error"]


def test_old_and_unknown_fields_and_options_are_ignored(api: Api) -> None:
    old = {"mirostat": 0, "tfs_z": 1.0, "numa": False, "num_ctx": 4096, "num_gpu": -1, "made_up": [1], "top_k": 40.0}
    options = old | {"seed": -1, "repeat_last_n": 64, "num_predict": 1, "min_p": None}
    harmless = {"format": "", "think": False, "truncate": True, "images": [], "tools": None, "user": "a"}
    assert post(api, "/api/generate", model=MODEL, prompt="Once", options=options, **harmless).status == 200


def test_a_curl_without_content_type_is_understood_and_rubbish_refused_in_ollamas_shape(api: Api) -> None:
    body = b'{"model": "tiny-tales", "prompt": "Once", "stream": false, "options": {"num_predict": 1}}'
    curls_own = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.request("POST", "/api/generate", body, curls_own).status == 200
    for path, method, status in (("/api/generate", "POST", 400), ("/api/nope", "GET", 404), ("/api/chat", "GET", 405)):
        reply = api.request(method, path, b"{" if method == "POST" else None)
        assert (reply.status, set(reply.json)) == (status, {"error"})


def test_an_answer_that_the_server_cancels_ends_in_an_error_line(client: ollama.Client, engine: Engine) -> None:
    options = {"num_predict": 480, "temperature": 0}
    stream = client.generate(MODEL, PROMPT, raw=True, stream=True, options=options)
    assert next(stream).response
    for request in engine.requests():
        engine.cancel(request.id)
    with pytest.raises(ollama.ResponseError, match="cancelled"):
        list(stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_the_engine_within_a_second(
    api: Api, engine: Engine, occupied, stream: bool
) -> None:
    body = json.dumps({"model": MODEL, "prompt": PROMPT, "raw": True, "stream": stream}).encode()
    head = f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with occupied(4):
        with api.raw(head + body):
            until(lambda: engine.stats().waiting == 1)
        until(lambda: engine.stats().waiting == 0, 1.0)


def test_all_dialects_answer_on_one_port(api: Api, client: ollama.Client) -> None:
    with openai_client(api) as openai:
        ours = openai.completions.create(model=MODEL, prompt=PROMPT, temperature=0, max_tokens=15).choices[0].text
    native = api.generate(prompt=PROMPT, temperature=0, max_new_tokens=15).json["generated_text"]
    theirs = client.generate(MODEL, PROMPT, raw=True, options={"temperature": 0, "num_predict": 15}).response
    assert ours == theirs == native.removeprefix(PROMPT)
