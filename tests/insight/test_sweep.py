"""Sweeps against single generations, transformers and scipy."""

import random
import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from llmtui.engine import ChatMessage, Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.loaded import LoadedModel
from llmtui.insight.at_position import settings_at
from llmtui.insight.grid import Setting, grid, read_numbers, read_whole_numbers, requests
from llmtui.insight.sweep import Cell, Sweep, first_difference, run_sweep

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


def test_conversation_is_swept_as_the_model_would_be_asked() -> None:
    base = GenerationRequest(messages=[ChatMessage(role="user", content="hello")], params=SamplingParams(max_tokens=2))
    made = requests(base, grid([0.5, 1.0], [0], [1.0]), [1])
    assert [request.messages for request in made] == [base.messages, base.messages]
    assert len({request.request_id for request in made}) == 2


def test_cells_stopped_half_way_are_kept_as_far_as_they_were_and_their_end_is_no_difference(engine: Engine) -> None:
    base = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=300, ignore_eos=True))

    def stop(sweep: Sweep) -> None:
        if sweep.tokens > 20:
            raise KeyboardInterrupt

    sweeps = run_sweep(engine, base, [Setting(1.0, 0, 1.0), Setting(1.0, 5120, 1.0)], [1, 2], stop, kept_tokens=10_000)
    sweep = next(sweeps)
    with pytest.raises(KeyboardInterrupt):
        next(sweeps)
    assert not sweep.complete
    assert sweep.done == 0
    assert [cell.finish_reason for cell in sweep.cells] == ["cancelled"] * 4
    assert all(0 < cell.tokens < 300 and cell.mean_surprisal is not None for cell in sweep.cells)
    assert sum(cell.tokens for cell in sweep.cells) == sweep.tokens
    assert [cell.diverges_at for cell in sweep.cells] == [None] * 4
    assert {key: tuple(token.id for token in trace) for key, trace in sweep.traces.items()} == {
        cell.key: cell.ids for cell in sweep.cells
    }
    until(lambda: engine.stats().running == engine.stats().waiting == 0)


def test_progress_tells_the_cells_that_run_and_their_numbers_so_far(engine: Engine) -> None:
    seen: list[list[Cell]] = []
    base = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=30, ignore_eos=True))
    sweep = finish(run_sweep(engine, base, grid([1.0], [0], [1.0]), [1, 2], lambda s: seen.append(s.live())))
    ended = {cell.key: cell for cell in sweep.cells}
    running = [cell for cells in seen for cell in cells]
    assert running
    assert {cell.finish_reason for cell in running} == {"running"}
    for cell in running:
        assert cell.ids == ended[cell.key].ids[: cell.tokens]
        assert ended[cell.key].text.startswith(cell.text)


def test_tokens_are_kept_with_their_facts_up_to_a_bound(engine: Engine) -> None:
    base = GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=8, ignore_eos=True, top_logprobs=3))
    sweep = finish(run_sweep(engine, base, grid([1.0], [0], [1.0]), range(4), kept_tokens=20))
    assert len(sweep.traces) == 2
    for cell in sweep.cells:
        trace = sweep.traces.get(cell.key, ())
        assert tuple(token.id for token in trace) in ((), cell.ids)
        assert all(len(token.candidates) >= 3 for token in trace)


def test_engine_shared_with_others_is_given_no_more_cells_than_asked(engine: Engine) -> None:
    running: list[int] = []
    sweeps = run_sweep(
        engine, BASE, grid([1.0], [0], [1.0]), range(6), lambda s: running.append(len(s.live())), at_once=2
    )
    assert finish(sweeps).complete
    assert max(running) == 2


def test_share_is_by_tokens_or_by_cells() -> None:
    sweep = Sweep((Setting(1.0, 0, 1.0),), (1, 2), tokens=5)
    assert sweep.share(10) == 0.25
    assert sweep.share(None) == 0


@pytest.mark.parametrize("text", ["", " ", "0.2,,1", "hot", "1;2"])
def test_empty_and_wrong_lists_name_the_parameter(text: str) -> None:
    for read in (read_numbers, read_whole_numbers):
        with pytest.raises(ParameterError, match="top_p must be") as raised:
            read("top_p", text)
        assert raised.value.field == "top_p"


def test_lists_are_read_with_spaces_and_only_whole_numbers_where_they_must_be() -> None:
    assert read_numbers("temperature", " 0.2 ,1") == [0.2, 1.0]
    assert read_whole_numbers("top_k", "0, 50") == [0, 50]
    with pytest.raises(ParameterError, match="top_k must be whole numbers"):
        read_whole_numbers("top_k", "1.5")
