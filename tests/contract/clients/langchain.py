"""What LangChain's two integrations make of the server: one JSON object for the test beside this folder to judge.

    python langchain.py http://127.0.0.1:5000

Runs in the environment of `client_environment.py`, which has no llmtui.
"""

import asyncio
import json
import sys
from typing import Any

from langchain_ollama import ChatOllama, OllamaLLM
from langchain_openai import ChatOpenAI, OpenAI

MODEL = "tiny-tales"
QUESTION = "Hello! What is your name?"
PROMPT = "Once upon a time"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def message(answer: Any) -> dict[str, Any]:
    """An answer, or a stream's chunks added up."""
    metadata = answer.response_metadata
    logprobs = metadata.get("logprobs") or []
    items = logprobs["content"] if isinstance(logprobs, dict) else [item.model_dump() for item in logprobs]
    return {
        "text": answer.content,
        "reason": metadata.get("finish_reason") or metadata.get("done_reason"),
        "usage": answer.usage_metadata,
        "logprobs": [(item["token"], item["logprob"], len(item["top_logprobs"])) for item in items],
    }


def added(chunks: list[Any]) -> Any:
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def refusal(ask: Any) -> str:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever the client makes of it is what the test wants to see
        return f"{type(error).__name__}: {error}"
    return "none"


async def chat(model: Any, **options: Any) -> dict[str, Any]:
    streamed = [chunk async for chunk in model.astream(QUESTION, **options)]
    return {
        "plain": message(model.invoke(QUESTION)),
        "stream": message(added(list(model.stream(QUESTION, **options)))),
        "pieces": len([chunk for chunk in streamed if chunk.content]),
        "async": message(added(streamed)),
        "batch": [answer.content for answer in model.batch([QUESTION, QUESTION])],
        "tools": refusal(lambda: model.bind_tools([TOOL]).invoke(QUESTION)),
    }


def text(model: Any) -> dict[str, Any]:
    return {"plain": model.invoke(PROMPT), "stream": list(model.stream(PROMPT))}


def main(url: str) -> None:
    openai = {"model": MODEL, "base_url": f"{url}/v1", "api_key": "none", "temperature": 0, "max_tokens": 12}
    ollama = {"model": MODEL, "base_url": url, "temperature": 0, "num_predict": 12}
    logprobs = {"logprobs": True, "top_logprobs": 2}
    several = OpenAI(**openai, n=2).generate([PROMPT, "The fox"])
    seen = {
        "ChatOpenAI": asyncio.run(chat(ChatOpenAI(**openai, **logprobs), stream_usage=True)),
        "ChatOllama": asyncio.run(chat(ChatOllama(**ollama, **logprobs, validate_model_on_init=True))),
        "OpenAI": text(OpenAI(**openai)),
        "OllamaLLM": text(OllamaLLM(**ollama)),
        "several": [[generation.text for generation in each] for each in several.generations],
        "several usage": several.llm_output["token_usage"],
        "unknown": refusal(lambda: ChatOpenAI(**openai | {"model": "gpt-9"}).invoke(QUESTION)),
        "unlisted": refusal(lambda: ChatOllama(model="nope", base_url=url, validate_model_on_init=True)),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
