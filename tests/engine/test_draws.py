"""Draws by our own kernel: the same token, and the same of it, as the stages make step by step."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from llmtui.engine import draw_kernel, kernels
from llmtui.engine.draws import Draw, Drawer
from llmtui.engine.requests import SamplingParams, StageOrder
from llmtui.engine.telemetry import RawRow, raw_rows

pytestmark = pytest.mark.usefixtures("each_build")

PARAMS = st.builds(
    SamplingParams,
    temperature=st.sampled_from([0.0, 1e-3, 0.3, 0.8, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 2, 50, 64, 65, 400, 10**400]),
    top_p=st.sampled_from([1e-9, 0.3, 0.95, 1 - 1e-9, 1.0]),
    min_p=st.sampled_from([0.0, 1e-9, 0.02, 0.5, 1.0]),
    stage_order=st.sampled_from(list(StageOrder)),
)
U = st.sampled_from([0.0, 0.5, 1 - 2**-53]) | st.floats(0, 1, exclude_max=True)


def row_of(vocab: int, scale: float, decimals: int, left_out: int, seed: int) -> Tensor:
    """Logits, many of them equal where they have few decimals, and some of which cannot be drawn."""
    row = (torch.randn(vocab, generator=torch.Generator().manual_seed(seed)) * scale).round(decimals=decimals)
    if left_out:
        row[1 :: left_out + 1] = -math.inf
    return row


def draws(row: Tensor, params: SamplingParams, u: float) -> tuple[Draw, Draw]:
    """By the kernel where it can, and step by step."""
    (raw,), (again,) = raw_rows(row[None]), raw_rows(row[None])
    drawn_from = None if params.temperature == 0 else u
    by_steps = Drawer(params, ())
    by_steps._coded = None
    return Drawer(params, ()).draw(raw, drawn_from), by_steps.draw(again, drawn_from)


@settings(deadline=None, max_examples=400)
@given(
    params=PARAMS,
    u=U,
    vocab=st.integers(1, 200) | st.integers(600, 3000),
    scale=st.sampled_from([0.0, 0.01, 1.0, 4.0, 100.0]),
    decimals=st.integers(0, 6),
    left_out=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_draw_and_all_that_is_told_of_it_are_those_of_the_stages_one_by_one(
    params: SamplingParams, u: float, vocab: int, scale: float, decimals: int, left_out: int, seed: int
) -> None:
    # sums of all shares differ in their last digits by their order, and so does what is drawn at the very end of them
    assume(params.top_k in range(1, 65) or u < 1 - 1e-9)
    found, expected = draws(row_of(vocab, scale, decimals, left_out, seed), params, u)
    assert (found.id, found.u, found.logit) == (expected.id, expected.u, expected.logit)
    assert (found.rank, found.ties, found.kept) == (expected.rank, expected.ties, expected.kept)
    assert [stage[:3] for stage in found.stages] == [stage[:3] for stage in expected.stages]
    masses = [stage.raw_mass for stage in expected.stages]
    assert [stage.raw_mass for stage in found.stages] == pytest.approx(masses, rel=1e-12)
    assert found.odds[:4] == expected.odds[:4]
    assert found.odds.mass == pytest.approx(expected.odds.mass, rel=1e-12)
    assert found.sampled_prob == pytest.approx(expected.sampled_prob, rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "knows"),
    [
        ({"temperature": 0.8, "top_k": 50, "top_p": 0.95, "min_p": 0.01}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 0.3, "top_k": 0}, True),
        ({"typical_p": 0.9}, False),
        ({"repetition_penalty": 1.1}, False),
        ({"logit_bias": {3: 1.0}}, False),
    ],
)
def test_what_the_kernel_knows_it_draws_and_the_rest_is_drawn_without_it(
    fields: dict[str, float], knows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[draw_kernel.Found | None] = []
    draw = draw_kernel.draw
    monkeypatch.setattr(draw_kernel, "draw", lambda *asked: answers.append(draw(*asked)) or answers[-1])
    drawn = Drawer(SamplingParams(**fields), [3, 3, 4]).draw(RawRow.of(row_of(5000, 4.0, 6, 0, 1)), 0.2)
    assert [answer is not None for answer in answers] == [True] * knows
    assert drawn.sampled_prob > 0


def test_a_token_that_is_not_among_the_most_probable_ones_known_is_found_all_the_same() -> None:
    """Of a flat row, u near 1 is the end of a ranking of which the kernel knows the beginning."""
    row = row_of(2000, 0.01, 6, 0, 2)
    found, expected = draws(row, SamplingParams(temperature=1.0, top_k=0), 0.999)
    assert found.id == expected.id
    assert found.rank > 1900


def test_a_memory_that_is_no_array_of_numbers_is_refused() -> None:
    assert kernels.KERNELS is not None
    raw = RawRow.of(row_of(100, 1.0, 6, 0, 3))
    ranking, stages = raw.ranking, draw_kernel.coded([("greedy", 0.0)])
    with pytest.raises(TypeError):
        kernels.KERNELS.draw("no memory", ranking.values, ranking.row, ranking.size, raw.log_sum, stages, 0.0)
    with pytest.raises(TypeError, match="7"):
        kernels.KERNELS.draw(ranking.ids)


def test_penalties_count_what_was_drawn_before() -> None:
    """A presence penalty makes the second of two equal draws another token."""
    raw = RawRow.of(torch.tensor([1.0, 0.5, 0.0]))
    drawer = Drawer(SamplingParams(temperature=0.0, presence_penalty=0.75), [0, 1])
    assert [drawer.draw(raw, None).id for _ in range(3)] == [0, 1, 0]


@settings(deadline=None, max_examples=100)
@given(
    vocab=st.integers(300, 6000),
    scale=st.sampled_from([0.01, 1.0, 4.0, 30.0]),
    decimals=st.integers(0, 6),
    left_out=st.integers(0, 4),
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
    u=U,
    seed=st.integers(0, 2**32 - 1),
)
def test_a_token_beyond_those_known_is_the_one_that_sorting_all_of_them_gives(
    vocab: int, scale: float, decimals: int, left_out: int, temperature: float, u: float, seed: int
) -> None:
    row = row_of(vocab, scale, decimals, left_out, seed)
    (raw,) = raw_rows(row[None])
    stages = draw_kernel.coded([("temperature", temperature)])
    assert stages is not None
    found = draw_kernel.draw(raw.ranking, raw.log_sum, stages, u)
    if found is None:
        assert len(raw.ranking.ids) > 1024
        return
    values = row.double().numpy()
    order = np.lexsort((np.arange(vocab), -values))
    sums = np.exp((values[order] - values.max()) / temperature).cumsum()
    token_id, rank, ties, logit = found[:4]
    place = int(np.nonzero(order == token_id)[0][0])
    rounding = 1e-12 * sums[-1]
    assert sums[place] > u * sums[-1] - rounding
    assert place == 0 or sums[place - 1] <= u * sums[-1] + rounding
    assert (rank, ties) == (1 + np.count_nonzero(values > logit), np.count_nonzero(values == logit) - 1)
    assert logit == values[token_id] > -math.inf
