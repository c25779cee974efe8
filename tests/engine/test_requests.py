"""Requests check themselves, and an error names the field and the way out."""

import math
from typing import Any

import pytest

from llmtui.engine import GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", math.nan),
        ("temperature", "hot"),
        ("temperature", True),
        ("temperature", 10**400),
        ("top_k", -1),
        ("top_k", 1.5),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("min_p", 1.5),
        ("typical_p", 0.0),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", math.inf),
        ("frequency_penalty", 2.5),
        ("presence_penalty", -2.5),
        ("max_tokens", 0),
        ("max_length", 0),
        ("seed", -1),
        ("seed", 2**63),
        ("top_logprobs", 101),
        ("stop", [""]),
        ("stop", ["x"] * 17),
        ("stop", None),
        ("stop_ids", None),
        ("stop_ids", 5),
        ("stop_ids", ["a"]),
        ("stop_ids", [-1]),
        ("stage_order", "x"),
        ("stage_order", []),
        ("logit_bias", {-1: 1.0}),
        ("logit_bias", {1: 101.0}),
        ("logit_bias", {1: 10**400}),
        ("logit_bias", None),
        ("logit_bias", [(1, 1.0)]),
    ],
)
def test_a_value_out_of_range_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(ParameterError) as refused:
        SamplingParams(**{field: value})
    assert refused.value.field == field
    assert field in str(refused.value)


def test_a_single_stop_string_is_a_list_of_one() -> None:
    assert SamplingParams(stop="END").stop == ("END",)


@pytest.mark.parametrize("fields", [{}, {"prompt": ""}, {"prompt_ids": []}, {"prompt": "a", "prompt_ids": [1]}])
def test_a_request_continues_exactly_one_thing(fields: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as refused:
        GenerationRequest(**fields)
    assert refused.value.field == "prompt"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"prompt": b"Once"}, "prompt must be of type str, got bytes"),
        ({"prompt": ["Once"]}, "prompt must be of type str, got list"),
        ({"prompt": "Once", "params": {"seed": 1}}, "params must be of type SamplingParams, got dict"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "messages must be of type ChatMessage, got dict"),
        ({"prompt": "Once", "deadline": 0}, "deadline must be above 0, got 0"),
    ],
)
def test_what_is_of_another_type_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ParameterError) as raised:
        GenerationRequest(**fields)
    assert str(raised.value) == named


@pytest.mark.parametrize("deadline", [0, -1.0, math.nan, "soon", 10**400])
def test_a_deadline_is_a_time_to_come(deadline: Any) -> None:
    with pytest.raises(ParameterError) as refused:
        GenerationRequest(prompt="a", deadline=deadline)
    assert refused.value.field == "deadline"
