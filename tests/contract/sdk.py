"""The vendors' own clients, pointed at a server of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import ollama
import openai
from api_client import Api

MODEL = "tiny-tales"


def openai_client(api: Api, **options: object) -> openai.OpenAI:
    return openai.OpenAI(**_options(api, options))


def async_openai_client(api: Api, **options: object) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**_options(api, options))


def _options(api: Api, options: dict[str, object]) -> dict:
    return {"base_url": f"http://127.0.0.1:{api.port}/v1", "api_key": "none", "max_retries": 0, "timeout": 60} | options


@contextmanager
def ollama_client(api: Api, **options: object) -> Iterator[ollama.Client]:
    with ollama.Client(f"http://127.0.0.1:{api.port}", timeout=60, **options) as client:
        yield client
