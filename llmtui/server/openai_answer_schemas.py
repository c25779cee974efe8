"""What the OpenAI dialect answers, as /openapi.json describes it.

Times are seconds since the epoch, log-probabilities natural logs of the RAW distribution. `X | None` is a null that
does come.
"""

from typing import Literal

from pydantic import BaseModel, Field

from llmtui.server.native_answer_schemas import Byte


class OpenAiModel(BaseModel):
    """GET /v1/models/{id}."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAiModels(BaseModel):
    """GET /v1/models."""

    object: Literal["list"]
    data: list[OpenAiModel]


class PromptTokensDetails(BaseModel):
    """Of the tokens read, how many need not be computed because an earlier request began alike."""

    cached_tokens: int


class OpenAiUsage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


class LegacyLogprobs(BaseModel):
    """The parallel arrays of /v1/completions."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]
    token_ids: list[int]
    top_logprobs_by_id: list[dict[str, float] | None]


FinishReason = Literal["stop", "length"]


class CompletionChoice(BaseModel):
    """One answer to one prompt."""

    index: int
    text: str
    logprobs: LegacyLogprobs | None
    finish_reason: FinishReason


class OpenAiAnswer(BaseModel):
    """What both routes answer."""

    id: str
    created: int
    model: str
    system_fingerprint: str
    usage: OpenAiUsage


class Completion(OpenAiAnswer):
    """POST /v1/completions."""

    object: Literal["text_completion"]
    choices: list[CompletionChoice] = Field(min_length=1)


class Logprob(BaseModel):
    """A token with its log-probability and true bytes."""

    token: str
    bytes: list[Byte]
    logprob: float


class TokenLogprob(Logprob):
    """A token of an answer; the one that was drawn need not be among the candidates."""

    top_logprobs: list[Logprob]


class ChatLogprobs(BaseModel):
    """The tokens of an answer."""

    content: list[TokenLogprob]
    refusal: None


class ChatMessageAnswer(BaseModel):
    """What the model said."""

    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: ChatMessageAnswer
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatCompletion(OpenAiAnswer):
    """POST /v1/chat/completions."""

    object: Literal["chat.completion"]
    choices: list[ChatChoice] = Field(min_length=1)


ANSWERS: dict[str, type[BaseModel]] = {
    "/v1/models": OpenAiModels,
    "/v1/models/<path:name>": OpenAiModel,
    "/v1/completions": Completion,
    "/v1/chat/completions": ChatCompletion,
}
"""By the rule of the route."""
