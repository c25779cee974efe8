"""POST /tokenize, /detokenize and /score, held against the tokenizer and the model themselves."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from api_client import Api, Reply
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["Once upon a time", "a 日本 b", "🙂", "  two  spaces\n", "<|end|>", "\x00\x1b[31m"]
TEXT = "Once upon a time there was a little dog."


def post(api: Api, path: str, **body: Any) -> Reply:
    return api.request("POST", path, json.dumps(body).encode())


@pytest.fixture(scope="module")
def tokenizer(model_folder: Path):
    return AutoTokenizer.from_pretrained(model_folder)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_the_tokenizers_own_and_their_bytes_join_to_the_text(api: Api, tokenizer, text: str) -> None:
    answer = post(api, "/tokenize", text=text).json
    assert answer["ids"] == tokenizer(text)["input_ids"] == [token["id"] for token in answer["tokens"]]
    assert answer["count"] == len(answer["ids"])
    assert b"".join(bytes(token["bytes"]) for token in answer["tokens"]).decode() == text


@pytest.mark.parametrize("text", [text for text in TEXTS if "<|" not in text])
def test_tokenizing_and_back_gives_the_text(api: Api, text: str) -> None:
    there = post(api, "/tokenize", text=text).json
    back = post(api, "/detokenize", ids=there["ids"]).json
    assert back["text"] == text
    assert back["tokens"] == there["tokens"]


def test_a_part_of_a_character_keeps_its_true_bytes(api: Api) -> None:
    first = post(api, "/tokenize", text="日").json["tokens"][0]
    assert bytes(first["bytes"]) == "日".encode()[: len(first["bytes"])]
    assert post(api, "/detokenize", ids=[first["id"]]).json["tokens"] == [first]


def test_a_score_adds_up_to_the_models_own_loss(api: Api, tokenizer, model_folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    with torch.inference_mode():
        loss = model(ids, labels=ids).loss.item()
    answer = post(api, "/score", text=TEXT).json
    assert (answer["count"], answer["scored"]) == (ids.shape[1], ids.shape[1] - 1)
    assert -answer["logprob"] / answer["scored"] == pytest.approx(loss, rel=1e-4)
    assert answer["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)
    assert math.fsum(t["logprob"] for t in answer["tokens"][1:]) == pytest.approx(answer["logprob"])
    assert answer["tokens"][0]["logprob"] is None
    assert all(token["top_logprobs"] == [] for token in answer["tokens"])


def test_a_score_tells_what_else_could_have_come(api: Api) -> None:
    tokens = post(api, "/score", text=TEXT, top_logprobs=3).json["tokens"]
    for token in tokens[1:]:
        assert len(token["top_logprobs"]) == 3
        better = sum(candidate["logprob"] > token["logprob"] for candidate in token["top_logprobs"])
        assert better == min(3, token["rank"] - 1)


def test_a_text_of_one_token_has_nothing_to_score(api: Api) -> None:
    answer = post(api, "/score", text="Once").json
    assert (answer["count"], answer["scored"], answer["logprob"], answer["perplexity"]) == (1, 0, 0.0, None)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "text"),
        ("/tokenize", {"text": ["a"]}, "text"),
        ("/detokenize", {"ids": "1"}, "ids"),
        ("/detokenize", {"ids": [True]}, "ids"),
        ("/detokenize", {"ids": [-1]}, "ids"),
        ("/detokenize", {"ids": [10**30]}, "ids"),
        ("/score", {"text": TEXT, "top_logprobs": 21}, "top_logprobs"),
        ("/score", {"text": None}, "text"),
    ],
)
def test_a_wrong_field_is_named(api: Api, path: str, body: dict[str, Any], param: str) -> None:
    reply = post(api, path, **body)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_a_text_longer_than_the_context_is_refused(api: Api) -> None:
    reply = post(api, "/score", text="word " * 600)
    assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")
