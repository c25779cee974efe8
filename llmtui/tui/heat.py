"""From a number about a token to a colour, and to attributes that say the same without colour.

Six levels, from expected to surprising: as many as 256 colours and the eye tell apart. The colours are points of
the xterm cube, so that a terminal of 256 colours shows them as they are; their lightness falls or rises steadily, so
that they keep their order in grey and for colour-blind eyes.
"""

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from rich.color import Color
from rich.style import Style

from llmtui.engine.events import Token

LEVELS: Final = 6
BIT_LIMITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
RANK_LIMITS: Final = (1, 10, 100, 1000)
# A token with more bits than this is a surprise: underlined, and where [ and ] stop.
SURPRISE_BITS: Final = 4.0

# xterm colours 17, 60, 102, 144, 185, 229
CUBE: Final = (
    (0, 0, 95),
    (95, 95, 135),
    (135, 135, 135),
    (175, 175, 135),
    (215, 215, 95),
    (255, 255, 175),
)
BLACK: Final = (0, 0, 0)
WHITE: Final = (255, 255, 255)

Rgb = tuple[int, int, int]


class ColourMode(StrEnum):
    """What the colour of a token tells."""

    SURPRISAL = "surprisal"
    ENTROPY = "entropy"
    RANK = "rank"
    EXCESS = "excess"
    OFF = "off"

    @property
    def next(self) -> "ColourMode":
        """The mode after this one, around the circle."""
        modes = list(ColourMode)
        return modes[(modes.index(self) + 1) % len(modes)]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One level of the legend: its label, with the unit."""

    level: int
    label: str


def level(token: Token, mode: ColourMode) -> int | None:
    """0 (expected) to 5 (surprising), or None where the mode is off or the token has no such number.

    surprisal, entropy: in bits. excess: surprisal - entropy in bits, unusual for what was to be expected here.
    """
    match mode:
        case ColourMode.OFF:
            return None
        case ColourMode.RANK:
            return None if token.rank is None else bisect_left(RANK_LIMITS, token.rank)
        case ColourMode.ENTROPY:
            bits = token.entropy_bits
        case ColourMode.SURPRISAL:
            bits = token.surprisal_bits
        case ColourMode.EXCESS:
            surprisal, entropy = token.surprisal_bits, token.entropy_bits
            bits = None if surprisal is None or entropy is None else surprisal - entropy
    return None if bits is None else bisect_left(BIT_LIMITS, bits)


def is_surprise(token: Token) -> bool:
    """Whether the token took more than SURPRISE_BITS."""
    bits = token.surprisal_bits
    return bits is not None and bits > SURPRISE_BITS


def background(level: int, *, dark: bool = True) -> Rgb:
    """The colour of a level: quiet colours, those near the theme's own background, are the expected ones."""
    return CUBE[level if dark else LEVELS - 1 - level]


def foreground(colour: Rgb) -> Rgb:
    """Black or white, whichever is easier to read on a colour; never below a contrast of 4.5."""
    return max(BLACK, WHITE, key=lambda text: contrast(text, colour))


def contrast(first: Rgb, second: Rgb) -> float:
    """WCAG 2.1 contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: Rgb) -> float:
    """WCAG 2.1 relative luminance of an sRGB colour, 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def style(level: int, *, dark: bool = True) -> Style:
    """How a token of a level is drawn: exact colours, and attributes that say the same where there are none."""
    return colours(level, dark=dark) + attributes(level)


@cache
def colours(level: int, *, dark: bool = True) -> Style:
    """The colours of a level alone, for what says its number beside them."""
    colour = background(level, dark=dark)
    return Style.from_color(Color.from_rgb(*foreground(colour)), Color.from_rgb(*colour))


@cache
def attributes(level: int) -> Style:
    """The channel besides colour: dim, plain, bold; surprises are underlined, the greatest bold, too."""
    return Style(
        dim=True if level == 0 else None,
        bold=True if level in (3, 5) else None,
        underline=True if level >= 4 else None,
    )


def legend(mode: ColourMode) -> tuple[LegendEntry, ...]:
    """The levels of a mode with their limits; empty when colours are off. RANK has one level less."""
    match mode:
        case ColourMode.OFF:
            return ()
        case ColourMode.RANK:
            labels = ["rank 1", *(f"≤{limit}" for limit in RANK_LIMITS[1:]), f">{RANK_LIMITS[-1]}"]
        case _:
            labels = [*(f"≤{limit:g}" for limit in BIT_LIMITS), f">{BIT_LIMITS[-1]:g} bit"]
    return tuple(LegendEntry(place, label) for place, label in enumerate(labels))
