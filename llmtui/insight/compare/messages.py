"""What a comparison and the processes of its models tell each other: plain data, picklable."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from llmtui.engine import SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.loads import LoadProgress, ModelInfo
from llmtui.insight.divergence import LogProbs, ScoredToken
from llmtui.models.dtypes import split_dtype


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to compare, in a dtype."""

    name: str
    dtype: str = "auto"


def parse_choice(text: str, dtype: str) -> ModelChoice:
    """`NAME` or `NAME@DTYPE`; an @ that no dtype follows belongs to the name. dtype: where none is given."""
    name, typed = split_dtype(text)
    return ModelChoice(name, typed or dtype)


@dataclass(frozen=True, slots=True)
class Measured:
    """A model that ran. Times are of its own turns: what it waited while others had theirs is no part of them.

    disk_bytes    of its weights
    memory_bytes  resident memory of a fresh process at the first token less that before the load, code not counted:
                  weights that are mapped from their file count only once they have been used
    peak_bytes    the most while it read the prompt and generated, less that before the load
    first_token   seconds from the request to its first token
    """

    info: ModelInfo
    disk_bytes: int
    memory_bytes: int
    peak_bytes: int
    first_token: float | None
    tokens_per_second: float | None
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What the first model that ran wrote, and how it saw it. ids: prompt and text; logprobs: [len(ids) - 1, vocab]."""

    text: str
    ids: list[int]
    vocabulary: dict[str, int]
    logprobs: LogProbs


class Standing(StrEnum):
    """What a model does while it neither loads nor writes."""

    STARTS = "starts"
    NO_ROOM = "waits for memory"
    LOADED = "loaded"
    COMPARES = "is compared"


Progress = LoadProgress | Token | Standing

# to a model's process


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is to do, in its turns.

    prepare      called first, for what a process needs besides (its log)
    free_memory  the bytes that are free where a device computes
    """

    choice: ModelChoice
    prompt: str
    params: SamplingParams
    device: str
    prepare: Callable[[], object]
    free_memory: Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Turn:
    """It may compute. reference: what to look at once its own text is written; None: its own text."""

    reference: Reference | None = None


# from a model's process: each of these gives the turn back


@dataclass(frozen=True, slots=True)
class Here:
    """The model's files are on this machine."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is in memory.

    free_bytes    where it computes, now that it is there
    mapped_bytes  of its weights that are read from their file as they are used: the system counts them as free
    """

    device: str
    free_bytes: int
    mapped_bytes: int


@dataclass(frozen=True, slots=True)
class Paused:
    """There is more to write."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the model thinks of the reference text. scores: its own tokens of it.

    reference: the first model's own. logprobs: the model's of the reference's ids, where the vocabularies are the same.
    trace: what the model thinks at each of the reference's ids, where logprobs are, and for the first model.
    """

    scores: tuple[ScoredToken, ...]
    reference: Reference | None
    logprobs: LogProbs | None
    trace: tuple[Token, ...]


Answer = Here | Loaded | Paused | Measured | Looked
