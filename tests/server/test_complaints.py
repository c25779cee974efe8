"""What a wrong body is told: the place of the fault, in words that JSON's people know."""

import json
from typing import Any

import pytest

from llmtui.server.errors import ApiError
from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest
from llmtui.server.openai_schemas import ChatBody, CompletionBody
from llmtui.server.schemas import generate_body
from llmtui.settings import Settings

PYDANTICS_WORDS = ("Input", "dictionary", "instance of", "validation", "Value error", "pattern", "True", "None")
LIMITED = generate_body(Settings(_env_file=None))


def refusal(body: Any, fields: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as raised:
        body.read(json.dumps(fields).encode())
    return raised.value


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"options": {"temperature": 5}}, "options.temperature", "must be less than or equal to 2, got 5"),
        ({"options": {"stop": ["x"] * 17}}, "options.stop", "must have at most 16 items, got 17"),
        ({"options": {"seed": 1.5}}, "options.seed", "must be a whole number, got 1.5"),
        ({"options": []}, "options", "must be an object, got []"),
        ({"keep_alive": True}, "keep_alive", 'must be seconds or a duration like "5m", got true'),
        ({"keep_alive": {}}, "keep_alive", 'must be seconds or a duration like "5m", got {}'),
        ({"stream": "yes"}, "stream", 'must be true or false, got "yes"'),
    ],
)
def test_a_fault_within_an_object_is_told_with_its_place(fields: dict[str, Any], param: str, message: str) -> None:
    error = refusal(GenerateRequest, {"model": "m", "prompt": "x"} | fields)
    assert (error.param, error.message) == (param, f"{param} {message}")


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"stream_options": 5}, "stream_options", "stream_options must be an object, got 5"),
        ({"stop": ["a", ""]}, "stop", "stop[1] must not be empty"),
        ({"stop": ["a", None]}, "stop", "stop[1] must be a string, got null"),
        ({"stop": 5}, "stop", "stop must be a string or an array of strings, got 5"),
        ({"logit_bias": {"5": 101}}, "logit_bias", "logit_bias[5] must be less than or equal to 100, got 101"),
        ({"temperature": True}, "temperature", "temperature must be a number, got true"),
    ],
)
def test_one_wrong_item_of_several_is_told_apart(fields: dict[str, Any], param: str, message: str) -> None:
    error = refusal(CompletionBody, {"prompt": "a"} | fields)
    assert (error.param, error.message) == (param, message)


@pytest.mark.parametrize(
    ("messages", "param", "message"),
    [
        ([], "messages", "messages must not be empty"),
        (["a"], "messages", 'messages[0] must be an object, got "a"'),
        ([{"role": "user"}, {}], "messages[1].role", "messages[1].role is required"),
        ([{"role": "user", "content": 5}], "messages[0].content", "messages[0].content must be a string, got 5"),
    ],
)
def test_a_wrong_turn_of_a_conversation_is_told_apart(messages: list[Any], param: str, message: str) -> None:
    error = refusal(ChatBody, {"messages": messages})
    assert (error.param, error.message) == (param, message)


@pytest.mark.parametrize(
    ("body", "roles"),
    [(ChatBody, "'system', 'developer', 'user' or 'assistant'"), (ChatRequest, "'system', 'user' or 'assistant'")],
)
def test_a_wrong_role_is_told_the_right_ones(body: Any, roles: str) -> None:
    error = refusal(body, {"model": "m", "messages": [{"role": "bogus"}]})
    assert error.message == f'messages[0].role must be {roles}, got "bogus"'


def test_a_number_that_json_has_no_word_for_is_not_shown() -> None:
    with pytest.raises(ApiError) as raised:
        LIMITED.read(b'{"prompt": "a", "temperature": 1e999}')
    assert raised.value.message == "temperature must be a finite number"


@pytest.mark.parametrize("value", [None, True, [], {}, "x", 0.5, -1, 10**400])
@pytest.mark.parametrize("body", [LIMITED, CompletionBody, ChatBody, GenerateRequest, ChatRequest])
def test_no_word_of_pydantic_or_python_is_told(body: Any, value: Any) -> None:
    told = []
    for field in body.model_fields:
        try:
            body.read(json.dumps({"model": "m", field: value}).encode())
        except ApiError as error:
            told.append(error.message)
    assert not [message for message in told if any(word in message for word in PYDANTICS_WORDS)]
