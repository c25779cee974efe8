"""What may be asked of the engine: how to draw tokens, and what to continue."""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from llmtui.engine.errors import ParameterError

MAX_TOP_LOGPROBS = 100
MAX_STOP_STRINGS = 16
# More rows than these cost a forward more than the guesses that come true save.
MAX_SPECULATE = 16
MAX_LOOKAHEAD = 8
MAX_LOOKAHEAD_DEPTH = 16
SEED_LIMIT = 2**63
# Dividing logits by less overflows; what a temperature below it draws is the most probable token anyway.
LOWEST_TEMPERATURE = 1e-6
LOWEST_REPETITION_PENALTY = 0.01


class StageOrder(StrEnum):
    """In which order the stages of sampling act; the same numbers give other text in another order."""

    TRANSFORMERS = "transformers"
    LLAMA_CPP = "llama.cpp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How the next token is drawn, and when to stop. 0 or 1.0 means off, as in transformers and vLLM.

    temperature     divides the logits; 0 is greedy, and so is what is below LOWEST_TEMPERATURE
    top_k           keep the k most probable tokens (ties with the k-th stay); 0 is off
    top_p           keep the smallest set whose probability reaches top_p; 1 is off
    min_p           drop tokens less probable than min_p times the most probable one; 0 is off
    typical_p       keep the tokens whose surprisal is closest to the entropy (Meister et al. 2022); 1 is off
    repetition_penalty  of every token seen, divides positive logits and multiplies negative ones (Keskar et al. 2019)
    frequency_penalty   OpenAI's, over generated tokens: logit -= count * frequency + (count > 0) * presence
    presence_penalty    see frequency_penalty
    logit_bias      added to the logits of these token ids
    max_tokens      new tokens at most; None: as many as the context has room for
    max_length      prompt and new tokens together at most; None: no such limit
    stop            texts that end the generation; they are cut from the text
    stop_ids        token ids that end it, besides the model's own end-of-text ids
    seed            of this request's own generator; None: a fresh one, reported in `Started`
    top_logprobs    candidates reported for each token
    prompt_logprobs report the facts of each prompt token, too
    stage_order     in which order the stages act
    exact           compute this request alone, in blocks of one size: on the same machine it gives the same bits
                    whatever else runs, and takes longer where others run
    speculate       guesses of what follows, at most so many, are computed beside each token; those that equal the
                    draw save a forward. Each token is drawn as without, from a row that may differ in its last bits;
                    0 is off
    lookahead       so many alternatives of each token, the most probable (RAW), are continued greedily in rows beside
                    the real ones while there is room for them, and reported as `Lookahead`; 0 is off
    lookahead_depth tokens that each of them is continued by
    """

    temperature: float = 0.7
    top_k: int = 50
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    max_tokens: int | None = None
    max_length: int | None = None
    stop: Sequence[str] = ()
    stop_ids: Sequence[int] = ()
    ignore_eos: bool = False
    seed: int | None = None
    top_logprobs: int = 10
    prompt_logprobs: bool = False
    stage_order: StageOrder = StageOrder.TRANSFORMERS
    exact: bool = False
    speculate: int = 0
    lookahead: int = 0
    lookahead_depth: int = 5

    def __post_init__(self) -> None:
        _number("temperature", self.temperature, 0.0, 2.0)
        if self.temperature < LOWEST_TEMPERATURE:
            object.__setattr__(self, "temperature", 0.0)
        _integer("top_k", self.top_k, 0)
        _number("top_p", self.top_p, 0.0, 1.0, above=True)
        _number("min_p", self.min_p, 0.0, 1.0)
        _number("typical_p", self.typical_p, 0.0, 1.0, above=True)
        _number("repetition_penalty", self.repetition_penalty, LOWEST_REPETITION_PENALTY, 10.0)
        _number("frequency_penalty", self.frequency_penalty, -2.0, 2.0)
        _number("presence_penalty", self.presence_penalty, -2.0, 2.0)
        _optional_integer("max_tokens", self.max_tokens, 1)
        _optional_integer("max_length", self.max_length, 1)
        _optional_integer("seed", self.seed, 0, SEED_LIMIT - 1)
        _integer("top_logprobs", self.top_logprobs, 0, MAX_TOP_LOGPROBS)
        _integer("speculate", self.speculate, 0, MAX_SPECULATE)
        _integer("lookahead", self.lookahead, 0, MAX_LOOKAHEAD)
        _integer("lookahead_depth", self.lookahead_depth, 1, MAX_LOOKAHEAD_DEPTH)
        if not isinstance(self.exact, bool):
            raise ParameterError("exact", f"must be true or false, got {self.exact!r}")
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", (self.stop,))
        object.__setattr__(self, "stop", _items("stop", self.stop))
        object.__setattr__(self, "stop_ids", _items("stop_ids", self.stop_ids))
        object.__setattr__(self, "stage_order", _stage_order(self.stage_order))
        if len(self.stop) > MAX_STOP_STRINGS:
            raise ParameterError("stop", f"must hold at most {MAX_STOP_STRINGS} texts, got {len(self.stop)}")
        if any(not isinstance(text, str) or not text for text in self.stop):
            raise ParameterError("stop", "must be texts of at least one character")
        for token_id in self.stop_ids:
            _integer("stop_ids", token_id, 0)
        if not isinstance(self.logit_bias, Mapping):
            raise ParameterError("logit_bias", f"must give a number for each token id, got {self.logit_bias!r}")
        for token_id, bias in self.logit_bias.items():
            _integer("logit_bias", token_id, 0)
            _number("logit_bias", bias, -100.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One turn of a conversation, as chat templates know it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One text to continue. Exactly one of `prompt`, `prompt_ids` and `messages` is given.

    messages are rendered with the model's chat template.
    model    the name of a resident model; None: the engine's chosen one
    deadline seconds from submit after which it ends as it is, running or still waiting; None: no limit
    parent   id of a request of the same client that runs: what it has computed of this one's tokens, up to the first
             that differs, is not computed again, unless one of them is `exact`. What requests that ended had computed
             is found without their id, as long as it is kept
    client   whose turn it is when several wait: the screen, or an API key or address
    clip     ask for fewer tokens, rather than be refused, where max_tokens would overflow the context
    """

    prompt: str | None = None
    prompt_ids: Sequence[int] | None = None
    messages: Sequence[ChatMessage] | None = None
    params: SamplingParams = field(default_factory=SamplingParams)
    model: str | None = None
    deadline: float | None = None
    parent: str | None = None
    client: str = "local"
    clip: bool = False
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        given = [name for name in ("prompt", "prompt_ids", "messages") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ParameterError("prompt", f"must be given once, as text, token ids or messages; got {given or 'none'}")
        _instance("params", self.params, SamplingParams)
        if self.prompt is not None:
            _instance("prompt", self.prompt, str)
        for message in self.messages or ():
            _instance("messages", message, ChatMessage)
        if not len(getattr(self, given[0])):
            raise ParameterError("prompt", "must not be empty")
        if self.deadline is not None:
            _number("deadline", self.deadline, 0.0, math.inf, above=True)


def _instance(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise ParameterError(name, f"must be of type {kind.__name__}, got {type(value).__name__}")


def _number(name: str, value: object, low: float, high: float, *, above: bool = False) -> None:
    try:
        is_number = not isinstance(value, bool) and isinstance(value, (int, float)) and not math.isnan(value)
    except OverflowError:
        raise ParameterError(name, "must be a number of fewer digits") from None
    if not is_number:
        raise ParameterError(name, f"must be a number, got {value!r}")
    assert isinstance(value, (int, float))
    if not (low < value if above else low <= value) or value > high:
        least = f"above {low:g}" if above else f"between {low:g}"
        most = "" if high == math.inf else f" and at most {high:g}" if above else f" and {high:g}"
        raise ParameterError(name, f"must be {least}{most}, got {value:g}")


def _integer(name: str, value: object, low: int, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(name, f"must be a whole number, got {value!r}")
    if value < low or (high is not None and value > high):
        range_text = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ParameterError(name, f"must be {range_text}, got {value}")


def _optional_integer(name: str, value: object, low: int, high: int | None = None) -> None:
    if value is not None:
        _integer(name, value, low, high)


def _items(name: str, value: object) -> tuple[Any, ...]:
    """What a list holds, for good."""
    if not isinstance(value, Iterable):
        raise ParameterError(name, f"must be a list, got {value!r}")
    return tuple(value)


def _stage_order(value: str) -> StageOrder:
    try:
        return StageOrder(value)
    except ValueError:
        raise ParameterError("stage_order", f"must be one of {', '.join(StageOrder)}, got {value!r}") from None
