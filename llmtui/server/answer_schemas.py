"""What the API answers, as /openapi.json describes it.

The handlers do not go through these models: tests hold every answer of every route against them.
Times are RFC 3339, log-probabilities natural logs of the RAW distribution. `X | None` is a null that does come.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

Byte = int


class Ready(BaseModel):
    """GET /ready."""

    status: Literal["ready", "loading", "draining", "degraded", "full"]
    running: int
    waiting: int


class Health(BaseModel):
    """GET /health."""

    status: Literal["healthy", "loading", "degraded"]
    model: str
    device: str
    cuda_available: bool


class Parameter(BaseModel):
    """A field of /generate."""

    type: str
    min: float | None
    max: float | None
    default: Any
    description: str


class Info(BaseModel):
    """GET /info."""

    api_version: str
    model: str
    device: str
    max_length_limit: int
    default_max_length: int
    default_temperature: float
    supported_parameters: dict[str, Parameter]


class Generation(BaseModel):
    """POST /generate."""

    success: Literal[True]
    prompt: str
    generated_text: str
    inference_time_seconds: float
    parameters: dict[str, float]
    metadata: dict[str, Any]


class Piece(BaseModel):
    """A token with its true bytes."""

    id: int
    text: str
    bytes: list[Byte]


class Pieces(BaseModel):
    """POST /tokenize and, with the text, /detokenize."""

    count: int
    ids: list[int]
    tokens: list[Piece]


class Text(Pieces):
    """POST /detokenize."""

    text: str


class ScoredCandidate(Piece):
    """What could have come."""

    logprob: float | None
    sampled_prob: float | None


class ScoredToken(Piece):
    """A token of a scored text."""

    index: int
    logprob: float | None
    surprisal_bits: float | None
    rank: int | None
    ties: int | None
    entropy_bits: float | None
    top_logprobs: list[ScoredCandidate]


class Score(BaseModel):
    """POST /score."""

    count: int
    scored: int
    logprob: float | None
    perplexity: float | None
    tokens: list[ScoredToken]


class LiveRequest(BaseModel):
    """A generation that waits or runs; durations in seconds."""

    request_id: str
    id: str
    client: str
    model: str
    state: Literal["waiting", "running"]
    prompt_tokens: int
    generated_tokens: int
    max_tokens: int
    queued: float
    running: float
    tokens_per_second: float | None


class LiveRequests(BaseModel):
    """GET /requests."""

    requests: list[LiveRequest]


class Cancelled(BaseModel):
    """DELETE /requests/{id}."""

    cancelled: list[str]


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


class Version(BaseModel):
    """GET /api/version."""

    version: str


class OllamaDetails(BaseModel):
    """A model's form."""

    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class OllamaModel(BaseModel):
    """A model of this machine; size in bytes."""

    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: OllamaDetails


class OllamaTags(BaseModel):
    """GET /api/tags."""

    models: list[OllamaModel]


class OllamaRunning(OllamaModel):
    """A model in memory; sizes in bytes."""

    expires_at: str
    size_vram: int
    context_length: int


class OllamaPs(BaseModel):
    """GET /api/ps."""

    models: list[OllamaRunning]


class OllamaShow(BaseModel):
    """POST /api/show."""

    license: str
    modelfile: str
    parameters: str
    template: str
    details: OllamaDetails
    model_info: dict[str, Any]
    capabilities: list[str]
    modified_at: str


class OllamaLine(BaseModel):
    """What every answer of /api/generate and /api/chat has."""

    model: str
    created_at: str
    done: Literal[True]


class OllamaCounts(OllamaLine):
    """The end of an answer; durations in nanoseconds."""

    done_reason: FinishReason
    total_duration: int
    load_duration: int
    prompt_eval_count: int
    prompt_eval_duration: int
    eval_count: int
    eval_duration: int
    logprobs: list[TokenLogprob] = []


class OllamaGeneration(OllamaCounts):
    """POST /api/generate."""

    response: str
    context: list[int] = []


class OllamaMessageAnswer(BaseModel):
    """What the model said."""

    role: Literal["assistant"]
    content: str


class OllamaChat(OllamaCounts):
    """POST /api/chat."""

    message: OllamaMessageAnswer


class OllamaLoaded(OllamaLine):
    """Nothing was to be generated: the model was loaded, or unloaded."""

    done_reason: Literal["load", "unload"]


class OllamaGenerateAnswer(RootModel[OllamaGeneration | OllamaLoaded]):
    """POST /api/generate."""


class OllamaChatAnswer(RootModel[OllamaChat | OllamaLoaded]):
    """POST /api/chat."""


class OllamaStatus(BaseModel):
    """POST /api/pull."""

    status: str


ANSWERS: dict[str, type[BaseModel]] = {
    "/health": Health,
    "/ready": Ready,
    "/info": Info,
    "/generate": Generation,
    "/tokenize": Pieces,
    "/detokenize": Text,
    "/score": Score,
    "/requests": LiveRequests,
    "/requests/<name>": Cancelled,
    "/v1/models": OpenAiModels,
    "/v1/models/<path:name>": OpenAiModel,
    "/v1/completions": Completion,
    "/v1/chat/completions": ChatCompletion,
    "/api/version": Version,
    "/api/tags": OllamaTags,
    "/api/ps": OllamaPs,
    "/api/show": OllamaShow,
    "/api/generate": OllamaGenerateAnswer,
    "/api/chat": OllamaChatAnswer,
    "/api/pull": OllamaStatus,
}
"""By the rule of the route."""
