"""The text of a running generation: what its tokens spell, and where a stop string cuts it."""

from collections.abc import Sequence

from llmtui.engine.detokenize import Pieces, StopFinder, TextDecoder


class WrittenText:
    """What was written so far; what may be the beginning of a stop string is held back."""

    def __init__(self, pieces: Pieces, stops: Sequence[str]) -> None:
        self._decoder = TextDecoder(pieces)
        self._stops = StopFinder(stops)
        self._shown: list[str] = []
        self._length = 0
        self._ends: list[int] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop string was completed."""
        return self._stops.match is not None

    @property
    def stop(self) -> str | None:
        """The one that was."""
        return self._stops.match.stop if self._stops.match else None

    @property
    def text(self) -> str:
        """All that was shown."""
        return "".join(self._shown)

    @property
    def tokens(self) -> int:
        """How many tokens the text holds: those from a stop string on are cut."""
        match = self._stops.match
        return sum(end <= match.start for end in self._ends) if match else len(self._ends)

    def push(self, token_id: int | None) -> tuple[str, str]:
        """The text that a token completes, none for None, and the text that may be shown now."""
        text = "" if token_id is None else self._decoder.push(token_id)
        self._length += len(text)
        # a token that begins a character reaches into the text to come
        self._ends.append(self._length + (1 if self._decoder.pending else 0))
        return text, self._show(self._stops.push(text))

    def end(self) -> str:
        """The text that was still held back."""
        return self._show("" if self.stopped else self._stops.push(self._decoder.flush()) + self._stops.flush())

    def _show(self, text: str) -> str:
        self._shown.append(text)
        return text
