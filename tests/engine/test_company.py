"""What others in a forward do to a request's logits, as `llmtui doctor` measures it."""

from typing import Any

import pytest
import torch
from architectures import shared_model

from llmtui.engine import Engine
from llmtui.engine.company import COMPANIES, measure_company
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.plain_runner import PlainRunner
from llmtui.engine.runner import PackedRunner
from llmtui.engine.self_check import find_runner


def loaded_with(runner: Any, context: int = 128) -> Any:
    """As much of a loaded model as measuring looks at."""
    info = type("Info", (), {"context": context, "vocab_size": 160, "device": "cpu"})()
    return type("Loaded", (), {"runner": runner, "info": info})()


def test_the_embedded_model_is_the_same_in_company_but_for_rounding(busy_engine: Engine) -> None:
    effects = busy_engine.run_job(measure_company).result(60)
    assert [effect.others for effect in effects] == list(COMPANIES)
    for effect in effects:
        assert effect.largest < 1e-3
        assert effect.equal_bits == (effect.largest == 0.0)
        assert effect.same_top


def test_nobody_beside_it_is_equal_to_the_last_bit(tiny_tales: LoadedModel) -> None:
    (effect,) = measure_company(tiny_tales, (0,))
    assert (effect.equal_bits, effect.largest, effect.same_top) == (True, 0.0, True)


@pytest.mark.parametrize("context", [2, 9, 128])
def test_models_of_any_context_can_be_measured(context: int) -> None:
    runner = find_runner(shared_model("gpt2"), "cpu")
    assert all(effect.largest < 1e-3 for effect in measure_company(loaded_with(runner, context)))


def test_rows_that_look_at_their_neighbours_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = find_runner(shared_model("llama"), "cpu")
    assert isinstance(runner, PackedRunner)
    forward_rows = runner.forward_rows

    def mixing(ids: torch.Tensor, *others: Any) -> torch.Tensor:
        logits = forward_rows(ids, *others)
        return logits + logits[-1].flip(-1) * (len(ids) > 45)

    monkeypatch.setattr(runner, "forward_rows", mixing)
    first, *_, last = measure_company(loaded_with(runner))
    assert not last.equal_bits
    assert last.largest > 0.1
    assert not last.same_top
    assert first.largest > 0.1  # two prompts together are more than 45 rows


def test_a_model_that_runs_one_at_a_time_has_no_company() -> None:
    assert measure_company(loaded_with(PlainRunner(shared_model("bloom"), "cpu"))) == ()
