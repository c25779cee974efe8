"""How much is measured, and what each number is a number of."""

from dataclasses import dataclass, replace

SHORT_PROMPT = 32
GAP_TOKENS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    rounds        of everything, after one that does not count
    tokens        new ones of each decoding stream
    streams       how many at once, ascending, from 1
    prompts       lengths in tokens, ascending
    gap_tokens    new ones of the stream whose gaps are measured while a prompt arrives; 0: it is not measured
    passes        over the buffer that the bandwidth is measured with
    buffer_bytes  of it; None: as many as the last cache calls for
    """

    rounds: int = 5
    tokens: int = 64
    streams: tuple[int, ...] = (1, 2, 4, 8, 16)
    prompts: tuple[int, ...] = (SHORT_PROMPT, 128, 512)
    gap_tokens: int = GAP_TOKENS
    passes: int = 9
    buffer_bytes: int | None = None

    def fitted(self, context: int) -> "Plan":
        """The same for a model that holds `context` tokens: prompts that leave no room to decode become shorter."""
        tokens = max(2, min(self.tokens, context - SHORT_PROMPT))
        room = max(1, context - tokens)
        gap_tokens = min(self.gap_tokens, context - SHORT_PROMPT)
        return replace(
            self,
            tokens=tokens,
            prompts=tuple(sorted({min(length, room) for length in self.prompts})),
            # fewer would hold too few gaps after the prompt's arrival
            gap_tokens=gap_tokens if gap_tokens >= GAP_TOKENS // 2 else 0,
        )


QUICK = Plan(rounds=3, tokens=16, streams=(1, 4, 16), prompts=(SHORT_PROMPT, 128), gap_tokens=0, passes=5)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number is a number of.

    name     of what was done
    streams  at once
    prompt   tokens of each one's prompt
    unit     tok/s (of all streams together) or s
    """

    name: str
    streams: int
    prompt: int
    unit: str

    @property
    def key(self) -> str:
        """Tells it from all others of a run, and is what the progress says."""
        streams = "1 stream" if self.streams == 1 else f"{self.streams} streams"
        return f"{self.name}, {streams}, prompt of {self.prompt}"


def decode(streams: int, prompt: int) -> Measure:
    return Measure("decode", streams, prompt, "tok/s")


def prefill(streams: int, prompt: int) -> Measure:
    return Measure("prefill", streams, prompt, "tok/s")


def first_token(prompt: int) -> Measure:
    return Measure("first token", 1, prompt, "s")


def alone(name: str, prompt: int, unit: str) -> Measure:
    """Of one stream."""
    return Measure(name, 1, prompt, unit)
