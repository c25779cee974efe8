import pytest

from llmtui.engine import GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.insight.grid import Setting
from llmtui.tui.sweep_form import FIELDS, first_values, problems, read_plan

BASE = GenerationRequest(prompt="Once", params=SamplingParams(top_k=7, min_p=0.1, seed=5, prompt_logprobs=True))
GOOD = {"temperature": "0.2, 1", "top_k": "0", "top_p": "0.9,1", "seeds": "2", "max_tokens": "9", "at": ""}


def test_a_form_becomes_settings_seeds_and_a_request_that_keeps_the_other_parameters() -> None:
    plan = read_plan(GOOD, BASE)
    assert plan.settings == (Setting(0.2, 0, 0.9), Setting(0.2, 0, 1.0), Setting(1.0, 0, 0.9), Setting(1.0, 0, 1.0))
    assert (plan.seeds, plan.cells, plan.at) == ((5, 6), 8, None)
    assert (plan.base.prompt, plan.base.params.max_tokens, plan.base.params.min_p) == ("Once", 9, 0.1)
    assert not plan.base.params.prompt_logprobs
    assert read_plan(GOOD | {"at": " 3"}, BASE).at == 3


def test_it_begins_with_the_sessions_own_values_which_are_good() -> None:
    values = first_values(SamplingParams(temperature=0.5, top_k=7, max_tokens=20))
    assert set(values) == {field.name for field in FIELDS}
    assert problems(values) == {}
    assert values["temperature"] == "0.2, 0.5, 1.2"
    assert (values["top_k"], values["max_tokens"]) == ("7", "20")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("temperature", "", "must be numbers with commas"),
        ("temperature", "0.2,,1", "must be numbers with commas"),
        ("temperature", "0.2, 2.5", "must be between 0 and 2, got 2.5"),
        ("temperature", "nan", "must be a number"),
        ("top_k", "1.5", "must be whole numbers"),
        ("top_k", "-1", "must be at least 0"),
        ("top_p", "0", "must be above 0"),
        ("seeds", "0", "must be at least 1"),
        ("seeds", "", "must be a whole number"),
        ("max_tokens", "x", "must be a whole number"),
        ("at", "0", "must be at least 1"),
        ("at", "end", "must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_of_the_field_that_it_is_in(name: str, text: str, words: str) -> None:
    found = problems(GOOD | {name: text})
    assert list(found) == [name]
    assert words in found[name]
    with pytest.raises(ParameterError) as raised:
        read_plan(GOOD | {name: text}, BASE)
    assert raised.value.field == name


def test_every_wrong_field_is_named_at_once() -> None:
    assert set(problems(dict.fromkeys(GOOD, "?"))) == set(GOOD)
