"""What the Ollama dialect answers, as /openapi.json describes it.

Times are RFC 3339, durations nanoseconds, log-probabilities natural logs of the RAW distribution.
"""

from typing import Any, Literal

from pydantic import BaseModel, RootModel

from llmtui.server.openai_answer_schemas import FinishReason, TokenLogprob


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
    "/api/version": Version,
    "/api/tags": OllamaTags,
    "/api/ps": OllamaPs,
    "/api/show": OllamaShow,
    "/api/generate": OllamaGenerateAnswer,
    "/api/chat": OllamaChatAnswer,
    "/api/pull": OllamaStatus,
}
"""By the rule of the route."""
