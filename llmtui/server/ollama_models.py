"""What Ollama's clients ask about models: which there are, which are in memory; pulling and deleting them."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from llmtui.engine import Engine, Resident
from llmtui.server.errors import invalid
from llmtui.server.jsonio import json_response
from llmtui.server.lifecycle import Lifecycle
from llmtui.server.model_access import LATEST, ModelAccess
from llmtui.server.model_card import ModelCard, model_card, rfc3339
from llmtui.server.model_store import ModelStore
from llmtui.server.ollama import error_body
from llmtui.server.ollama_schemas import PullRequest, ShowRequest
from llmtui.server.pulls import Progress
from llmtui.server.streaming import client_gone, guarded, ndjson_line, ndjson_response
from llmtui.settings import Settings

FOREVER = timedelta(days=292 * 365)  # what Ollama answers for a model that is never unloaded
QUANTIZATION = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}

Json = dict[str, Any]


def ollama_models_api(engine: Engine, settings: Settings, access: ModelAccess, lifecycle: Lifecycle) -> Blueprint:
    """GET /api/tags, GET /api/ps, POST /api/show, POST /api/pull, DELETE /api/delete."""
    models = Blueprint("ollama models", __name__)
    store = ModelStore(settings, access)

    @models.get("/api/tags")
    def tags() -> Response:
        """The models that requests may name."""
        return json_response({"models": [listing(card) for card in access.cards()]})

    @models.get("/api/ps")
    def ps() -> Response:
        """The models in memory, and when they go."""
        return json_response({"models": [running(resident) for resident in engine.models()]})

    @models.post("/api/show")
    def show() -> Response:
        """Facts of a model."""
        return json_response(facts(access.card(named(ShowRequest.read(request.get_data(cache=False)))), settings))

    @models.post("/api/pull")
    def pull() -> Response:
        """Download a model into the Hugging Face cache, where ALLOW_PULL is on; what is here already is a success."""
        body = PullRequest.read(request.get_data(cache=False))
        gone = client_gone(request.environ)
        steps = pull_lines(store.pull(named(body), lambda: gone() or lifecycle.draining))
        if body.stream is False:
            *_, last = steps
            return json_response(last)
        lines = guarded(map(ndjson_line, steps), lambda error: ndjson_line(error_body(error)))
        return ndjson_response(lines, steps.close)

    @models.delete("/api/delete")
    def delete() -> Response:
        """Delete a model from the Hugging Face cache, where ALLOW_DELETE is on and nobody uses it."""
        store.delete(named(ShowRequest.read(request.get_data(cache=False))))
        return Response(status=200)

    return models


def named(body: ShowRequest) -> str:
    """Raises ApiError (400) where no model is named."""
    if body.model is None:
        raise invalid("model", "model is required")
    return body.model


def pull_lines(download: Iterator[Progress]) -> Generator[Json, None, None]:
    """A download as Ollama tells it. Raises what reading the download raises, after the first line."""
    yield {"status": "pulling manifest"}
    for progress in download:
        digest = {"status": f"pulling {progress.commit[:12]}", "digest": progress.commit}
        yield digest | {"total": progress.total, "completed": progress.done}
    yield {"status": "success"}


def listing(card: ModelCard) -> Json:
    name = card.name + LATEST
    return {
        "name": name,
        "model": name,
        "modified_at": card.modified_at,
        "size": card.size,
        "digest": card.digest,
        "details": details(card),
        "capabilities": ["completion"],
    }


def running(resident: Resident) -> Json:
    """A model in memory: all its bytes, and when it goes if nobody uses it until then."""
    info = resident.info
    size = resident.weights_bytes + resident.kv_bytes + resident.prefix_cache_bytes + resident.spare_bytes
    # one in use goes so long after that: from now on, at the earliest
    left = resident.keep_alive if resident.expires_in is None else resident.expires_in
    goes = datetime.now(UTC) + (FOREVER if left is None else timedelta(seconds=left))
    return listing(model_card(info)) | {
        "size": size,
        "size_vram": 0 if info.device == "cpu" else size,
        "expires_at": rfc3339(goes.timestamp()),
        "context_length": info.context,
    }


def facts(card: ModelCard, settings: Settings) -> Json:
    """What /api/show tells; `model_info` is always a map, some clients fail without one."""
    family = details(card)["family"]
    defaults = {
        "temperature": settings.default_temperature,
        "top_k": settings.default_top_k,
        "top_p": settings.default_top_p,
    }
    return {
        "license": card.licence,
        "modelfile": f"# {card.name}, {card.architecture}, run by llmtui",
        "parameters": "\n".join(f"{name} {value:g}" for name, value in defaults.items()),
        "template": card.template,
        "details": details(card),
        "model_info": {
            "general.architecture": family,
            "general.basename": card.name,
            "general.parameter_count": card.parameters,
            f"{family}.context_length": card.context,
            f"{family}.vocab_size": card.vocab_size,
        },
        "capabilities": ["completion"],
        "modified_at": card.modified_at,
    }


def details(card: ModelCard) -> Json:
    family = str(card.config.get("model_type") or card.architecture)
    return {
        "parent_model": "",
        "format": "safetensors",
        "family": family,
        "families": [family],
        "parameter_size": "" if card.parameters is None else short_count(card.parameters),
        "quantization_level": QUANTIZATION.get(card.dtype or "", card.dtype or ""),
        "context_length": card.context or 0,
    }


def short_count(count: int) -> str:
    """A number of parameters as Ollama writes it: 124M, 1.5B."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= size:
            value = count / size
            return f"{value:.0f}{letter}" if value >= 100 else f"{value:.1f}{letter}"
    return str(count)
