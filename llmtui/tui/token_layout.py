"""Tokens wrapped into lines: what stands where, and which token stands there. Plain Python, no screen.

A token stays whole where it fits on a line, and moves to the next line where it does not fit on this one; one that is
longer than a line fills lines. Lines that are full never change, so that a new token costs its own length only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from rich.cells import cell_len, split_graphemes

_start = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a token that stands on one line: `width` cells from cell `start` on."""

    token: int
    start: int
    width: int
    text: str

    @property
    def end(self) -> int:
        return self.start + self.width


class TokenLayout:
    """Lines of slices for tokens given as `piece_lines`: parts, with a line break between each two."""

    def __init__(self, width: int) -> None:
        self.width = max(1, width)
        self.lines: list[list[Slice]] = []
        self._pieces: list[Sequence[str]] = []
        self._first: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._pieces)

    def append(self, pieces: Iterable[Sequence[str]]) -> int:
        """Put tokens after the last one; the first line that is new or changed."""
        changed = max(0, len(self.lines) - 1)
        for parts in pieces:
            self._pieces.append(parts)
            self._place(len(self._pieces) - 1, parts)
        return changed

    def clear(self) -> None:
        """Forget all tokens."""
        self.lines.clear()
        self._pieces.clear()
        self._first.clear()

    def relayout(self, width: int) -> None:
        """Wrap all tokens anew for another width."""
        pieces = self._pieces.copy()
        self.clear()
        self.width = max(1, width)
        self.append(pieces)

    def hit(self, line: int, x: int) -> int | None:
        """The token at a cell; the last one before it where there is none; None outside all lines."""
        if not 0 <= line < len(self.lines):
            return None
        slices = self.lines[line]
        if not slices:
            # Only the line that a last newline opened is empty.
            return len(self._pieces) - 1
        return slices[max(0, bisect_right(slices, x, key=_start) - 1)].token

    def position(self, token: int) -> tuple[int, int]:
        """Line and cell where a token begins. Raises IndexError for a token that is not there."""
        return self._first[token]

    def next_line(self, token: int, x: int, by: int) -> int | None:
        """The token at cell `x` so many lines below a token (above, if negative); None where the lines end.

        Lines that hold nothing but the token itself are passed.
        """
        line, found = self._first[token][0], token
        while found == token:
            line += by
            here = self.hit(line, x)
            if here is None:
                return None
            found = here
        return found

    def _place(self, token: int, parts: Sequence[str]) -> None:
        if not self.lines:
            self.lines.append([])
        first: tuple[int, int] | None = None
        for number, part in enumerate(parts):
            if number:
                self.lines.append([])
            if part:
                place = self._fill(token, part)
                first = first or place
        if first is None:
            raise ValueError(f"token {token} has no text to show: {parts!r}")
        self._first.append(first)

    def _fill(self, token: int, text: str) -> tuple[int, int]:
        """Write a text at the end; where it begins."""
        cells = cell_len(text)
        if cells > self._room and (cells <= self.width or self._room < 1):
            self._break()
        if cells <= self._room:
            return self._put(token, cells, text)
        first: tuple[int, int] | None = None
        spans, _ = split_graphemes(text)
        start = stop = taken = 0
        for begin, end, size in spans:
            if taken + size > self._room and (taken or self.lines[-1]):
                if taken:
                    place = self._put(token, taken, text[start:begin])
                    first = first or place
                self._break()
                start, taken = begin, 0
            stop, taken = end, taken + size
        place = self._put(token, taken, text[start:stop])
        return first or place

    @property
    def _room(self) -> int:
        """Cells left on the last line."""
        return self.width - (self.lines[-1][-1].end if self.lines[-1] else 0)

    def _break(self) -> None:
        if self.lines[-1]:
            self.lines.append([])

    def _put(self, token: int, cells: int, text: str) -> tuple[int, int]:
        line = self.lines[-1]
        start = line[-1].end if line else 0
        line.append(Slice(token, start, cells, text))
        return len(self.lines) - 1, start
