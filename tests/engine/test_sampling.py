"""Every stage of sampling against transformers' own logits processors; the draw against probability theory."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from llmtui.engine import SamplingParams, StageOrder
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.sampling import Distribution, adjust, distribution
from llmtui.engine.telemetry import raw_rows

OFF: dict[str, Any] = {"temperature": 1.0, "top_k": 0}


def params_of(**fields: Any) -> SamplingParams:
    return SamplingParams(**(OFF | fields))


def our_probs(dist: Distribution, vocab: int) -> np.ndarray:
    odds = dist.odds
    return np.array([odds.prob(i, float(dist.ranking.row[i])) for i in range(vocab)])


def transformers_probs(logits: Tensor, processors: list[Any], ids: list[int] | None = None) -> np.ndarray:
    scores = LogitsProcessorList(processors)(torch.tensor([ids or [0]]), logits[None].clone())
    return torch.softmax(scores[0].double(), dim=-1).numpy()


def random_logits(seed: int, vocab: int, kind: str) -> Tensor:
    """Flat, peaked, with ties (rounded, as half-precision logits are), or with forbidden tokens."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(vocab, generator=generator) * (0.5 if kind == "flat" else 4.0)
    if kind == "ties":
        logits = torch.round(logits)
    if kind == "forbidden":
        logits[torch.randperm(vocab, generator=generator)[: vocab // 3]] = -math.inf
    return logits


STAGES = {
    "temperature": ({"temperature": 0.6}, [TemperatureLogitsWarper(0.6)]),
    "hot": ({"temperature": 1.9}, [TemperatureLogitsWarper(1.9)]),
    "top_k": ({"top_k": 40}, [TopKLogitsWarper(40)]),
    "top_k of one": ({"top_k": 1}, [TopKLogitsWarper(1)]),
    "top_k above the first sort": ({"top_k": 1500}, [TopKLogitsWarper(1500)]),
    "top_p": ({"top_p": 0.9}, [TopPLogitsWarper(0.9)]),
    "small top_p": ({"top_p": 1e-6}, [TopPLogitsWarper(1e-6)]),
    "top_p of nearly all": ({"top_p": 0.9999}, [TopPLogitsWarper(0.9999)]),
    "min_p": ({"min_p": 0.05}, [MinPLogitsWarper(0.05)]),
    "min_p of one": ({"min_p": 1.0}, [MinPLogitsWarper(1.0)]),
    "typical_p": ({"typical_p": 0.8}, [TypicalLogitsWarper(0.8)]),
    "all of them": (
        {"temperature": 1.4, "top_k": 60, "top_p": 0.95, "min_p": 0.01, "typical_p": 0.9},
        [
            TemperatureLogitsWarper(1.4),
            TopKLogitsWarper(60),
            TopPLogitsWarper(0.95),
            MinPLogitsWarper(0.01),
            TypicalLogitsWarper(0.9),
        ],
    ),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", ["flat", "peaked", "ties", "forbidden"])
@pytest.mark.parametrize("vocab", [50, 3000])
def test_every_stage_equals_transformers(stage: str, kind: str, vocab: int) -> None:
    fields, processors = STAGES[stage]
    for seed in range(8):
        logits = random_logits(seed, vocab, kind)
        ours = our_probs(distribution(logits, params_of(**fields)), vocab)
        theirs = transformers_probs(logits, processors)
        if kind == "ties" and {"top_p", "typical_p"} & fields.keys():
            # which of several equals falls is arbitrary there; how many, and how probable they are, is not
            ours, theirs = np.sort(ours), np.sort(theirs)
        np.testing.assert_allclose(ours, theirs, atol=2e-6, rtol=0)
        assert (ours > 0).sum() == (theirs > 0).sum()


@pytest.mark.parametrize(
    ("logits", "fields", "kept"),
    [
        ([0.0, 0.0, 0.0, 0.0], {"top_p": 0.75}, 3),  # three quarters exactly
        ([0.0, 0.0, 0.0, 0.0], {"top_p": 0.5}, 2),
        ([0.0, 0.0, 0.0, 0.0], {"top_p": 0.51}, 3),
        ([1.0, 1.0, 1.0, 0.0], {"top_k": 2}, 3),  # ties with the second stay
        ([2.0, 1.0, 1.0, 0.0], {"top_k": 2}, 3),
        ([3.0, 3.0, 1.0, 0.0], {"min_p": 1.0}, 2),
        ([0.0, -math.inf, -math.inf, 0.0], {"top_p": 0.5}, 1),
        ([5.0, -math.inf, -math.inf, -math.inf], {"top_k": 3, "top_p": 0.1}, 1),
    ],
)
def test_boundaries_equal_transformers(logits: list[float], fields: dict[str, Any], kept: int) -> None:
    row = torch.tensor(logits)
    warpers = {"top_k": TopKLogitsWarper, "top_p": TopPLogitsWarper, "min_p": MinPLogitsWarper}
    theirs = transformers_probs(row, [warpers[name](value) for name, value in fields.items()])
    dist = distribution(row, params_of(**fields))
    assert dist.kept == kept == int((theirs > 0).sum())
    np.testing.assert_allclose(np.sort(our_probs(dist, len(row))), np.sort(theirs), atol=1e-6)


@pytest.mark.parametrize("penalty", [1.3, 0.7])
def test_repetition_penalty_equals_transformers_over_prompt_and_generation(penalty: float) -> None:
    logits = random_logits(3, 200, "peaked")
    prompt, generated = [5, 5, 7, 9], [11, 7]
    params = params_of(repetition_penalty=penalty)
    ours = adjust(logits, params, Counter(prompt), Counter(generated))
    theirs = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([prompt + generated]), logits[None].clone())[0]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_logit_bias_equals_transformers_sequence_bias() -> None:
    logits = random_logits(4, 200, "peaked")
    bias = {3: 2.5, 100: -100.0}
    theirs = SequenceBiasLogitsProcessor([[[i], b] for i, b in bias.items()])(torch.tensor([[0]]), logits[None].clone())
    torch.testing.assert_close(adjust(logits, params_of(logit_bias=bias), {}, {}), theirs[0])


def test_frequency_and_presence_penalties_follow_openais_formula_on_generated_tokens() -> None:
    logits = random_logits(5, 100, "peaked")
    generated = Counter([4, 4, 4, 8])
    ours = adjust(logits, params_of(frequency_penalty=0.5, presence_penalty=0.25), Counter([8, 9, 9]), generated)
    for i in range(100):
        count = generated[i]
        assert ours[i].item() == pytest.approx(logits[i].item() - count * 0.5 - (count > 0) * 0.25, abs=1e-5)


def test_adjusting_leaves_the_row_itself_alone() -> None:
    logits = random_logits(6, 50, "peaked")
    before = logits.clone()
    adjust(logits, params_of(repetition_penalty=2.0, logit_bias={1: 5.0}, presence_penalty=1.0), {1: 1}, {2: 1})
    assert torch.equal(logits, before)


def test_stages_record_what_survived() -> None:
    logits = torch.log(torch.tensor([0.4, 0.3, 0.2, 0.1]))
    stages = distribution(logits, params_of(temperature=2.0, top_k=3, top_p=0.5)).stages
    assert [(s.name, s.value, s.kept) for s in stages] == [("temperature", 2.0, 4), ("top_k", 3, 3), ("top_p", 0.5, 2)]
    assert [s.raw_mass for s in stages] == pytest.approx([1.0, 0.9, 0.7])


def test_order_of_stages_is_a_switch() -> None:
    logits = torch.log(torch.tensor([0.6, 0.3, 0.07, 0.03]))
    fields = {"temperature": 2.0, "top_p": 0.85}
    assert distribution(logits, params_of(**fields)).kept == 3
    last = distribution(logits, params_of(**fields, stage_order=StageOrder.LLAMA_CPP))
    assert last.kept == 2
    assert [stage.name for stage in last.stages] == ["top_p", "temperature"]


def test_greedy_takes_the_most_probable_and_of_equals_the_lowest_id() -> None:
    logits = torch.tensor([1.0, 3.0, 2.0, 3.0])
    dist = distribution(logits, SamplingParams(temperature=0.0, top_k=50))
    assert dist.draw(0.0) == 1
    assert [(s.name, s.kept) for s in dist.stages] == [("greedy", 1)]
    assert our_probs(dist, 4).tolist() == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "fields", [{}, {"temperature": 1.7}, {"top_k": 5}, {"top_p": 0.8}, {"temperature": 0.5, "min_p": 0.1}]
)
def test_draws_are_distributed_as_the_distribution_says(fields: dict[str, Any]) -> None:
    logits = random_logits(8, 30, "flat")
    dist = distribution(logits, params_of(**fields))
    probs = our_probs(dist, 30)
    uniform = np.random.default_rng(7).random(100_000)
    counts = np.bincount([dist.draw(u) for u in uniform], minlength=30)
    assert counts[probs == 0].sum() == 0
    drawn = probs > 0
    assert scipy.stats.chisquare(counts[drawn], probs[drawn] / probs[drawn].sum() * len(uniform)).pvalue > 1e-4


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.one_of(st.floats(-1e4, 1e4, width=32), st.just(-math.inf)), min_size=1, max_size=300),
    u=st.one_of(st.floats(0, 1, exclude_max=True), st.just(1 - 2**-53), st.just(0.0)),
    temperature=st.floats(0.01, 2.0),
    top_k=st.integers(0, 300),
    top_p=st.floats(1e-9, 1.0),
    min_p=st.floats(0.0, 1.0),
    typical_p=st.floats(0.01, 1.0),
)
def test_a_draw_is_always_a_token_of_probability_above_zero(
    values: list[float], u: float, temperature: float, top_k: int, top_p: float, min_p: float, typical_p: float
) -> None:
    logits = torch.tensor(values)
    if not torch.isfinite(logits).any():
        return
    params = params_of(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, typical_p=typical_p)
    dist = distribution(logits, params)
    token = dist.draw(u)
    probs = our_probs(dist, len(values))
    assert probs[token] > 0
    assert probs.sum() == pytest.approx(1.0, abs=1e-6)
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    kept = [i for i in order if probs[i] > 0]
    place = int(np.searchsorted(np.cumsum(probs[kept]), u, side="right"))
    assert token in kept[max(0, place - 1) : place + 2]


