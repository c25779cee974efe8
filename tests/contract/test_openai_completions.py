"""POST /v1/completions through OpenAI's own client; what the numbers must be comes from the engine's own facts."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from api_client import Api
from sdk import MODEL, openai_client

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.stream import GenerationResult

PROMPT = "Once upon a time"
OTHER = "The little dog"
GREEDY = {"model": MODEL, "temperature": 0, "max_tokens": 12}


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[openai.OpenAI]:
    with openai_client(api) as client:
        yield client


def run(engine: Engine, prompt: Any, **params: Any) -> GenerationResult:
    """The engine asked directly, with OpenAI's defaults."""
    wanted = {"temperature": 1.0, "top_k": 0, "max_tokens": 12} | params
    given = {"prompt": prompt} if isinstance(prompt, str) else {"prompt_ids": prompt}
    return engine.submit(GenerationRequest(**given, params=SamplingParams(**wanted))).result()


def test_a_text_is_continued_as_the_engine_does_it(client: openai.OpenAI, engine: Engine) -> None:
    answer = client.completions.create(**GREEDY, prompt=PROMPT)
    direct = run(engine, PROMPT, temperature=0)
    assert answer.object == "text_completion"
    assert answer.model == MODEL
    assert answer.id.startswith("cmpl-")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (direct.text, direct.finished.reason)
    assert answer.choices[0].logprobs is None
    usage = direct.finished.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        usage.prompt_tokens,
        usage.completion_tokens,
    )
    assert answer.usage.total_tokens == usage.total_tokens


def test_sixteen_tokens_come_where_no_number_is_given(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=PROMPT, extra_body={"ignore_eos": True})
    assert answer.usage.completion_tokens == 16
    assert answer.choices[0].finish_reason == "length"


def test_the_sampling_fields_reach_the_sampler(client: openai.OpenAI, engine: Engine) -> None:
    space = engine.tokenize("zebra")[0]
    extensions = {"top_k": 7, "min_p": 0.01, "repetition_penalty": 1.2}
    common = {"top_p": 0.9, "frequency_penalty": 0.5, "presence_penalty": 0.25, "seed": 5, "temperature": 1.3}
    answer = client.completions.create(
        model=MODEL, prompt=PROMPT, max_tokens=12, logit_bias={str(space): 7.5}, extra_body=extensions, **common
    )
    assert answer.choices[0].text == run(engine, PROMPT, **common, **extensions, logit_bias={space: 7.5}).text


def test_every_shape_of_a_prompt_gives_the_same_answers(client: openai.OpenAI, engine: Engine) -> None:
    texts, ids = [PROMPT, OTHER], [list(engine.tokenize(PROMPT)), list(engine.tokenize(OTHER))]
    wanted = [run(engine, text, temperature=0).text for text in texts]
    for prompts in (texts, ids):
        answer = client.completions.create(**GREEDY, prompt=prompts)
        assert [choice.text for choice in answer.choices] == wanted
    for one in (PROMPT, ids[0]):
        assert [c.text for c in client.completions.create(**GREEDY, prompt=one).choices] == wanted[:1]


def test_choices_come_prompt_by_prompt_each_with_a_seed_of_its_own(client: openai.OpenAI, engine: Engine) -> None:
    answer = client.completions.create(model=MODEL, prompt=[PROMPT, OTHER], n=3, seed=40, max_tokens=12)
    assert [choice.index for choice in answer.choices] == list(range(6))
    wanted = [run(engine, prompt, seed=seed).text for prompt in (PROMPT, OTHER) for seed in (40, 41, 42)]
    assert [choice.text for choice in answer.choices] == wanted
    assert answer.usage.prompt_tokens == len(engine.tokenize(PROMPT)) + len(engine.tokenize(OTHER))


def test_more_choices_than_the_queue_holds_all_come(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["Once"] * 20, temperature=0, max_tokens=2)
    assert len({choice.text for choice in answer.choices}) == 1
    assert len(answer.choices) == 20


def test_logprobs_are_the_engines_raw_ones_in_four_parallel_arrays(client: openai.OpenAI, engine: Engine) -> None:
    logprobs = client.completions.create(**GREEDY, prompt=PROMPT, logprobs=3).choices[0].logprobs
    direct = run(engine, PROMPT, temperature=0, top_logprobs=3)
    tokens = direct.tokens[: direct.finished.text_tokens]
    assert "".join(logprobs.tokens) == direct.text
    assert logprobs.token_logprobs == [pytest.approx(t.logprob, abs=1e-4) for t in tokens]
    assert logprobs.text_offset == [sum(len(t.text) for t in tokens[:i]) for i in range(len(tokens))]
    for top, token in zip(logprobs.top_logprobs, tokens, strict=True):
        assert top == {c.bytes.decode(): pytest.approx(c.logprob, abs=1e-4) for c in token.candidates[:3]}
    assert logprobs.token_ids == [t.id for t in tokens]
    assert logprobs.top_logprobs_by_id[0].keys() == {str(c.id) for c in tokens[0].candidates[:3]}


