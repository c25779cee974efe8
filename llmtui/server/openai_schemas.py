"""What the OpenAI dialect accepts. Unknown fields are ignored, null means "not given"; what cannot be done is refused.

Defaults are OpenAI's own (temperature 1, nothing filtered), not the settings': a published number must come out alike.
`top_k`, `min_p` and `repetition_penalty` are the extensions that vLLM's clients know.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from llmtui.engine.requests import LOWEST_REPETITION_PENALTY, SEED_LIMIT, SamplingParams
from llmtui.server.errors import ApiError
from llmtui.server.schemas import MAX_TOP_LOGPROBS, StopTexts, check, parse

MAX_CHOICES = 128
DEFAULT_COMPLETION_TOKENS = 16
PROMPT_SHAPES = "must be a text, a list of texts, token ids, or a list of lists of token ids, and not empty"


def _prompts(value: object) -> list[str | list[int]]:
    """Every shape of a prompt as a list of texts and lists of token ids."""
    if isinstance(value, str) or _are_ids(value):
        value = [value]
    if isinstance(value, list) and value and all((isinstance(p, str) and p) or _are_ids(p) for p in value):
        return value
    raise ValueError(PROMPT_SHAPES)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(i) is int for i in value)


def _biases(value: object) -> object:
    """Token ids are JSON keys, so they come as texts."""
    if not isinstance(value, dict):
        return value
    if not all(isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10 for key in value):
        raise ValueError("must map token ids to numbers")
    return {int(key): bias for key, bias in value.items()}


def _content(value: object) -> object:
    """A text, or the texts of a list of parts; null stands for nothing said."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return value
    texts = []
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "input_text") or not isinstance(part.get("text"), str):
            raise ValueError(
                f"may hold parts of type text only, got {json.dumps(kind)}: this server reads no images, audio or files"
            )
        texts.append(part["text"])
    return "".join(texts)


_IDS = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
_TEXT = {"type": "string", "minLength": 1}
Prompts = Annotated[
    list[Any],
    BeforeValidator(_prompts),
    WithJsonSchema(
        {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}, _IDS, {"type": "array", "items": _IDS}]}
    ),
]
Biases = Annotated[
    dict[int, Annotated[float, Field(ge=-100.0, le=100.0)]],
    BeforeValidator(_biases),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100}}),
]
Content = Annotated[
    str,
    BeforeValidator(_content),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}, {"type": "null"}]}),
]


class StreamOptions(BaseModel):
    """usage in a last chunk of its own."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    include_usage: bool | None = None


class SamplingBody(BaseModel):
    """The fields that both routes know."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    model: str | None = Field(None, description="the loaded model's name; not given: that one")
    max_tokens: int | None = Field(None, ge=0, description="new tokens at most")
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    n: int | None = Field(None, ge=1, le=MAX_CHOICES, description="answers to each prompt")
    stop: StopTexts | None = None
    seed: int | None = Field(None, ge=-SEED_LIMIT, lt=SEED_LIMIT)
    logit_bias: Biases | None = None
    frequency_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    presence_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    top_k: int | None = Field(None, ge=-1, description="extension: keeps the k most probable; 0 and -1 are off")
    min_p: float | None = Field(None, ge=0.0, le=1.0, description="extension; 0 is off")
    repetition_penalty: float | None = Field(
        None, ge=LOWEST_REPETITION_PENALTY, le=10.0, description="extension; 1 is off"
    )
    ignore_eos: bool | None = Field(None, description="extension: goes on after the end of the text")

    @property
    def answers(self) -> int:
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def sampling(
        self, answer: int, *, max_tokens: int | None, top_logprobs: int, prompt_logprobs: bool = False
    ) -> SamplingParams:
        """How the answer number `answer` to one prompt is drawn: with the seed after that of the one before."""
        return SamplingParams(
            temperature=_given(self.temperature, 1.0),
            top_p=_given(self.top_p, 1.0),
            top_k=max(0, _given(self.top_k, 0)),
            min_p=_given(self.min_p, 0.0),
            repetition_penalty=_given(self.repetition_penalty, 1.0),
            frequency_penalty=_given(self.frequency_penalty, 0.0),
            presence_penalty=_given(self.presence_penalty, 0.0),
            logit_bias=self.logit_bias or {},
            stop=self.stop or (),
            seed=None if self.seed is None else (self.seed + answer) % SEED_LIMIT,
            ignore_eos=bool(self.ignore_eos),
            max_tokens=max_tokens,
            top_logprobs=top_logprobs,
            prompt_logprobs=prompt_logprobs,
        )


