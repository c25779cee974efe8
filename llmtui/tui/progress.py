"""How far a generation or a load is, in one line of words and numbers. Pure: takes events, says a line."""

from dataclasses import dataclass
from typing import Final

from llmtui.engine.events import Event, Failed, Finished, Prefilled, Queued, Started, Token
from llmtui.engine.loads import LoadProgress, LoadStage, ModelInfo
from llmtui.tui.text import GlyphSet
from llmtui.units import duration, short_count, short_size

SEPARATOR: Final = " · "
BAR_CELLS: Final = 16
# A speed over less than this would be noise.
LEAST_SECONDS: Final = 0.2
REASONS: Final = {"stop": "done", "length": "done", "cancelled": "stopped", "deadline": "out of time after"}
STAGES: Final = {
    LoadStage.RESOLVE: "looking for it",
    LoadStage.DOWNLOAD: "downloading",
    LoadStage.WEIGHTS: "reading weights",
    LoadStage.READY: "ready",
}


@dataclass(slots=True)
class Progress:
    """The running generation as the status line tells it.

    Times are the engine's own, in seconds from the submission.

    seen_from: of somebody else's request, the place of the first token that this screen saw being drawn
    """

    context: int
    position: int = 0
    read: int = 0
    started: Started | None = None
    produced: int = 0
    first_at: float | None = None
    last_at: float | None = None
    end: Finished | Failed | None = None
    seen_from: int | None = None
    timed: int = 0

    def take(self, event: Event, seconds: float) -> None:
        """Count one event, told so many seconds after the submission."""
        match event:
            case Queued():
                self.position = event.position
            case Started():
                self.started = event
            case Prefilled():
                self.read = event.done
            case Token():
                self.produced += 1
                if self.seen_from is None or event.index >= self.seen_from:
                    self.timed += 1
                    self.last_at = seconds
                    self.first_at = seconds if self.first_at is None else self.first_at
            case Finished() | Failed():
                self.end = event

    def line(self) -> str:
        """`generating 57/200 · 31.4 tok/s · first 210 ms · ctx 310/1024 · seed 42`, and its like before and after."""
        if self.started is None and self.end is None:
            return f"waiting, {self.position} before this one" if self.position else "waiting"
        started = self.started
        parts = [self._doing()]
        speed, first = self._speed(), self._first()
        if speed is not None:
            parts.append(f"{speed:.1f} tok/s")
        if first is not None:
            parts.append(f"first {duration(first)}")
        accepted = self._accepted()
        if accepted is not None:
            parts.append(accepted)
        if started is not None:
            parts.append(f"ctx {started.prompt_tokens + self.produced}/{self.context}")
            parts.append(f"seed {started.seed}")
        return SEPARATOR.join(parts)

    def _doing(self) -> str:
        limit = "" if self.started is None else f"/{self.started.max_tokens}"
        match self.end:
            case Finished():
                return f"{REASONS[self.end.reason]} {self.produced}{limit}"
            case Failed():
                return f"failed after {self.produced}{limit}"
        if self.produced == 0 and self.started is not None:
            return f"reading the prompt {self.read}/{self.started.prompt_tokens}"
        return f"generating {self.produced}{limit}"

    def _speed(self) -> float | None:
        if self.end is not None:
            return self.end.timings.tokens_per_second(self.produced)
        if self.first_at is None or self.last_at is None or self.last_at - self.first_at < LEAST_SECONDS:
            return None
        return (self.timed - 1) / (self.last_at - self.first_at)

    def _accepted(self) -> str | None:
        """How many guesses came true; nothing where nothing was guessed."""
        usage = None if self.end is None else self.end.usage
        if usage is None or usage.acceptance_rate is None:
            return None
        return f"guesses {usage.accepted_tokens}/{usage.drafted_tokens}"

    def _first(self) -> float | None:
        if self.end is not None:
            return self.end.timings.first_token
        return self.first_at if self.seen_from is None else None


def load_line(name: str, progress: LoadProgress, glyphs: GlyphSet = "unicode") -> str:
    """`loading gpt2 · downloading ━━━━╌╌╌╌ 120M of 523M · esc stops`."""
    parts = [f"loading {name}", load_stage(progress, glyphs), "esc stops"]
    return SEPARATOR.join(parts)


def model_line(info: ModelInfo) -> str:
    """`tiny-tales · 6.2M · fp32 · cpu`."""
    return SEPARATOR.join([info.name, short_count(info.parameters), short_dtype(info.dtype), info.device])


def ready_line(info: ModelInfo) -> str:
    """`ready · context 1024 tokens · loaded in 1.2 s`."""
    return SEPARATOR.join(["ready", f"context {info.context} tokens", f"loaded in {duration(info.load_seconds)}"])


def short_dtype(dtype: str) -> str:
    """float32 as fp32, bfloat16 as bf16, float16 as fp16; others as they are."""
    return {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}.get(dtype.removeprefix("torch."), dtype)


def load_stage(progress: LoadProgress, glyphs: GlyphSet) -> str:
    """`downloading ━━━━╌╌╌╌ 120M of 523M`, or in words how far a load is."""
    words = STAGES[progress.stage]
    if not progress.total:
        return words
    share = min(1.0, progress.done / progress.total)
    full, empty = ("━", "╌") if glyphs == "unicode" else ("#", ".")
    filled = int(share * BAR_CELLS)
    bar = full * filled + empty * (BAR_CELLS - filled)
    if progress.stage is LoadStage.DOWNLOAD:
        return f"{words} {bar} {short_size(progress.done)} of {short_size(progress.total)}"
    return f"{words} {bar} {progress.done} of {progress.total}"
