"""POST /generate: the answer that is not streamed, against other sources of the same truth."""

import math
from pathlib import Path

import pytest
from api_client import Api

from llmtui.engine import Engine
from llmtui.engine.requests import MAX_SPECULATE
from llmtui.server.schemas import MAX_TOP_LOGPROBS

PROMPT = "Once upon a time"


@pytest.fixture(scope="session")
def reference(model_folder: Path):
    """The same weights in transformers alone."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype="float32").eval()
    return model, AutoTokenizer.from_pretrained(model_folder)


def greedy(reference, prompt: str, max_length: int) -> str:
    import torch

    model, tokenizer = reference
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    with torch.inference_mode():
        new_tokens = max_length - ids.shape[1]
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False)
    return tokenizer.decode(out[0][ids.shape[1] :], skip_special_tokens=True, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("prompt", [PROMPT, "The cat", "Zoë said: “naïve café” 🐈"])
def test_greedy_text_is_what_transformers_generates(api: Api, reference, prompt: str) -> None:
    reply = api.generate(prompt=prompt, max_length=60, temperature=0)
    assert reply.status == 200
    assert reply.json["generated_text"] == prompt + greedy(reference, prompt, 60)


def test_the_answer_has_exactly_the_fields_of_the_contract(api: Api) -> None:
    reply = api.generate(prompt=PROMPT, max_length=12, temperature=0.9, top_k=40, top_p=0.95, seed=7).json
    assert set(reply) == {
        "success",
        "prompt",
        "generated_text",
        "inference_time_seconds",
        "parameters",
        "metadata",
    }
    assert reply["success"] is True
    assert reply["prompt"] == PROMPT
    assert reply["generated_text"].startswith(PROMPT)
    assert len(reply["generated_text"]) > len(PROMPT)
    assert 0 < reply["inference_time_seconds"] < 30
    assert reply["parameters"] == {"max_length": 12, "temperature": 0.9, "top_k": 40, "top_p": 0.95}
    metadata = reply["metadata"]
    assert (metadata["model"], metadata["device"], metadata["seed"]) == ("tiny-tales", "CPU", 7)
    assert "tokens" not in metadata


def test_max_length_counts_the_prompt_too(api: Api, engine: Engine) -> None:
    metadata = api.generate(prompt=PROMPT, max_length=20, temperature=0).json["metadata"]
    assert metadata["prompt_tokens"] == len(engine.tokenize(PROMPT))
    assert metadata["total_tokens"] == metadata["prompt_tokens"] + metadata["completion_tokens"] == 20
    assert metadata["finish_reason"] == "length"


def test_defaults_are_those_of_the_settings(api: Api) -> None:
    assert api.generate(prompt=PROMPT).json["parameters"] == {
        "max_length": 50,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 1.0,
    }


@pytest.mark.parametrize(("asked", "new_tokens"), [({}, 5), ({"max_length": 100}, 5), ({"max_length": 7}, None)])
def test_of_max_length_and_max_new_tokens_the_smaller_wins(
    api: Api, engine: Engine, asked: dict[str, int], new_tokens: int | None
) -> None:
    prompt_tokens = len(engine.tokenize(PROMPT))
    expected = new_tokens if new_tokens is not None else asked["max_length"] - prompt_tokens
    reply = api.generate(prompt=PROMPT, max_new_tokens=5, temperature=0, **asked).json
    assert reply["metadata"]["completion_tokens"] == expected
    assert reply["parameters"]["max_length"] == prompt_tokens + expected


def test_guesses_are_counted_and_change_no_text(api: Api) -> None:
    asked = {"prompt": "red ball blue ball red ball blue ball", "max_length": 40, "seed": 1, "temperature": 0.0}
    without, with_guesses = api.generate(**asked).json, api.generate(**asked, speculate=5).json
    assert with_guesses["generated_text"] == without["generated_text"]
    assert without["metadata"]["acceptance_rate"] is None
    counted = with_guesses["metadata"]
    assert counted["acceptance_rate"] == counted["accepted_tokens"] / counted["drafted_tokens"]
    refused = api.generate(prompt=PROMPT, speculate=MAX_SPECULATE + 1)
    assert (refused.status, refused.error["param"]) == (400, "speculate")


def test_the_same_seed_gives_the_same_text_and_an_unseeded_answer_tells_its_seed(api: Api) -> None:
    first = api.generate(prompt=PROMPT, temperature=1.5).json
    again = api.generate(prompt=PROMPT, temperature=1.5, seed=first["metadata"]["seed"]).json
    other = api.generate(prompt=PROMPT, temperature=1.5).json
    assert again["generated_text"] == first["generated_text"]
    assert other["metadata"]["seed"] != first["metadata"]["seed"]


@pytest.mark.parametrize("as_list", [False, True])
def test_a_stop_text_ends_the_answer_and_is_cut_from_it(api: Api, as_list: bool) -> None:
    whole = api.generate(prompt=PROMPT, temperature=0, max_length=40).json["generated_text"].removeprefix(PROMPT)
    stop = whole[10:14]
    reply = api.generate(prompt=PROMPT, temperature=0, max_length=40, stop=[stop] if as_list else stop).json
    assert reply["generated_text"] == PROMPT + whole[: whole.index(stop)]
    assert (reply["metadata"]["finish_reason"], reply["metadata"]["stop"]) == ("stop", stop)


def test_a_text_that_the_model_ends_at_once_is_a_success_with_the_reason(api: Api) -> None:
    tale = api.generate(prompt=PROMPT, temperature=0, max_length=500).json
    assert tale["metadata"]["finish_reason"] == "stop"
    ended = api.generate(prompt=tale["generated_text"], temperature=0, max_length=500).json
    assert ended["generated_text"] == ended["prompt"]
    assert ended["metadata"]["finish_reason"] == "stop"


def test_tokens_carry_the_models_own_log_probabilities(api: Api, reference) -> None:
    import torch

    model, tokenizer = reference
    reply = api.generate(prompt=PROMPT, max_length=20, seed=5, temperature=1.3, top_k=30, top_logprobs=3).json
    tokens = reply["metadata"]["tokens"]
    prompt_ids = tokenizer(PROMPT)["input_ids"]
    with torch.inference_mode():
        logits = model(torch.tensor([prompt_ids + [t["id"] for t in tokens]])).logits[0, len(prompt_ids) - 1 : -1]
    expected = torch.log_softmax(logits.float(), dim=-1)
    for row, token in zip(expected, tokens, strict=True):
        assert token["logprob"] == pytest.approx(row[token["id"]].item(), abs=1e-4)
        assert token["rank"] == 1 + (row > row[token["id"]]).sum().item()
        entropy = -(row.exp() * row).sum().item() / math.log(2)
        assert token["entropy_bits"] == pytest.approx(entropy, abs=1e-3)
        top = row.topk(3)
        assert [c["id"] for c in token["top_logprobs"]] == top.indices.tolist()
        assert [c["logprob"] for c in token["top_logprobs"]] == pytest.approx(top.values.tolist(), abs=1e-4)


def test_token_bytes_join_to_the_continuation_and_candidates_show_theirs(api: Api) -> None:
    reply = api.generate(prompt=PROMPT, max_length=60, temperature=2.0, top_k=0, seed=11, top_logprobs=1).json
    tokens = [t for t in reply["metadata"]["tokens"] if not t["is_special"]]
    text = b"".join(bytes(t["bytes"]) for t in tokens).decode(errors="replace")
    assert reply["generated_text"] == PROMPT + text
    for candidate in (c for t in tokens for c in t["top_logprobs"]):
        assert candidate["text"] == bytes(candidate["bytes"]).decode(errors="replace")


def test_tokens_behind_a_stop_text_are_not_reported(api: Api) -> None:
    whole = api.generate(prompt=PROMPT, temperature=0, max_length=40, top_logprobs=1).json
    stop = whole["metadata"]["tokens"][6]["text"]
    cut = api.generate(prompt=PROMPT, temperature=0, max_length=40, top_logprobs=1, stop=stop).json
    text = "".join(t["text"] for t in cut["metadata"]["tokens"])
    assert PROMPT + text == cut["generated_text"]


def test_a_request_may_ask_for_the_most_candidates(api: Api) -> None:
    reply = api.generate(prompt=PROMPT, max_new_tokens=2, top_logprobs=MAX_TOP_LOGPROBS).json
    assert all(len(t["top_logprobs"]) == MAX_TOP_LOGPROBS for t in reply["metadata"]["tokens"])


def test_unknown_fields_and_a_missing_content_type_are_no_error(api: Api) -> None:
    body = b'{"prompt": "Once", "max_new_tokens": 1, "user": "someone", "n": null}'
    assert api.request("POST", "/generate", body).status == 200
    assert api.request("POST", "/generate", body, {"Content-Type": "application/x-www-form-urlencoded"}).status == 200


def test_the_answer_shows_no_raw_control_character(api: Api) -> None:
    prompt = "\x1b]52;c;aGk=\x07 \x9b31m \u202e [/red]"
    reply = api.generate(prompt=prompt, max_new_tokens=1)
    assert reply.json["prompt"] == prompt
    assert all(32 <= byte < 127 or byte == 10 for byte in reply.body)


@pytest.mark.parametrize("filters", [{}, {"top_p": 0.5}, {"typical_p": 0.5}, {"min_p": 0.5}])
def test_the_smallest_numbers_there_are_break_nothing(api: Api, filters: dict[str, float]) -> None:
    greedy = api.generate(prompt=PROMPT, temperature=0, max_length=20).json["generated_text"]
    asked = {"prompt": PROMPT, "max_length": 20, "temperature": 5e-324, **filters}
    assert api.generate(**asked).json["generated_text"] == greedy
    assert api.generate(**asked, repetition_penalty=5e-324).error["param"] == "repetition_penalty"
    assert api.generate(**asked, repetition_penalty=0.01).status == 200
