"""The variables of the README point the vendors' clients here."""

import ollama
import openai
import pytest
from api_client import Api
from readme import README
from sdk import MODEL


def test_openais_client_finds_us(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "OPENAI_BASE_URL=http://127.0.0.1:5000/v1" in README
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{api.port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with openai.OpenAI() as client:
        assert [model.id for model in client.models.list()] == [MODEL]


def test_ollamas_client_finds_us(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "OLLAMA_HOST=http://127.0.0.1:5000" in README
    monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{api.port}")
    with ollama.Client() as client:
        assert [model.model for model in client.list().models] == [f"{MODEL}:latest"]