def test_echo_scores_the_prompt_and_counts_offsets_from_its_beginning(client: openai.OpenAI, engine: Engine) -> None:
    choice = client.completions.create(**GREEDY, prompt=PROMPT, logprobs=2, echo=True).choices[0]
    direct = run(engine, PROMPT, temperature=0, top_logprobs=2, prompt_logprobs=True)
    assert choice.text == PROMPT + direct.text
    logprobs = choice.logprobs
    assert (logprobs.token_logprobs[0], logprobs.top_logprobs[0]) == (None, None)
    assert logprobs.token_logprobs[1 : len(direct.prompt)] == [
        pytest.approx(token.logprob, abs=1e-4) for token in direct.prompt[1:]
    ]
    spans = zip(logprobs.text_offset, [*logprobs.text_offset[1:], len(choice.text)], strict=True)
    assert [choice.text[a:b] for a, b in spans] == logprobs.tokens


def test_a_text_can_be_scored_without_generating_as_evaluation_harnesses_do(client: openai.OpenAI) -> None:
    asked = {"model": MODEL, "prompt": [PROMPT, OTHER], "echo": True, "logprobs": 1, "temperature": 0}
    scored = client.completions.create(**asked, max_tokens=0)
    longer = client.completions.create(**asked, max_tokens=1)
    assert [choice.text for choice in scored.choices] == [PROMPT, OTHER]
    assert scored.usage.completion_tokens == 0
    for choice, other in zip(scored.choices, longer.choices, strict=True):
        count = len(choice.logprobs.tokens)
        assert choice.logprobs.token_logprobs[0] is None
        assert choice.logprobs.token_logprobs[1:] == [
            pytest.approx(logprob, abs=1e-4) for logprob in other.logprobs.token_logprobs[1:count]
        ]
        assert len(choice.logprobs.top_logprobs) == count
        assert choice.finish_reason == "length"


def test_a_stop_text_ends_the_answer_and_its_tokens_are_not_reported(client: openai.OpenAI) -> None:
    whole = client.completions.create(**GREEDY, prompt=PROMPT).choices[0].text
    stop = whole[9:13]
    for streamed in (False, True):
        choice = ask(client, streamed, **GREEDY, prompt=PROMPT, stop=[stop], logprobs=0)
        assert (choice["text"], choice["finish_reason"]) == (whole[: whole.index(stop)], "stop")
        assert choice["text"].startswith("".join(choice["tokens"]))


@pytest.mark.parametrize("options", [{}, {"echo": True}, {"logprobs": 2}, {"echo": True, "logprobs": 2}])
def test_a_stream_joins_to_the_plain_answer(client: openai.OpenAI, options: dict[str, Any]) -> None:
    asked = {"model": MODEL, "prompt": PROMPT, "seed": 11, "max_tokens": 30, "stop": [" the "], **options}
    assert ask(client, True, **asked) == ask(client, False, **asked)


def test_the_chunks_of_several_choices_are_told_apart_by_their_index(client: openai.OpenAI) -> None:
    asked = {"model": MODEL, "prompt": [PROMPT, OTHER], "n": 3, "seed": 2, "max_tokens": 8}
    texts, reasons = [""] * 6, [None] * 6
    for chunk in client.completions.create(**asked, stream=True):
        (choice,) = chunk.choices
        assert reasons[choice.index] is None, "nothing comes after the finish_reason"
        texts[choice.index] += choice.text
        reasons[choice.index] = choice.finish_reason
    plain = client.completions.create(**asked)
    assert texts == [choice.text for choice in plain.choices]
    assert reasons == [choice.finish_reason for choice in plain.choices]


def test_usage_comes_in_a_last_chunk_without_choices_and_only_where_asked_for(client: openai.OpenAI) -> None:
    asked = {**GREEDY, "prompt": PROMPT, "stream": True}
    *chunks, last = client.completions.create(**asked, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert all(chunk.choices for chunk in client.completions.create(**asked))


def test_a_stream_ends_in_done_and_never_sends_ids_or_comments(api: Api) -> None:
    body = json.dumps({**GREEDY, "prompt": PROMPT, "stream": True}).encode()
    reply = api.request("POST", "/v1/completions", body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    frames = reply.body.decode("ascii").split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert all(frame.startswith("data: {") for frame in frames[:-2])


def test_a_character_of_several_tokens_is_told_by_its_true_bytes(client: openai.OpenAI) -> None:
    text = "a 日本 b"
    logprobs = (
        client.completions.create(model=MODEL, prompt=text, echo=True, logprobs=0, max_tokens=0).choices[0].logprobs
    )
    parts = [token for token in logprobs.tokens if token.startswith("bytes:\\x")]
    assert parts, "this tokenizer has no token for 日: it must come in parts"
    raw = b"".join(
        bytes(int(h, 16) for h in token.removeprefix("bytes:\\x").split("\\x")) if token in parts else token.encode()
        for token in logprobs.tokens
    )
    assert raw.decode() == text


def ask(client: openai.OpenAI, streamed: bool, **asked: Any) -> dict[str, Any]:
    """One choice, whole or put together from its chunks, with all its arrays."""
    answer = client.completions.create(**asked, stream=streamed)
    choices = [chunk.choices[0] for chunk in answer] if streamed else answer.choices
    assert all(choice.finish_reason is None for choice in choices[:-1])
    joined: dict[str, Any] = {"text": "".join(c.text for c in choices), "finish_reason": choices[-1].finish_reason}
    for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset", "token_ids"):
        joined[name] = [item for c in choices if c.logprobs for item in getattr(c.logprobs, name)]
    return joined
