"""The Ollama dialect: /api/generate and /api/chat; what its clients ask about models is in `ollama_models`."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, g, request

from llmtui import __version__
from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import ChatMessage
from llmtui.server.batch import Bundle
from llmtui.server.callers import caller
from llmtui.server.chat_prompt import chat_ids
from llmtui.server.desk import Desk
from llmtui.server.errors import ApiError
from llmtui.server.jsonio import json_response
from llmtui.server.model_access import InUse, ModelAccess
from llmtui.server.ollama_answers import OllamaAnswer
from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest
from llmtui.server.streaming import client_gone, ndjson_line, ndjson_response, written
from llmtui.settings import Settings

NOT_HERE = ("/api/create", "/api/copy", "/api/push", "/api/embed", "/api/embeddings", "/api/blobs/<digest>")

Json = dict[str, Any]


def ollama_api(engine: Engine, settings: Settings, desk: Desk, access: ModelAccess) -> Blueprint:
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

    @ollama.post("/api/generate")
    def generate() -> Response:
        """Continue a prompt: through the model's chat template where it has one, as it stands where `raw` is set."""
        body = GenerateRequest.read(request.get_data(cache=False))
        if not body.prompt:
            return _load_or_unload(body)
        model = access.use(body.model, body.keep_seconds)
        ids = generate_ids(engine, model.info, body)
        return _answer(body, model, ids, (), keeps_context=not body.raw)

    @ollama.post("/api/chat")
    def chat() -> Response:
        """Answer a conversation."""
        body = ChatRequest.read(request.get_data(cache=False))
        if not body.messages:
            return _load_or_unload(body)
        model = access.use(body.model, body.keep_seconds)
        messages = [ChatMessage(role=m.role, content=m.content) for m in body.messages]
        ids, stops = chat_ids(engine, model.info, messages)
        return _answer(body, model, ids, stops, keeps_context=False)

    def not_here(**_: str) -> Response:
        raise ApiError(501, "not_implemented", f"{request.path} is not implemented by llmtui")

    for path in NOT_HERE:
        ollama.add_url_rule(path, path.replace("/", "_"), not_here, methods=["POST"])

    def _answer(
        body: GenerateRequest | ChatRequest,
        model: InUse,
        ids: tuple[int, ...],
        stops: tuple[str, ...],
        *,
        keeps_context: bool,
    ) -> Response:
        params = body.sampling(settings, stops)
        asked = GenerationRequest(prompt_ids=ids, params=params, client=caller(), clip=True)
        batch = desk.begin(model.info, [asked])
        answer = OllamaAnswer(body, ids if keeps_context else None, g.request_id, model.load_seconds)
        gone = client_gone(request.environ)
        if not body.streamed:
            return json_response(answer.whole(batch.events(gone)))

        def lines(bundle: Bundle) -> Iterable[str]:
            return map(ndjson_line, answer.frames(bundle))

        return ndjson_response(
            written(batch.bundles(gone), lines, lambda error: ndjson_line(error_body(error))), batch.cancel
        )

    def _load_or_unload(body: GenerateRequest | ChatRequest) -> Response:
        """Nothing is to be generated; the chosen model stays, and the answer does not claim otherwise."""
        if body.keep_seconds == 0 and access.unload(body.model):
            answer = OllamaAnswer(body, None, g.request_id).idle("unload")
        else:
            access.use(body.model, body.keep_seconds)
            answer = OllamaAnswer(body, None, g.request_id).idle("load")
        return ndjson_response([ndjson_line(answer)], lambda: None) if body.streamed else json_response(answer)

    return ollama


def ollama_error(error: ApiError) -> Response:
    """An error in Ollama's shape."""
    return json_response(error_body(error), error.status, error.headers)


def error_body(error: ApiError) -> Json:
    return {"error": error.message}


def generate_ids(engine: Engine, model: ModelInfo, body: GenerateRequest) -> tuple[int, ...]:
    """What /api/generate gives a model to read: what came before, then the prompt as one turn or as it is."""
    prompt = body.prompt or ""
    before = tuple(body.context or ())
    if body.raw:
        return before + engine.tokenize(prompt, model.name)
    system = [ChatMessage(role="system", content=body.system)] if body.system else []
    if model.has_chat_template:
        ids, _ = chat_ids(engine, model, [*system, ChatMessage(role="user", content=prompt)])
        return before + ids
    return before + engine.tokenize(f"{body.system}\n\n{prompt}" if body.system else prompt, model.name)
