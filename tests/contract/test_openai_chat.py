"""POST /v1/chat/completions and /v1/models through OpenAI's own clients."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from api_client import Api, serving
from sdk import MODEL, async_openai_client, openai_client

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.requests import ChatMessage
from llmtui.settings import Settings

QUESTION = [{"role": "user", "content": "Hello! What is your name?"}]
GREEDY = {"model": MODEL, "messages": QUESTION, "temperature": 0, "max_completion_tokens": 20}


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[openai.OpenAI]:
    with openai_client(api) as client:
        yield client


def direct(engine: Engine, messages: list[dict[str, str]], **params: Any):
    asked = SamplingParams(**{"temperature": 0, "top_k": 0, "max_tokens": 20, **params})
    chat = [ChatMessage(role=m["role"], content=m["content"]) for m in messages]
    return engine.submit(GenerationRequest(messages=chat, params=asked)).result()


def test_a_conversation_is_answered_by_the_models_own_template(client: openai.OpenAI, engine: Engine) -> None:
    answer = client.chat.completions.create(**GREEDY)
    wanted = direct(engine, QUESTION)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", wanted.text)
    assert choice.finish_reason == wanted.finished.reason
    assert (choice.message.refusal, choice.logprobs) == (None, None)
    assert answer.object == "chat.completion"
    assert answer.usage.prompt_tokens == wanted.started.prompt_tokens


def test_parts_the_developer_role_and_empty_content_are_what_the_template_gets(
    client: openai.OpenAI, engine: Engine
) -> None:
    parts = [{"type": "text", "text": "Hello! What"}, {"type": "text", "text": " is your name?"}]
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": None},
        {"role": "user", "content": parts},
    ]
    same = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Hello! What is your name?"},
    ]
    answer = client.chat.completions.create(**GREEDY | {"messages": messages})
    assert answer.choices[0].message.content == direct(engine, same).text


def test_usage_tells_what_was_kept_of_an_earlier_request(client: openai.OpenAI, engine: Engine) -> None:
    long = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me of the old mill. " * 25}],
        "max_tokens": 1,
    }
    client.chat.completions.create(**long)
    *_, last = client.chat.completions.create(**long, stream=True, stream_options={"include_usage": True})
    again = client.chat.completions.create(**long).usage
    prefilled = direct(engine, long["messages"], max_tokens=1).started.prompt_tokens
    assert 64 <= again.prompt_tokens_details.cached_tokens < again.prompt_tokens == prefilled
    assert last.usage.prompt_tokens_details == again.prompt_tokens_details


def test_answers_of_one_model_have_one_fingerprint(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(**GREEDY)
    assert first.system_fingerprint.startswith("fp_")
    assert {chunk.system_fingerprint for chunk in client.chat.completions.create(**GREEDY, stream=True)} == {
        first.system_fingerprint
    }


def test_the_older_name_of_the_token_limit_still_counts(client: openai.OpenAI) -> None:
    asked = {"model": MODEL, "messages": QUESTION, "temperature": 0, "extra_body": {"ignore_eos": True}}
    assert client.chat.completions.create(**asked, max_tokens=3).usage.completion_tokens == 3
    both = client.chat.completions.create(**asked, max_tokens=3, max_completion_tokens=5)
    assert both.usage.completion_tokens == 5


def test_logprobs_carry_true_bytes_and_the_models_own_candidates(client: openai.OpenAI, engine: Engine) -> None:
    answer = client.chat.completions.create(**GREEDY, logprobs=True, top_logprobs=4)
    wanted = direct(engine, QUESTION, top_logprobs=4)
    items = answer.choices[0].logprobs.content
    assert b"".join(bytes(item.bytes) for item in items).decode() == answer.choices[0].message.content
    for item, token in zip(items, wanted.tokens, strict=False):
        assert (item.token, bytes(item.bytes)) == (token.bytes.decode(), token.bytes)
        assert item.logprob == pytest.approx(token.logprob, abs=1e-4)
        assert [bytes(t.bytes) for t in item.top_logprobs] == [c.bytes for c in token.candidates[:4]]


def test_logprobs_without_candidates_are_empty_lists(client: openai.OpenAI) -> None:
    items = client.chat.completions.create(**GREEDY, logprobs=True).choices[0].logprobs.content
    assert items
    assert all(item.top_logprobs == [] for item in items)


def test_a_stream_sends_role_content_finish_usage_and_done_in_this_order(api: Api) -> None:
    asked = {**GREEDY, "stream": True, "stream_options": {"include_usage": True}}
    body = api.request("POST", "/v1/chat/completions", json.dumps(asked).encode()).body.decode("ascii")
    frames = body.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert (deltas[0]["role"], deltas[0]["content"]) == ("assistant", "")
    assert all(set(delta) == {"content"} for delta in deltas[1:-1])
    assert deltas[-1] == {}
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]]
    assert reasons[-1] in ("stop", "length")
    assert reasons[:-1] == [None] * (len(reasons) - 1)
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["prompt_tokens"] > 0) == ([], True)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_a_stream_joins_to_the_plain_answer_logprobs_too(client: openai.OpenAI) -> None:
    asked = {**GREEDY, "temperature": 1.2, "seed": 9, "n": 2, "logprobs": True, "top_logprobs": 2, "stop": [" a"]}
    plain = client.chat.completions.create(**asked)
    texts, items = ["", ""], [[], []]
    for chunk in client.chat.completions.create(**asked, stream=True):
        (choice,) = chunk.choices
        texts[choice.index] += choice.delta.content or ""
        items[choice.index] += choice.logprobs.content if choice.logprobs else []
    assert texts == [choice.message.content for choice in plain.choices]
    for streamed, choice in zip(items, plain.choices, strict=True):
        assert [item.token for item in streamed] == [item.token for item in choice.logprobs.content]
        # which rows share a forward shows in the last digits
        assert [item.logprob for item in streamed] == [
            pytest.approx(item.logprob, abs=1e-4) for item in choice.logprobs.content
        ]


async def test_the_asynchronous_client_streams_two_conversations_at_once(api: Api) -> None:
    async with async_openai_client(api) as client:

        async def talk(seed: int) -> str:
            stream = await client.chat.completions.create(**GREEDY | {"temperature": 1}, seed=seed, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        first, second = await asyncio.gather(talk(1), talk(2))
        plain = await client.chat.completions.create(**GREEDY | {"temperature": 1}, seed=2)
    assert second == plain.choices[0].message.content
    assert first != second


def test_the_loaded_model_is_listed_and_found_by_its_name(client: openai.OpenAI) -> None:
    (listed,) = client.models.list().data
    assert (listed.id, listed.object, listed.owned_by) == (MODEL, "model", "llmtui")
    assert listed.created > 1_600_000_000
    assert client.models.retrieve(MODEL) == listed


def test_a_name_with_slashes_is_a_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("some-organisation/some-model")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert "some-organisation/some-model" in missing.value.message
    assert MODEL in missing.value.message


def test_a_request_that_names_no_model_before_one_is_chosen_is_told_to_come_back(settings: Settings) -> None:
    with (
        Engine() as empty,
        serving(empty, settings) as api,
        openai_client(api) as client,
        pytest.raises(openai.InternalServerError) as refused,
    ):
        client.chat.completions.create(**GREEDY, extra_body={"model": None})
    assert (refused.value.status_code, refused.value.code) == (503, "model_not_ready")
    assert int(refused.value.response.headers["retry-after"]) >= 1
