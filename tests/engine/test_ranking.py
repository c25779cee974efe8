"""Rankings of rows of logits against NumPy's own sort, however deep, alone and many together."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine.ranking import COLUMNS, FIRST_DEPTH, NEXT_DEPTH, Ranking, descending
from llmtui.engine.telemetry import raw_rows

pytestmark = pytest.mark.usefixtures("each_kernels")

# few values, so that equals are many; both zeros, which are equal
LOGITS = st.one_of(st.sampled_from([-math.inf, -1e30, -1.5, -0.0, 0.0, 1e-30, 2.0, 1e30]), st.floats(-50, 50, width=32))


def sorted_ids(row: NDArray[np.float32]) -> list[int]:
    """All that can be drawn, most probable first, equals by id."""
    order = np.lexsort((np.arange(len(row)), -row.astype(np.float64)))
    return [int(i) for i in order if row[i] > -math.inf]


def assert_is_a_beginning(ranking: Ranking, depth: int) -> None:
    """At least `depth` tokens in their order, all equals of the last one among them."""
    row, expected = ranking.row, sorted_ids(ranking.row)
    count = len(ranking.ids)
    assert ranking.size == len(expected)
    assert ranking.ids.tolist() == expected[:count]
    assert ranking.values.tolist() == row[expected[:count]].tolist()
    assert count >= min(depth, len(expected))
    assert count == len(expected) or row[expected[count]] < row[expected[count - 1]]


@settings(max_examples=300, deadline=None)
@given(values=st.lists(LOGITS, min_size=1, max_size=300), depths=st.lists(st.integers(1, 400), max_size=4))
def test_a_ranking_is_a_beginning_of_the_sorted_row_however_deep(values: list[float], depths: list[int]) -> None:
    ranking = Ranking(torch.tensor(values), 1)
    for depth in (1, *depths):
        ranking.sort(depth)
        assert_is_a_beginning(ranking, depth)


def test_a_ranking_deepens_to_the_end() -> None:
    ranking = Ranking(torch.randn(3 * NEXT_DEPTH, generator=torch.Generator().manual_seed(0)).round(decimals=1))
    depths = [len(ranking.ids)]
    while ranking.deepen():
        depths.append(len(ranking.ids))
        assert_is_a_beginning(ranking, depths[-1])
    assert depths[0] >= FIRST_DEPTH
    assert depths[1] >= NEXT_DEPTH
    assert depths[-1] == 3 * NEXT_DEPTH


@pytest.mark.parametrize(
    "vocab", [1, 3, FIRST_DEPTH, FIRST_DEPTH + 1, COLUMNS - 1, 2 * COLUMNS, 2 * COLUMNS + 1, 5 * COLUMNS + 77]
)
def test_the_rankings_of_many_rows_are_those_of_each_alone(vocab: int) -> None:
    """Equals within the ranking and at its border, tokens left out, and rows where all is equal."""
    generator = torch.Generator().manual_seed(vocab)
    rows = torch.randn(7, vocab, generator=generator)
    rows[1] = rows[1].round()
    rows[2] = 0.0
    rows[3, 1::2] = -math.inf
    rows[4] = rows[4].topk(1).values * (torch.arange(vocab) % 7 == 0)
    rows[5, 1:] = -math.inf
    # all of the most probable in one column
    rows[6, ::COLUMNS] += 100.0
    for raw in raw_rows(rows):
        assert_is_a_beginning(raw.ranking, FIRST_DEPTH)


def broken(vocab: int) -> Tensor:
    rows = torch.randn(6, vocab, generator=torch.Generator().manual_seed(1))
    rows[0] = math.nan
    rows[1, 0] = math.nan
    rows[2, vocab // 2 :] = math.nan
    rows[3] = -math.inf
    rows[4, 0] = math.inf
    return rows


@pytest.mark.parametrize("vocab", [2, 100, 5000])
def test_rows_that_are_no_distribution_break_no_other(vocab: int) -> None:
    *bad, good = raw_rows(broken(vocab))
    assert_is_a_beginning(good.ranking, FIRST_DEPTH)
    assert math.isfinite(good.log_sum)
    assert not any(math.isfinite(raw.log_sum) for raw in bad)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), decimals=st.integers(0, 6), count=st.integers(NEXT_DEPTH + 1, 4000))
def test_many_values_are_sorted_as_numpy_sorts_them(seed: int, decimals: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(scale=10.0 ** generator.integers(-3, 4), size=count).round(decimals).astype(np.float32)
    values[generator.integers(count, size=20)] = -0.0
    values[generator.integers(count, size=20)] = [np.inf, np.finfo(np.float32).max, 1e-45, -1e-45, 0.0] * 4
    assert descending(values).tolist() == np.argsort(-values.astype(np.float64), kind="stable").tolist()


def test_masses_are_the_cumulative_sums_of_what_is_sorted() -> None:
    row = torch.randn(2000, generator=torch.Generator().manual_seed(4))
    ranking = Ranking(row)
    values = np.sort(row.double().numpy())[::-1]
    expected = np.cumsum(np.exp((values - values[0]) / 0.7))
    assert ranking.mass(2000, 0.7) == pytest.approx(expected[-1], rel=1e-12)
    for depth in (10, 500, 2000):
        ranking.sort(depth)
        masses = ranking.masses(0.7)
        assert len(masses) == len(ranking.ids)
        np.testing.assert_allclose(masses, expected[: len(masses)], rtol=1e-12)
        assert ranking.mass(depth, 0.7) == pytest.approx(expected[depth - 1], rel=1e-12)


def test_the_facts_of_one_row_are_those_it_has_among_many() -> None:
    """However many there are: of few logits NumPy makes the sums, of many torch, and of very many not all at once."""
    rows = torch.randn(20, 40_000, generator=torch.Generator().manual_seed(5))
    for row, raw in zip(rows[:, :30_000], raw_rows(rows[:, :30_000].contiguous()), strict=True):
        (alone,) = raw_rows(row[None])
        assert alone.entropy_bits == pytest.approx(raw.entropy_bits, rel=1e-6)
        assert alone.log_sum == pytest.approx(raw.log_sum, rel=1e-6)
    for row, raw in zip(rows, raw_rows(rows), strict=True):
        assert torch.equal(raw.logits, row)
        assert_is_a_beginning(raw.ranking, FIRST_DEPTH)
