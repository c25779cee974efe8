"""What the native API answers, as /openapi.json describes it.

Log-probabilities are natural logs of the RAW distribution. `X | None` is a null that does come.
"""

from typing import Any, Literal

from pydantic import BaseModel

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
}
"""By the rule of the route."""
