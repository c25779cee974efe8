"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.units import count, duration, fixed, percent, probability, short_count, short_size, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0K"),
        (6_200_000, "6.2M"),
        (124_439_808, "124.4M"),
        (1_500_000_000, "1.5B"),
        (10**12, "1.0T"),
        (None, "–"),
    ],
)
def test_parameters_are_counted_in_powers_of_a_thousand(number: int | None, text: str) -> None:
    assert short_count(number) == text


def test_counts_are_whole_with_commas() -> None:
    assert [count(n) for n in (0, 999, 1000, 124_439_808, None)] == ["0", "999", "1,000", "124,439,808", "–"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (24_600_000, "24.6 MB"),
        (2.5e9, "2.5 GB"),
        (1e12, "1.0 TB"),
        (-2500, "-2.5 kB"),
        (None, "–"),
    ],
)
def test_sizes_are_decimal(number: float | None, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1.0K"),
        (10_000, "10K"),
        (999_400, "999K"),
        (999_600, "1.0M"),
        (12_361_000, "12M"),
        (1_249_000_000, "1.2G"),
        (9_960_000_000, "10G"),
        (25_300_000_000, "25G"),
        (2_000_000_000_000, "2.0T"),
        (-5, "0B"),
    ],
)
def test_sizes_are_written_in_four_cells(number: float, text: str) -> None:
    assert short_size(number) == text


@given(st.floats(0, 2**60))
def test_every_size_fits_its_four_cells(number: float) -> None:
    assert len(short_size(number)) <= 4


@pytest.mark.parametrize(("number", "text"), [(0, "0%"), (87.3, "87%"), (99.6, "100%"), (None, "–")])
def test_percentages_are_whole(number: float | None, text: str) -> None:
    assert percent(number) == text


def test_decimals_are_as_many_as_were_asked_for() -> None:
    assert [fixed(1.005), fixed(2.0, 3), fixed(None)] == ["1.00", "2.000", "–"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0041, "4.1 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.0123, "12 ms"),
        (0.412, "412 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (35.4, "35.4 s"),
        (99.96, "100 s"),
        (599, "599 s"),
        (720, "12 min"),
        (7300, "2.0 h"),
        (None, "–"),
    ],
)
def test_times_below_a_second_are_in_milliseconds(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "100.0%"),
        (0.99997, "99.997%"),
        (1 - 1e-12, "99.999%"),
        (0.22, "22.0%"),
        (0.0099, "0.99%"),
        (0.0001, "0.010%"),
        (7.1e-6, "0.00071%"),
        (8.3e-9, "0.00000083%"),
        (8.3e-11, "8.3e-11"),
        (0.0, "0.00%"),
    ],
)
def test_probabilities_say_something_at_every_size(number: float, text: str) -> None:
    assert probability(number) == text


@given(st.floats(1e-300, 1))
def test_a_probability_is_read_back_within_half_of_its_second_digit(number: float) -> None:
    text = probability(number)
    read = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    assert read == pytest.approx(number, rel=0.051)
