"""Sweeps against single generations, transformers and scipy."""

import random
import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.loaded import LoadedModel
from llmtui.insight.at_position import settings_at
from llmtui.insight.sweep import Setting, Sweep, first_difference, grid, run_sweep

PROMPT = "Once upon a time"
BASE = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=8, ignore_eos=True))


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()
    engine.load("tiny-tales").wait(timeout=120)
    return engine


@pytest.fixture(scope="module")
def loaded(engine: Engine) -> LoadedModel:
    return engine.run_job(lambda loaded: loaded).result(timeout=30)


def finish(sweeps: object) -> Sweep:
    *_, last = sweeps  # type: ignore[misc]
    return last


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_cell_is_the_text_that_its_setting_and_seed_write_alone(engine: Engine) -> None:
    settings = grid([0.0, 1.4], [20], [1.0])
    sweep = finish(run_sweep(engine, BASE, settings, [3, 4]))
    assert sweep.complete
    assert [(cell.setting, cell.seed) for cell in sweep.cells] == [(s, seed) for s in settings for seed in (3, 4)]
    for cell in sweep.cells:
        params = SamplingParams(
            temperature=cell.setting.temperature,
            top_k=cell.setting.top_k,
            top_p=cell.setting.top_p,
            seed=cell.seed,
            max_tokens=8,
            ignore_eos=True,
        )
        alone = engine.submit(GenerationRequest(prompt=PROMPT, params=params)).result()
        assert cell.ids == tuple(token.id for token in alone.tokens)
        assert cell.text == alone.text
        assert cell.tokens == 8
    assert sweep.tokens == 8 * len(sweep.cells)


def test_means_are_those_of_the_models_own_distributions(engine: Engine, loaded: LoadedModel) -> None:
    cell = finish(run_sweep(engine, BASE, [Setting(1.3, 0, 1.0)], [7])).cells[0]
    prompt = loaded.tokenizer(PROMPT).input_ids
    with torch.inference_mode():
        logits = loaded.model(torch.tensor([[*prompt, *cell.ids]])).logits[0, len(prompt) - 1 : -1].double()
    probs = torch.softmax(logits, dim=-1).numpy()
    surprisals = [-np.log2(probs[i, token]) for i, token in enumerate(cell.ids)]
    assert cell.mean_surprisal == pytest.approx(np.mean(surprisals), rel=1e-4)
    assert cell.mean_entropy == pytest.approx(np.mean(scipy.stats.entropy(probs, base=2, axis=1)), rel=1e-4)


def test_divergence_is_from_the_first_setting_with_the_same_seed(engine: Engine) -> None:
    sweep = finish(run_sweep(engine, BASE, grid([0.7, 1.5], [0], [1.0]), [1, 2]))
    texts = {(cell.setting.temperature, cell.seed): cell for cell in sweep.cells}
    for seed in (1, 2):
        assert texts[0.7, seed].diverges_at is None
        assert texts[1.5, seed].diverges_at == first_difference(texts[1.5, seed].ids, texts[0.7, seed].ids)


def test_settings_that_mean_the_same_write_the_same_text_because_they_share_their_random_numbers(
    engine: Engine,
) -> None:
    sweep = finish(run_sweep(engine, BASE, grid([1.0], [0, 5120], [1.0]), [1, 2, 3]))
    assert all(cell.diverges_at is None for cell in sweep.cells)
    assert len({cell.ids for cell in sweep.cells}) == 3


def test_engine_that_takes_few_requests_gets_the_cells_in_turn() -> None:
    with Engine(max_waiting=1, max_running=1) as engine:
        engine.load("tiny-tales").wait(timeout=120)
        base = GenerationRequest(prompt="a", params=SamplingParams(max_tokens=2))
        progress: list[int] = []
        sweeps = run_sweep(engine, base, grid([0.5, 1.0], [0], [1.0]), range(4), lambda s: progress.append(s.tokens))
        assert finish(sweeps).complete
        assert progress == sorted(progress)


def test_stopping_keeps_what_is_done_and_ends_the_engines_work(engine: Engine) -> None:
    base = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=200, ignore_eos=True))
    short = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=2))
    sweeps = run_sweep(engine, base, grid([1.0], [0], [1.0]), range(8))
    next(sweeps)
    until(lambda: engine.stats().running > 0 or next(sweeps, None) is not None)
    sweeps.close()
    until(lambda: engine.stats().running == engine.stats().waiting == 0)
    assert engine.submit(short).result().finished.reason == "length"


def test_wrong_values_are_named_before_anything_runs(engine: Engine) -> None:
    with pytest.raises(ParameterError, match="top_p"):
        list(run_sweep(engine, BASE, [Setting(1.0, 0, 1.5)], [1]))


def test_grid_is_every_combination_once() -> None:
    assert grid([1.0, 1, 0.5], [0], [0.9, 1.0]) == (
        Setting(1.0, 0, 0.9),
        Setting(1.0, 0, 1.0),
        Setting(0.5, 0, 0.9),
        Setting(0.5, 0, 1.0),
    )


@pytest.mark.parametrize("index", [1, 3])
def test_distribution_at_a_position_is_transformers_own(engine: Engine, loaded: LoadedModel, index: int) -> None:
    settings = grid([0.5, 1.7], [0, 30], [0.8, 1.0])
    ids = loaded.tokenizer(PROMPT).input_ids
    found = settings_at(engine, PROMPT, index, settings, [5], SamplingParams())
    with torch.inference_mode():
        row = loaded.model(torch.tensor([ids[:index]])).logits[:, -1]
    raw = torch.softmax(row.double(), dim=-1)[0]
    assert found.raw_entropy_bits == pytest.approx(scipy.stats.entropy(raw.numpy(), base=2), rel=1e-4, abs=1e-5)
    assert found.actual is not None or index == len(ids)
    if found.actual is not None:
        assert found.actual.raw_prob == pytest.approx(float(raw[ids[index]]), rel=1e-4)
    for at in found.settings:
        warpers = LogitsProcessorList([TemperatureLogitsWarper(at.setting.temperature)])
        if at.setting.top_k:
            warpers.append(TopKLogitsWarper(at.setting.top_k))
        if at.setting.top_p < 1:
            warpers.append(TopPLogitsWarper(at.setting.top_p))
        probs = torch.softmax(warpers(torch.tensor([ids]), row.clone()).double(), dim=-1)[0]
        assert at.kept == int((probs > 0).sum())
        assert at.raw_mass == pytest.approx(float(raw[probs > 0].sum()), rel=1e-4)
        assert at.entropy_bits == pytest.approx(scipy.stats.entropy(probs.numpy(), base=2), rel=1e-3, abs=1e-6)
        for choice in at.top:
            assert choice.sampled_prob == pytest.approx(float(probs[choice.id]), rel=1e-3)
        assert at.draws[0].u == random.Random(5).random()
        ranked = torch.argsort(probs, descending=True, stable=True)
        expected = ranked[int(torch.searchsorted(probs[ranked].cumsum(0), at.draws[0].u, right=True))]
        assert at.draws[0].id == int(expected)


def test_position_outside_the_prompt_is_named(engine: Engine) -> None:
    for index in (0, 5):
        with pytest.raises(ParameterError, match="at must be between 1 and the prompt's own 4 tokens"):
            settings_at(engine, PROMPT, index, [Setting(1.0, 0, 1.0)], [0], SamplingParams())
