"""LangChain over both dialects: what its chat models and language models show their users is what the engine said."""

from typing import Any

import pytest
from api_client import Api
from client_environment import INSTALL_SECONDS, RUN_SECONDS, ClientEnvironment

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.requests import ChatMessage
from llmtui.engine.stream import GenerationResult

pytestmark = [pytest.mark.clients, pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS)]

PROMPT = "Once upon a time"
QUESTION = [ChatMessage(role="user", content="Hello! What is your name?")]
CHAT_MODELS = ["ChatOpenAI", "ChatOllama"]
WAYS = ["plain", "stream", "async"]


@pytest.fixture(scope="module")
def seen(clients: ClientEnvironment, api: Api) -> dict[str, Any]:
    return dict(clients.json("langchain.py", f"http://127.0.0.1:{api.port}"))


@pytest.fixture(scope="module")
def wanted(engine: Engine) -> GenerationResult:
    """The engine asked directly."""
    params = SamplingParams(temperature=0, max_tokens=12, top_logprobs=2)
    return engine.submit(GenerationRequest(messages=QUESTION, params=params)).result()


def continued(engine: Engine, prompt: str) -> str:
    params = SamplingParams(temperature=0, max_tokens=12)
    return engine.submit(GenerationRequest(prompt=prompt, params=params)).result().text


@pytest.mark.parametrize("model", CHAT_MODELS)
@pytest.mark.parametrize("way", WAYS)
def test_a_chat_is_answered_with_its_reason_its_usage_and_its_logprobs(
    seen: dict[str, Any], wanted: GenerationResult, model: str, way: str
) -> None:
    answer, usage = seen[model][way], wanted.finished.usage
    assert (answer["text"], answer["reason"]) == (wanted.text, wanted.finished.reason)
    counts = {name: answer["usage"][name] for name in ("input_tokens", "output_tokens", "total_tokens")}
    assert counts == {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    assert answer["logprobs"] == [
        [token.text, pytest.approx(token.logprob, abs=1e-4), 2]
        for token in wanted.tokens[: wanted.finished.text_tokens]
    ]


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_stream_comes_in_pieces_and_a_batch_comes_whole(
    seen: dict[str, Any], wanted: GenerationResult, model: str
) -> None:
    assert seen[model]["pieces"] > 5
    assert seen[model]["batch"] == [wanted.text] * 2


def test_a_text_is_continued(seen: dict[str, Any], engine: Engine) -> None:
    assert seen["OpenAI"]["plain"] == "".join(seen["OpenAI"]["stream"]) == continued(engine, PROMPT)
    assert len(seen["OpenAI"]["stream"]) > 5


def test_ollamas_language_model_goes_through_the_chat_template(seen: dict[str, Any], engine: Engine) -> None:
    params = SamplingParams(temperature=0, max_tokens=12)
    turn = [ChatMessage(role="user", content=PROMPT)]
    wanted = engine.submit(GenerationRequest(messages=turn, params=params)).result().text
    assert seen["OllamaLLM"]["plain"] == "".join(seen["OllamaLLM"]["stream"]) == wanted


def test_several_prompts_with_several_answers_come_in_order(seen: dict[str, Any], engine: Engine) -> None:
    assert seen["several"] == [[continued(engine, prompt)] * 2 for prompt in (PROMPT, "The fox")]
    prompt_tokens = sum(len(engine.tokenize(prompt)) for prompt in (PROMPT, "The fox"))
    assert seen["several usage"] == {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": 48,
        "total_tokens": prompt_tokens + 48,
    }


def test_what_is_not_there_is_told_to_the_user(seen: dict[str, Any]) -> None:
    assert "gpt-9" in seen["unknown"]
    assert "404" in seen["unknown"]
    assert "tiny-tales" in seen["unlisted"]
    assert all("tools is not supported" in seen[model]["tools"] for model in CHAT_MODELS)
