"""The Ollama dialect: /api/generate, /api/chat and what its clients ask about models."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from llmtui import __version__
from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import ChatMessage
from llmtui.server.callers import caller
from llmtui.server.chat_prompt import chat_ids
from llmtui.server.desk import Desk
from llmtui.server.errors import ApiError, invalid
from llmtui.server.jsonio import json_response
from llmtui.server.model_card import model_card, rfc3339
from llmtui.server.model_names import LATEST, loaded_model, requested_model
from llmtui.server.ollama_answers import OllamaAnswer
from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest, ShowRequest
from llmtui.server.streaming import client_gone, guarded, ndjson_line, ndjson_response
from llmtui.settings import Settings

PREFIX = "/api/"
FOREVER = timedelta(days=292 * 365)  # what Ollama answers for a model that is never unloaded
NOT_HERE = ("/api/create", "/api/copy", "/api/push", "/api/embed", "/api/embeddings")
QUANTIZATION = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}

Json = dict[str, Any]


def ollama_api(engine: Engine, settings: Settings, desk: Desk) -> Blueprint:
    """The routes of the Ollama dialect."""
    ollama = Blueprint("ollama", __name__)

    @ollama.get("/")
    def root() -> Response:
        """What Ollama's clients look for to know that somebody is there."""
        return Response("Ollama is running", mimetype="text/plain")

    @ollama.get("/api/version")
    def version() -> Response:
        """llmtui's own version."""
        return json_response({"version": __version__})

    @ollama.get("/api/tags")
    def tags() -> Response:
        """The loaded model, the only one that requests may name."""
        info = engine.model
        return json_response({"models": [] if info is None else [listing(info)]})

    @ollama.get("/api/ps")
    def ps() -> Response:
        """The loaded model in memory."""
        info = engine.model
        return json_response({"models": [] if info is None else [running(info)]})

    @ollama.post("/api/show")
    def show() -> Response:
        """Facts of the loaded model."""
        body = ShowRequest.read(request.get_data(cache=False))
        if body.model is None:
            raise invalid("model", "model is required")
        return json_response(facts(requested_model(engine, body.model), settings))

    @ollama.post("/api/generate")
    def generate() -> Response:
        """Continue a prompt: through the model's chat template where it has one, as it stands where `raw` is set."""
        body = GenerateRequest.read(request.get_data(cache=False))
        requested_model(engine, body.model)
        if not body.prompt:
            return _loaded(body)
        ids = generate_ids(engine, body)
        return _answer(body, ids, (), keeps_context=not body.raw)

    @ollama.post("/api/chat")
    def chat() -> Response:
        """Answer a conversation."""
        body = ChatRequest.read(request.get_data(cache=False))
        requested_model(engine, body.model)
        if not body.messages:
            return _loaded(body)
        ids, stops = chat_ids(engine, [ChatMessage(role=m.role, content=m.content) for m in body.messages])
        return _answer(body, ids, stops, keeps_context=False)

    @ollama.post("/api/pull")
    def pull() -> Response:
        """Nothing to do for the model that is loaded; others are not fetched over HTTP."""
        body = ShowRequest.read(request.get_data(cache=False))
        info = loaded_model(engine)
        if body.model is None or body.model.removesuffix(LATEST) != info.name:
            message = f"models are not pulled over HTTP here: start llmtui with --model {body.model or 'NAME'}"
            raise ApiError(403, "pull_not_allowed", message, "model")
        return ndjson_response([ndjson_line({"status": "success"})], lambda: None)

    @ollama.delete("/api/delete")
    def delete() -> Response:
        """Models are not deleted over HTTP."""
        raise ApiError(403, "delete_not_allowed", "models are not deleted over HTTP here")

    def not_here() -> Response:
        raise ApiError(501, "not_implemented", f"{request.path} is not implemented by llmtui")

    for path in NOT_HERE:
        ollama.add_url_rule(path, path.replace("/", "_"), not_here, methods=["POST"])

    def _answer(
        body: GenerateRequest | ChatRequest, ids: tuple[int, ...], stops: tuple[str, ...], *, keeps_context: bool
    ) -> Response:
        params = body.sampling(settings, stops)
        batch = desk.begin([GenerationRequest(prompt_ids=ids, params=params, client=caller(), clip=True)])
        answer = OllamaAnswer(body, ids if keeps_context else None, g.request_id)
        events = batch.events(client_gone(request.environ))
        if body.streamed:
            lines = map(ndjson_line, answer.frames(events))
            return ndjson_response(guarded(lines, lambda error: ndjson_line(error_body(error))), batch.cancel)
        return json_response(answer.whole(events))

    def _loaded(body: GenerateRequest | ChatRequest) -> Response:
        answer = OllamaAnswer(body, None, g.request_id).loaded()
        return ndjson_response([ndjson_line(answer)], lambda: None) if body.streamed else json_response(answer)

    return ollama


