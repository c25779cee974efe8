"""simonw's `llm`, its OpenAI plugin pointed here as its documentation says, used as at a shell."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_client import Api
from client_environment import INSTALL_SECONDS, RUN_SECONDS, ClientEnvironment

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.requests import ChatMessage

pytestmark = [pytest.mark.clients, pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS)]

PROMPT = "Once upon a time"
MODELS = """
- model_id: tales
  model_name: tiny-tales
  api_base: {url}/v1
- model_id: tales-text
  model_name: tiny-tales
  api_base: {url}/v1
  completion: true
"""


class Llm:
    """The `llm` command with a folder of its own."""

    def __init__(self, clients: ClientEnvironment, home: Path, url: str) -> None:
        self._clients = clients
        self._home = home
        (home / "extra-openai-models.yaml").write_text(MODELS.format(url=url))

    def __call__(self, *arguments: str) -> str:
        program = str(self._clients.folder / "bin" / "llm")
        return self._clients.run(program, *arguments, LLM_USER_PATH=str(self._home))

    def logged(self) -> dict[str, Any]:
        """What it keeps of its last answer."""
        (entry,) = json.loads(self("logs", "--json", "-n", "1"))
        return dict(entry)


@pytest.fixture(scope="module")
def llm(clients: ClientEnvironment, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Llm:
    return Llm(clients, tmp_path_factory.mktemp("llm"), f"http://127.0.0.1:{api.port}")


@pytest.mark.parametrize("streaming", [(), ("--no-stream",)])
def test_a_chat_is_answered_and_its_usage_kept(llm: Llm, engine: Engine, streaming: tuple[str, ...]) -> None:
    said = llm(
        "-m", "tales", "Hello!", "-s", "Be brief.", "-o", "temperature", "0", "-o", "max_tokens", "12", *streaming
    )
    turns = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hello!")]
    params = SamplingParams(temperature=0, max_tokens=12)
    wanted = engine.submit(GenerationRequest(messages=turns, params=params)).result()
    assert said.strip() == wanted.text.strip()
    usage = wanted.finished.usage
    logged = llm.logged()
    assert (logged["input_tokens"], logged["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_a_conversation_is_continued(llm: Llm) -> None:
    llm("-m", "tales", "Hello!", "-o", "temperature", "0", "-o", "max_tokens", "5")
    before = llm.logged()
    llm("-c", "And then?", "-o", "temperature", "0", "-o", "max_tokens", "5")
    after = llm.logged()
    assert after["conversation_id"] == before["conversation_id"]
    assert after["input_tokens"] > before["input_tokens"] + 3


@pytest.mark.parametrize("streaming", [(), ("--no-stream",)])
def test_a_completion_model_continues_a_text_and_keeps_its_logprobs(
    llm: Llm, engine: Engine, streaming: tuple[str, ...]
) -> None:
    options = ("-o", "temperature", "0", "-o", "max_tokens", "8", "-o", "logprobs", "2", *streaming)
    said = llm("-m", "tales-text", PROMPT, *options)
    params = SamplingParams(temperature=0, max_tokens=8, top_logprobs=2)
    wanted = engine.submit(GenerationRequest(prompt=PROMPT, params=params)).result()
    assert said.strip() == wanted.text.strip()
    tops = [top for top in candidates(llm.logged()["response_json"]) if top]
    assert tops == [
        {c.bytes.decode(): pytest.approx(c.logprob, abs=1e-4) for c in token.candidates[:2]}
        for token in wanted.tokens[: wanted.finished.text_tokens]
    ]


def candidates(kept: dict[str, Any]) -> list[dict[str, float]]:
    """The candidates of each token: of a stream's chunks, or of an answer in one piece."""
    if "logprobs" in kept:
        return [top for chunk in kept["logprobs"] for top in chunk["top_logprobs"]]
    return list(kept["choices"][0]["logprobs"]["top_logprobs"])


def test_its_models_are_listed(llm: Llm) -> None:
    assert "tales-text" in llm("models")
