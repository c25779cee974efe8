"""What a learner did, as far as lessons look at it: plain data of finished runs."""

from dataclasses import dataclass

from llmtui.engine.events import Timings, Token
from llmtui.engine.requests import SamplingParams


@dataclass(frozen=True, slots=True)
class Run:
    """A generation that came to its end.

    prompt         its tokens, scored; tokens: those that were generated
    seed           that was used
    weights_bytes  of the model in memory
    """

    params: SamplingParams
    model: str
    dtype: str
    weights_bytes: int
    prompt: tuple[Token, ...]
    tokens: tuple[Token, ...]
    seed: int
    timings: Timings

    @property
    def prompt_ids(self) -> tuple[int, ...]:
        return tuple(token.id for token in self.prompt)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(token.id for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Look:
    """Something was looked at: `architecture`, or `token`: the inspector on a token that the learner chose."""

    at: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """One request alone, then several at once. rows: of a typical forward. Speeds: tokens per second, of all."""

    requests: int
    rows: int
    alone: float
    together: float


Observation = Run | Look | Crowd
