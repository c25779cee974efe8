from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.insight.grid import Setting, grid
from llmtui.insight.sweep import Cell
from llmtui.tui.heat import LEVELS
from llmtui.tui.sweep_table import TEXT_MEASURES, SweepTable, bounds, cell_facts, comparison_words, level

few = st.lists(st.sampled_from([0.1, 0.5, 0.9, 1.0]), min_size=1, max_size=3, unique=True)
CELL = Cell(
    setting=Setting(0.7, 50, 1.0),
    seed=3,
    text="a b",
    ids=(1, 2, 2),
    finish_reason="length",
    mean_surprisal=1.234,
    mean_entropy=2.5,
    distinct_1=2 / 3,
    distinct_2=1.0,
    longest_repeat=1,
    tokens_per_second=56.44,
    diverges_at=2,
)


@given(few, few, few, st.integers(0, 3))
def test_every_setting_and_seed_has_one_place_in_the_grid(
    temperatures: list[float], top_ks: list[float], top_ps: list[float], count: int
) -> None:
    settings = grid(temperatures, [int(10 * k) for k in top_ks], top_ps)
    seeds = tuple(range(7, 7 + count))
    table = SweepTable(settings, seeds)
    places = [
        (table.setting(row, column), table.seed(column))
        for row in range(len(table.rows))
        for column in range(len(table.columns))
    ]
    assert sorted(map(str, places)) == sorted(map(str, product(settings, seeds or (None,))))


def test_one_parameter_goes_down_and_the_seeds_across() -> None:
    table = SweepTable(grid([0.2, 1.0], [50], [1.0]), (0, 1))
    assert table.rows == ["temperature 0.2", "temperature 1"]
    assert table.columns == [("", "0"), ("", "1")]
    assert table.corner == ("", "seed")


def test_the_second_parameter_goes_across_and_stands_once_above_its_seeds() -> None:
    table = SweepTable(grid([0.2, 1.0], [50], [0.9, 1.0]), (4, 5))
    assert table.columns == [("0.9", "4"), ("", "5"), ("1", "4"), ("", "5")]
    assert table.corner == ("top_p", "seed")
    assert table.setting(1, 2) == Setting(1.0, 50, 1.0)


def test_a_single_setting_is_a_grid_of_one_row() -> None:
    assert SweepTable([Setting(0.7, 50, 1.0)], (0,)).rows == ["temperature 0.7"]


def test_every_number_of_a_cell_has_a_measure_and_is_written_with_its_digits() -> None:
    numbers = [measure.number(CELL) for measure in TEXT_MEASURES]
    written = [m.text(n) for m, n in zip(TEXT_MEASURES, numbers, strict=True) if n is not None]
    assert written == ["1.23", "2.50", "0.67", "1.00", "1", "3", "56.4", "#2"]
    assert cell_facts(CELL) == "surprisal 1.23 · H 2.50 bit · dist-1/2 0.67/1.00 · run 1 · 3 tok, 56.4/s"
    assert comparison_words(CELL, Setting(0.2, 50, 1.0)) == "differs at #2"
    assert comparison_words(CELL, CELL.setting) == "the reference"


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=8))
def test_colours_rise_with_the_numbers_from_the_least_to_the_greatest(numbers: list[float | None]) -> None:
    within = bounds(numbers)
    known = sorted(number for number in numbers if number is not None)
    levels = [level(number, within) for number in known]
    assert within == ((known[0], known[-1]) if known else None)
    assert level(None, within) is None
    if not known or known[0] == known[-1]:
        assert set(levels) <= {None}
    else:
        assert [step for step in levels if step is None] == []
        assert levels == sorted(levels, key=lambda step: step or 0)
        assert (levels[0], levels[-1]) == (0, LEVELS - 1)


def test_limits_are_said_only_where_they_differ() -> None:
    measure = TEXT_MEASURES[0]
    assert measure.limits((1.0, 2.5)) == ("1.00", "2.50")
    assert measure.limits((1.0, 1.0)) is None
    assert measure.limits(None) is None


@pytest.mark.parametrize("glyph", ["–"])
def test_a_number_that_is_not_there_is_a_dash(glyph: str) -> None:
    empty = Cell(Setting(0.7, 50, 1.0), 0, "", (), "stop", None, None, None, None, 0, None)
    assert cell_facts(empty) == f"surprisal {glyph} · H {glyph} bit · dist-1/2 {glyph}/{glyph} · run 0 · 0 tok"
