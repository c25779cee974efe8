"""What the engine tells about a running generation: frozen facts of plain Python.

Probabilities come from two distributions that never share a name. RAW is the model's own softmax: temperature 1,
no filter, float32. SAMPLED is the one the token was drawn from, after every stage of sampling.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

# deadline: its time was up; the text is what was written until then
FinishReason = Literal["stop", "length", "cancelled", "deadline"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token that could have come next.

    logprob       natural log of the RAW probability
    sampled_prob  SAMPLED probability; 0.0 where a stage of sampling dropped it; None for prompt tokens
    """

    id: int
    bytes: bytes
    logprob: float
    sampled_prob: float | None

    @property
    def prob(self) -> float:
        """RAW probability."""
        return math.exp(self.logprob)


class Stage(NamedTuple):
    """What one stage of sampling left: how many candidates, and how much RAW probability they hold together."""

    name: str
    value: float
    kept: int
    raw_mass: float


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a sequence and every fact about how it came about.

    index         position in the sequence, the prompt's first token is 0
    bytes         the token's true bytes; they may be a part of a character
    text          the characters that this token completed
    delta         the text released to the reader: held back while it may be the beginning of a stop string
    logprob       natural log of the RAW probability; None for the first token, which nothing predicts
    rank, ties    1 + the number of tokens more probable; the number of others exactly as probable (RAW)
    entropy_bits  of the RAW distribution
    candidates    the most probable tokens of the RAW and of the SAMPLED distribution and the chosen one, by RAW
                  probability, then id: the first n are the RAW top n; made when they are first looked at
    stages        the stages of sampling, in the order they acted; empty for prompt tokens
    u             the random number in [0, 1) that chose the token; None for prompt tokens and greedy choices
    sampled_prob  the token's SAMPLED probability; None for prompt tokens
    rows          how many tokens, of all sequences together, the forward computed that gave its distribution
    step_ns       the time from the step's beginning to this event
    """

    index: int
    id: int
    bytes: bytes
    text: str
    delta: str
    is_prompt: bool
    is_special: bool
    logprob: float | None
    rank: int | None
    ties: int | None
    entropy_bits: float | None
    candidates: Sequence[Candidate]
    stages: tuple[Stage, ...]
    u: float | None
    sampled_prob: float | None
    rows: int
    step_ns: int

    @property
    def prob(self) -> float | None:
        """RAW probability."""
        return None if self.logprob is None else math.exp(self.logprob)

    @property
    def surprisal_bits(self) -> float | None:
        """-log2 of the RAW probability (Shannon 1948)."""
        return None if self.logprob is None else max(0.0, -self.logprob / math.log(2))


@dataclass(frozen=True, slots=True)
class BranchToken:
    """One token of a branch; logprob: natural log of its RAW probability where the branch stands."""

    id: int
    bytes: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Branch:
    """A token that was not chosen, and what would have followed it: always the most probable token.

    id, bytes, logprob  of the alternative itself
    tokens              its continuation, as many as were asked for, or fewer: the text ended, or the rows were needed
    """

    id: int
    bytes: bytes
    logprob: float
    tokens: tuple[BranchToken, ...]

    @property
    def continuation(self) -> str:
        """The text of `tokens`, a replacement mark for what is no whole character."""
        return b"".join(token.bytes for token in self.tokens).decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Lookahead:
    """What would have come instead of the token at `index`: its most probable alternatives (RAW), each continued."""

    index: int
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits; `position` others are before it."""

    request_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Started:
    """The request runs now: with these many tokens to read, at most these many to write, and this seed.

    cached_tokens: how many of the prompt's tokens were computed for a request before, and need not be again.
    """

    request_id: str
    model: str
    prompt_tokens: int
    max_tokens: int
    seed: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Prefilled:
    """A block of the prompt was read; `tokens` holds the facts of its tokens where `prompt_logprobs` asked for them."""

    done: int
    total: int
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request took, in tokens; the cached ones are among the prompt's, the accepted among the completion's.

    drafted_tokens   guesses that were computed because `speculate` asked for them
    accepted_tokens  those of them that were drawn, too
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def acceptance_rate(self) -> float | None:
        """The share of guesses that came true; None where nothing was guessed."""
        return self.accepted_tokens / self.drafted_tokens if self.drafted_tokens else None


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went, in seconds. `first_token` counts from submit to the first token."""

    queued: float
    prefill: float
    first_token: float | None
    decode: float
    total: float

    def tokens_per_second(self, completion_tokens: int) -> float | None:
        """Decode speed: tokens after the first one over the time they took."""
        return (completion_tokens - 1) / self.decode if completion_tokens > 1 and self.decode > 0 else None


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a request that was not in error.

    delta        the text that was still held back
    text         the whole continuation, without the stop string
    text_tokens  how many of the generated tokens the text holds: those from the stop string on are cut
    """

    reason: FinishReason
    delta: str
    text: str
    text_tokens: int
    stop: str | None
    usage: Usage
    timings: Timings


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a request that could not be finished; `error` is a sentence for people."""

    error: str
    usage: Usage
    timings: Timings


Event = Queued | Started | Prefilled | Token | Lookahead | Finished | Failed
