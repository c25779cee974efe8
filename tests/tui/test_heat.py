import itertools
import math

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style
from tokens import bits, make_token

from llmtui.tui import heat
from llmtui.tui.heat import ColourMode

XTERM = (17, 60, 102, 144, 185, 229)


@pytest.mark.parametrize(
    ("surprisal", "level"),
    [
        (0.0, 0),
        (0.5, 0),
        (0.51, 1),
        (1.0, 1),
        (1.5, 2),
        (2.0, 2),
        (3.9, 3),
        (4.0, 3),
        (4.1, 4),
        (8.0, 4),
        (8.1, 5),
        (40, 5),
    ],
)
def test_surprisal_has_six_levels_by_bits(surprisal: float, level: int) -> None:
    token = make_token(prob=bits(surprisal))
    assert token.surprisal_bits == pytest.approx(surprisal)
    assert heat.level(token, ColourMode.SURPRISAL) == level


@pytest.mark.parametrize(("rank", "level"), [(1, 0), (2, 1), (10, 1), (11, 2), (100, 2), (1000, 3), (1001, 4)])
def test_rank_has_five_levels(rank: int, level: int) -> None:
    assert heat.level(make_token(rank=rank), ColourMode.RANK) == level


def test_entropy_and_excess_tell_a_hard_place_from_an_unusual_token() -> None:
    expected = make_token(prob=bits(6), entropy_bits=6.0)
    assert heat.level(expected, ColourMode.ENTROPY) == 4
    assert heat.level(expected, ColourMode.EXCESS) == 0
    unusual = make_token(prob=bits(6), entropy_bits=1.0)
    assert heat.level(unusual, ColourMode.EXCESS) == 4


@pytest.mark.parametrize("mode", list(ColourMode))
def test_a_first_token_has_no_colour_in_any_mode(mode: ColourMode) -> None:
    assert heat.level(make_token(prob=None), mode) is None


def test_off_means_no_colour() -> None:
    assert heat.level(make_token(prob=bits(20)), ColourMode.OFF) is None
    assert heat.legend(ColourMode.OFF) == ()


def test_the_modes_go_round_and_all_are_reached() -> None:
    mode, seen = ColourMode.SURPRISAL, []
    for _ in ColourMode:
        seen.append(mode)
        mode = mode.next
    assert mode is ColourMode.SURPRISAL
    assert set(seen) == set(ColourMode)
    assert seen[-1] is ColourMode.OFF


@pytest.mark.parametrize("dark", [True, False])
def test_every_level_can_be_read_and_keeps_its_order_in_grey(dark: bool) -> None:
    def luminance(rgb: tuple[int, int, int]) -> float:
        """WCAG 2.1, written once more."""
        r, g, b = ((c / 255 / 12.92) if c / 255 <= 0.04045 else math.pow((c / 255 + 0.055) / 1.055, 2.4) for c in rgb)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    lights: list[float] = []
    for level in range(heat.LEVELS):
        style = heat.style(level, dark=dark)
        assert style.color is not None
        assert style.bgcolor is not None
        text, ground = luminance(tuple(style.color.get_truecolor())), luminance(tuple(style.bgcolor.get_truecolor()))
        assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5
        lights.append(ground)
    pairs = list(itertools.pairwise(lights))
    assert all(a < b for a, b in pairs) if dark else all(a > b for a, b in pairs)


def test_a_terminal_of_256_colours_shows_the_same_colours() -> None:
    for level, number in enumerate(XTERM):
        rgb = heat.background(level)
        assert Color.from_ansi(number).get_truecolor() == rgb
        shown = Color.from_rgb(*rgb).downgrade(ColorSystem.EIGHT_BIT)
        # Rich sends greys to the grey ramp: seven steps of 255 away from the cube's.
        assert max(abs(a - b) for a, b in zip(shown.get_truecolor(), rgb, strict=True)) <= 7
        assert (shown.number == number) is (number != 102)


def test_light_themes_turn_the_scale_round() -> None:
    assert [heat.background(level, dark=False) for level in range(6)] == [
        heat.background(5 - level) for level in range(6)
    ]


def test_without_colour_a_surprise_still_looks_like_one() -> None:
    plain = [heat.style(level).without_color for level in range(heat.LEVELS)]
    assert [bool(style.underline) for style in plain] == [False, False, False, False, True, True]
    assert plain[0] == Style(dim=True)
    assert len({str(style) for style in plain}) == 5
    assert heat.is_surprise(make_token(prob=bits(4.1)))
    assert not heat.is_surprise(make_token(prob=bits(3.9)))
    assert not heat.is_surprise(make_token(prob=None))


@pytest.mark.parametrize("mode", [mode for mode in ColourMode if mode is not ColourMode.OFF])
def test_the_legend_names_every_level_and_its_unit(mode: ColourMode) -> None:
    entries = heat.legend(mode)
    assert [entry.level for entry in entries] == list(range(len(entries)))
    joined = " ".join(entry.label for entry in entries)
    assert ("rank" if mode is ColourMode.RANK else "bit") in joined
    assert len(entries) == (5 if mode is ColourMode.RANK else 6)
