"""What the Ollama dialect accepts. Unknown fields and options are ignored, null means "not given".

Sampling defaults are the settings' (DEFAULT_TEMPERATURE …), as Ollama's are the model's; /api/show tells them.
Options that Ollama applies when it loads a model (num_ctx, num_gpu …) change nothing.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from llmtui.engine.requests import LOWEST_REPETITION_PENALTY, SEED_LIMIT, SamplingParams
from llmtui.server.errors import ApiError
from llmtui.server.openai_schemas import refuse_tool_turns, refuse_unsupported
from llmtui.server.schemas import MAX_TOP_LOGPROBS, StopTexts, check, parse
from llmtui.settings import Settings

_NUMBER = re.compile(r"-?\d+")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d{1,15}(?:\.\d*)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"-?(?:{_PART.pattern})+|-?\d{{1,15}}", re.ASCII)


def _whole(value: object) -> object:
    """Go reads 40.0 as a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _keep_alive(value: object) -> object:
    is_number = type(value) is int or (isinstance(value, float) and math.isfinite(value))
    if is_number or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise ValueError('must be seconds or a duration like "5m"')


Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
KeepAlive = Annotated[int | float | str, BeforeValidator(_keep_alive)]


def duration_seconds(value: float | str) -> float:
    """Seconds of a number, or of a duration as Go writes it: "1h30m", "-1s"."""
    if not isinstance(value, str):
        return float(value)
    if _NUMBER.fullmatch(value):
        return float(value)
    parts = _PART.findall(value)
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    return -seconds if value.startswith("-") else seconds


class Options(BaseModel):
    """How to draw, by Ollama's names."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    temperature: float | None = Field(None, ge=0.0, le=2.0)
    top_k: Whole | None = Field(None, description="0 and below are off")
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    min_p: float | None = Field(None, ge=0.0, le=1.0)
    typical_p: float | None = Field(None, gt=0.0, le=1.0)
    repeat_penalty: float | None = Field(
        None, ge=LOWEST_REPETITION_PENALTY, le=10.0, description="over the prompt and all that was written"
    )
    repeat_last_n: Whole | None = Field(None, description="0 switches repeat_penalty off; else it looks at everything")
    frequency_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    presence_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    seed: Whole | None = Field(None, lt=SEED_LIMIT, description="below 0: a fresh one")
    num_predict: Whole | None = Field(None, description="new tokens at most; 0 and below: as the context has room for")
    stop: StopTexts | None = None


class RequestBody(BaseModel):
    """The fields that /api/generate and /api/chat share."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    model: str = Field(min_length=1, description="its name, with or without :latest")
    stream: bool | None = Field(None, description="true where it is not given")
    options: Options | None = None
    keep_alive: KeepAlive | None = Field(
        None,
        description="how long the model stays in memory after its last use: seconds, or a duration like 5m; 0: not at "
        "all, below 0: for ever; the model that the server was started with stays",
    )
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MAX_TOP_LOGPROBS)

    @property
    def keep_seconds(self) -> float | None:
        """keep_alive in seconds, math.inf for ever; None where it is not given."""
        if self.keep_alive is None:
            return None
        seconds = duration_seconds(self.keep_alive)
        return math.inf if seconds < 0 else seconds

    @property
    def streamed(self) -> bool:
        return self.stream is not False

    def sampling(self, settings: Settings, more_stops: tuple[str, ...] = ()) -> SamplingParams:
        """How the answer is drawn. more_stops: what the plain template adds."""
        options = self.options or Options.model_validate({})
        given: dict[str, Any] = {
            name: value
            for name in (
                "temperature", "top_p", "min_p", "typical_p", "frequency_penalty", "presence_penalty"
            )
            if (value := getattr(options, name)) is not None
        }  # fmt: skip
        if options.repeat_penalty is not None and options.repeat_last_n != 0:
            given["repetition_penalty"] = options.repeat_penalty
        if options.seed is not None and options.seed >= 0:
            given["seed"] = options.seed
        if options.num_predict is not None and options.num_predict > 0:
            given["max_tokens"] = options.num_predict
        limit = settings.max_tokens_limit
        if limit is not None:
            given["max_tokens"] = min(limit, given.get("max_tokens", limit))
        defaults = {"temperature": settings.default_temperature, "top_p": settings.default_top_p}
        top_k = settings.default_top_k if options.top_k is None else max(0, options.top_k)
        top_logprobs = (self.top_logprobs or 0) if self.logprobs else 0
        stop = (*(options.stop or ()), *more_stops)
        return SamplingParams(**(defaults | given), top_k=top_k, stop=stop, top_logprobs=top_logprobs)


class GenerateRequest(RequestBody):
    """The body of POST /api/generate."""

    prompt: str | None = Field(
        None, description="empty or not given: nothing is generated, the answer says it is loaded"
    )
    system: str | None = None
    raw: bool | None = Field(None, description="take the prompt as it is, without the model's chat template")
    context: list[int] | None = Field(None, description="the ids of an earlier answer's `context`, to go on from")

    @classmethod
    def read(cls, body: bytes) -> "GenerateRequest":
        """Raises ApiError (400) that names the field at fault."""
        fields = parse(body)
        refuse_unsupported(fields, UNSUPPORTED_GENERATE)
        return check(cls, fields)


class OllamaMessage(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = ""


class ChatRequest(RequestBody):
    """The body of POST /api/chat."""

    messages: list[OllamaMessage] | None = Field(None, description="empty or not given: the answer says it is loaded")

    @classmethod
    def read(cls, body: bytes) -> "ChatRequest":
        """Raises ApiError (400) that names the field at fault."""
        fields = parse(body)
        refuse_unsupported(fields, UNSUPPORTED_CHAT)
        refuse_tool_turns(fields.get("messages"))
        if _with_images(fields.get("messages")):
            message = "messages with images are not supported by this server"
            raise ApiError(400, "unsupported_parameter", message, "messages")
        return check(cls, fields)


class ShowRequest(BaseModel):
    """The body of the routes that only name a model: /api/show and /api/delete."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    model: str | None = None
    name: str | None = Field(None, description="the older name of `model`")

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Raises ApiError (400) that names the field at fault."""
        fields = parse(body)
        return check(cls, fields | {"model": fields.get("model") or fields.get("name")})


class PullRequest(ShowRequest):
    """The body of POST /api/pull."""

    stream: bool | None = Field(None, description="true where it is not given")


def _with_images(messages: Any) -> bool:
    return isinstance(messages, list) and any(isinstance(m, dict) and m.get("images") for m in messages)


_UNSUPPORTED: dict[str, Callable[[Any], bool]] = {"format": bool, "think": bool}
UNSUPPORTED_GENERATE = _UNSUPPORTED | {"suffix": bool, "images": bool, "template": bool}
UNSUPPORTED_CHAT = _UNSUPPORTED | {"tools": bool}
