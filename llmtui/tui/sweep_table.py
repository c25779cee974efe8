"""How the cells of a sweep lie in a grid, and what each shows. Pure: settings and numbers in, words and levels out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from llmtui.insight.at_position import SettingAt
from llmtui.insight.grid import Setting
from llmtui.insight.sweep import Cell
from llmtui.tui.heat import LEVELS
from llmtui.units import probability

PARAMETERS: Final = ("temperature", "top_k", "top_p")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Measure(Generic[C]):
    """A number that a cell has. number: None where it has none; text: how it is written."""

    title: str
    number: Callable[[C], float | None]
    text: Callable[[float], str]

    def limits(self, within: tuple[float, float] | None) -> tuple[str, str] | None:
        """The least and the greatest number in words; None where they are one, and colours tell nothing."""
        return None if within is None or within[0] == within[1] else (self.text(within[0]), self.text(within[1]))


def _fixed(number: float) -> str:
    return f"{number:.2f}"


def _whole(number: float) -> str:
    return f"{number:.0f}"


TEXT_MEASURES: Final[tuple[Measure[Cell], ...]] = (
    Measure("mean surprisal, bits (RAW)", lambda cell: cell.mean_surprisal, _fixed),
    Measure("mean entropy, bits (RAW)", lambda cell: cell.mean_entropy, _fixed),
    Measure("distinct-1", lambda cell: cell.distinct_1, _fixed),
    Measure("distinct-2", lambda cell: cell.distinct_2, _fixed),
    Measure("longest repeated run, tokens", lambda cell: cell.longest_repeat, _whole),
    Measure("tokens", lambda cell: cell.tokens, _whole),
    Measure("tok/s", lambda cell: cell.tokens_per_second, lambda number: f"{number:.1f}"),
    Measure("first token that differs", lambda cell: cell.diverges_at, lambda number: f"#{number:.0f}"),
)

POSITION_MEASURES: Final[tuple[Measure[SettingAt], ...]] = (
    Measure("entropy, bits (SAMPLED)", lambda at: at.entropy_bits, _fixed),
    Measure("candidates kept", lambda at: at.kept, _whole),
    Measure("RAW probability kept", lambda at: at.raw_mass, probability),
    Measure("most probable (SAMPLED)", lambda at: at.top[0].sampled_prob, probability),
)


class SweepTable:
    """Rows and columns of a sweep: the last parameter that varies goes across where two do, and so do the seeds.

    seeds: none, where a setting is one cell.
    """

    def __init__(self, settings: Sequence[Setting], seeds: Sequence[int]) -> None:
        varied = [name for name in PARAMETERS if len({getattr(setting, name) for setting in settings}) > 1]
        across = varied[-1] if len(varied) > 1 else None
        down = [name for name in varied if name != across] or ["temperature"]
        self._settings: dict[tuple[tuple[float, ...], float | None], Setting] = {}
        for setting in settings:
            self._settings[_values(setting, down), None if across is None else getattr(setting, across)] = setting
        self._rows = list(dict.fromkeys(row for row, _ in self._settings))
        self._columns = [
            (value, seed) for value in dict.fromkeys(value for _, value in self._settings) for seed in seeds or (None,)
        ]
        self.rows = [" ".join(f"{n} {v:g}" for n, v in zip(down, row, strict=True)) for row in self._rows]
        self.columns = [
            (
                "" if value is None or place % max(1, len(seeds)) else f"{value:g}",
                "" if seed is None else str(seed),
            )
            for place, (value, seed) in enumerate(self._columns)
        ]
        self.corner = (across or "", "seed" if seeds else "")

    def setting(self, row: int, column: int) -> Setting:
        """The setting of a cell of the grid."""
        return self._settings[self._rows[row], self._columns[column][0]]

    def seed(self, column: int) -> int | None:
        """The seed of a column."""
        return self._columns[column][1]


def bounds(numbers: Iterable[float | None]) -> tuple[float, float] | None:
    """The least and the greatest number; None where there is none."""
    known = [number for number in numbers if number is not None]
    return (min(known), max(known)) if known else None


def level(number: float | None, within: tuple[float, float] | None) -> int | None:
    """Which of the six colours a number has between the least and the greatest; None: no colour tells anything."""
    if number is None or within is None or within[0] == within[1]:
        return None
    low, high = within
    return min(LEVELS - 1, int((number - low) / (high - low) * LEVELS))


def _values(setting: Setting, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(getattr(setting, name) for name in names)


def setting_words(setting: Setting) -> str:
    """`temperature 0.7 · top_k 50 · top_p 1`."""
    return f"temperature {setting.temperature:g} · top_k {setting.top_k} · top_p {setting.top_p:g}"


def cell_facts(cell: Cell) -> str:
    """The numbers of a cell in a line of 80 cells, each named."""
    speed = cell.tokens_per_second
    parts = [
        f"surprisal {_or_dash(cell.mean_surprisal)}",
        f"H {_or_dash(cell.mean_entropy)} bit",
        f"dist-1/2 {_or_dash(cell.distinct_1)}/{_or_dash(cell.distinct_2)}",
        f"run {cell.longest_repeat}",
        f"{cell.tokens} tok" if speed is None else f"{cell.tokens} tok, {speed:.1f}/s",
    ]
    return " · ".join(parts)


def comparison_words(cell: Cell, reference: Setting) -> str:
    """How a cell's text stands to the reference's of the same seed."""
    if cell.setting == reference:
        return "the reference"
    return "as the reference" if cell.diverges_at is None else f"differs at #{cell.diverges_at}"


def _or_dash(number: float | None) -> str:
    return "–" if number is None else _fixed(number)