@pytest.mark.parametrize("kind", ["flat", "ties", "forbidden"])
@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_a_draw_without_a_filter_is_the_one_that_sorting_everything_gives(kind: str, temperature: float) -> None:
    logits = random_logits(11, 20_000, kind)
    row = logits.double().numpy()
    order = np.lexsort((np.arange(len(row)), -row))
    cumulative = np.cumsum(scipy.special.softmax(row[order] / temperature))
    for u in np.random.default_rng(3).random(50):
        # each from the beginning: a draw sorts further, and the next one would find it done
        dist = distribution(logits, params_of(temperature=temperature))
        assert dist.draw(u) == order[np.searchsorted(cumulative, u, side="right")]


def test_a_flat_vocabulary_of_150000_draws_from_its_far_end() -> None:
    logits = torch.zeros(150_000)
    dist = distribution(logits, params_of())
    assert dist.draw(0.999999999) == 149_999
    assert dist.draw(0.0) == 0
    assert dist.draw(0.5) in range(74_998, 75_003)


@pytest.mark.parametrize("scale", [0.02, 1.0, 10.0, 100.0])
def test_entropy_and_normalisation_are_as_exact_as_float32_logits_allow(scale: float) -> None:
    rows = torch.randn(8, 50_257, generator=torch.Generator().manual_seed(2)) * scale - 100.0
    for row, raw in zip(rows.double().numpy(), raw_rows(rows), strict=True):
        assert raw.log_sum == pytest.approx(scipy.special.logsumexp(row), abs=5e-7)
        assert raw.entropy_bits == pytest.approx(scipy.stats.entropy(scipy.special.softmax(row), base=2), abs=2e-6)


def test_the_facts_of_many_rows_are_what_scipy_finds_and_a_broken_row_breaks_no_other() -> None:
    rows = torch.randn(5, 300, generator=torch.Generator().manual_seed(1)) * 8
    rows[1] = 0.0
    rows[2, 3:] = -math.inf
    rows[3, 7] = math.nan
    rows[4] *= 1e4
    facts = raw_rows(rows)
    for n in (0, 1, 2, 4):
        row = rows[n].double().numpy()
        assert facts[n].checked().log_sum == pytest.approx(scipy.special.logsumexp(row), rel=1e-6)
        entropy = scipy.stats.entropy(scipy.special.softmax(row), base=2)
        assert facts[n].entropy_bits == pytest.approx(entropy, rel=1e-5, abs=1e-5)
        for token_id in (0, 5, int(rows[n].argmax())):
            above, beside = int((row > row[token_id]).sum()), int((row == row[token_id]).sum())
            assert facts[n].rank_and_ties(token_id) == (above + 1, beside - 1)
    with pytest.raises(GenerationFailed):
        facts[3].checked()