class CompletionBody(SamplingBody):
    """The body of POST /v1/completions."""

    prompt: Prompts = Field(description=PROMPT_SHAPES)
    logprobs: int | None = Field(None, ge=0, le=MAX_TOP_LOGPROBS, description="candidates reported for each token")
    echo: bool | None = Field(None, description="give the prompt back before the answer, and score it with logprobs")

    @property
    def length_field(self) -> str:
        """Which field says how many new tokens are wanted."""
        return "max_tokens"

    @classmethod
    def read(cls, body: bytes) -> "CompletionBody":
        """Raises ApiError (400) that names the field at fault."""
        fields = parse(body)
        refuse_unsupported(fields, UNSUPPORTED_COMPLETION)
        read = check(cls, fields)
        if len(read.prompt) * read.answers > MAX_CHOICES:
            raise ApiError(400, "invalid_parameter", f"prompts times n must be at most {MAX_CHOICES}", "n")
        return read

    def limited(self, limit: int | None) -> "CompletionBody":
        """With at most `limit` new tokens. Raises ApiError (400) where more were asked for."""
        refuse_above(limit, "max_tokens", self.max_tokens)
        if limit is None or self.max_tokens is not None:
            return self
        return self.model_copy(update={"max_tokens": min(limit, DEFAULT_COMPLETION_TOKENS)})


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    role: Literal["system", "developer", "user", "assistant"] = Field(
        description="system, developer (means system), user or assistant"
    )
    content: Content = Field("", description="a text, or parts of type text")


class ChatBody(SamplingBody):
    """The body of POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1, description="new tokens at most; wins over max_tokens")
    max_tokens: int | None = Field(None, ge=1, description="the older name of max_completion_tokens")
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MAX_TOP_LOGPROBS)

    @property
    def length_field(self) -> str:
        """Which field says how many new tokens are wanted."""
        return "max_tokens" if self.max_completion_tokens is None else "max_completion_tokens"

    @classmethod
    def read(cls, body: bytes) -> "ChatBody":
        """Raises ApiError (400) that names the field at fault."""
        fields = parse(body)
        refuse_unsupported(fields, UNSUPPORTED_CHAT)
        refuse_tool_turns(fields.get("messages"))
        read = check(cls, fields)
        if read.top_logprobs and not read.logprobs:
            raise ApiError(400, "invalid_parameter", "top_logprobs needs logprobs to be true", "top_logprobs")
        return read

    def limited(self, limit: int | None) -> "ChatBody":
        """With at most `limit` new tokens, also where no number was given. Raises ApiError (400) where more were."""
        wanted = getattr(self, self.length_field)
        refuse_above(limit, self.length_field, wanted)
        return self if wanted is not None else self.model_copy(update={"max_completion_tokens": limit})


def refuse_above(limit: int | None, name: str, wanted: int | None) -> None:
    """Raises ApiError (400) where a request asks for more new tokens than the server allows."""
    if limit is not None and wanted is not None and wanted > limit:
        raise ApiError(400, "invalid_parameter", f"{name} must be at most {limit} on this server, got {wanted}", name)


def refuse_tool_turns(messages: Any) -> None:
    """Raises ApiError (400) for a conversation in which tools were called: no template here could tell the model so."""
    if _calls_or_results(messages):
        message = "messages with calls or results of tools are not supported by this server"
        raise ApiError(400, "unsupported_parameter", message, "messages")


def refuse_unsupported(fields: Mapping[str, Any], unsupported: Mapping[str, Callable[[Any], bool]]) -> None:
    """Raises ApiError (400) for a field whose value asks for what this server cannot do."""
    for name, asks in unsupported.items():
        if fields.get(name) is not None and asks(fields[name]):
            raise ApiError(400, "unsupported_parameter", f"{name} is not supported by this server", name)


def _is_not_text(response_format: Any) -> bool:
    return not isinstance(response_format, dict) or response_format.get("type") != "text"


def _calls_or_results(messages: Any) -> bool:
    return isinstance(messages, list) and any(
        isinstance(m, dict) and (m.get("role") in ("tool", "function") or m.get("tool_calls") or m.get("function_call"))
        for m in messages
    )


UNSUPPORTED_COMPLETION: dict[str, Callable[[Any], bool]] = {
    "suffix": bool,
    "best_of": lambda value: value != 1,
    "response_format": _is_not_text,
}
UNSUPPORTED_CHAT: dict[str, Callable[[Any], bool]] = {
    "tools": bool,
    "tool_choice": lambda value: value not in ("none", "auto"),
    "functions": bool,
    "function_call": lambda value: value not in ("none", "auto"),
    "response_format": _is_not_text,
    "modalities": lambda value: value != ["text"],
    "audio": bool,
    "prediction": bool,
    "web_search_options": lambda _: True,
}


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value