def ollama_error(error: ApiError) -> Response:
    """An error in Ollama's shape."""
    return json_response(error_body(error), error.status, error.headers)


def error_body(error: ApiError) -> Json:
    return {"error": error.message}


def generate_ids(engine: Engine, body: GenerateRequest) -> tuple[int, ...]:
    """What /api/generate gives the model to read: what came before, then the prompt as one turn or as it is."""
    prompt = body.prompt or ""
    before = tuple(body.context or ())
    if body.raw:
        return before + engine.tokenize(prompt)
    system = [ChatMessage(role="system", content=body.system)] if body.system else []
    if loaded_model(engine).has_chat_template:
        ids, _ = chat_ids(engine, [*system, ChatMessage(role="user", content=prompt)])
        return before + ids
    return before + engine.tokenize(f"{body.system}\n\n{prompt}" if body.system else prompt)


def listing(info: ModelInfo) -> Json:
    card = model_card(info)
    name = info.name + LATEST
    return {
        "name": name,
        "model": name,
        "modified_at": card.modified_at,
        "size": card.size,
        "digest": card.digest,
        "details": details(info),
        "capabilities": ["completion"],
    }


def running(info: ModelInfo) -> Json:
    return listing(info) | {
        "size": info.weights_bytes,
        "size_vram": 0 if info.device == "cpu" else info.weights_bytes,
        "expires_at": rfc3339((datetime.now(UTC) + FOREVER).timestamp()),
        "context_length": info.context,
    }


def facts(info: ModelInfo, settings: Settings) -> Json:
    """What /api/show tells; `model_info` is always a map, some clients fail without one."""
    card = model_card(info)
    family = details(info)["family"]
    defaults = {
        "temperature": settings.default_temperature,
        "top_k": settings.default_top_k,
        "top_p": settings.default_top_p,
    }
    return {
        "license": "",
        "modelfile": f"# {info.name}, {info.architecture}, run by llmtui",
        "parameters": "\n".join(f"{name} {value:g}" for name, value in defaults.items()),
        "template": card.template,
        "details": details(info),
        "model_info": {
            "general.architecture": family,
            "general.basename": info.name,
            "general.parameter_count": info.parameters,
            f"{family}.context_length": info.context,
            f"{family}.vocab_size": info.vocab_size,
        },
        "capabilities": ["completion"],
        "modified_at": card.modified_at,
    }


def details(info: ModelInfo) -> Json:
    family = str(model_card(info).config.get("model_type") or info.architecture)
    return {
        "parent_model": "",
        "format": "safetensors",
        "family": family,
        "families": [family],
        "parameter_size": short_count(info.parameters),
        "quantization_level": QUANTIZATION.get(info.dtype, info.dtype),
        "context_length": info.context,
    }


def short_count(count: int) -> str:
    """A number of parameters as Ollama writes it: 124M, 1.5B."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= size:
            value = count / size
            return f"{value:.0f}{letter}" if value >= 100 else f"{value:.1f}{letter}"
    return str(count)
