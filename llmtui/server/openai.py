"""The OpenAI dialect: models, completions and chat completions under /v1."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, g, request

from llmtui import __version__
from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.errors import ContextOverflow
from llmtui.engine.loads import ModelInfo
from llmtui.engine.requests import ChatMessage
from llmtui.server.batch import Batch, Bundle
from llmtui.server.callers import caller
from llmtui.server.chat_prompt import chat_ids
from llmtui.server.desk import Desk
from llmtui.server.errors import ApiError, overflow
from llmtui.server.jsonio import json_response
from llmtui.server.model_access import ModelAccess
from llmtui.server.model_card import ModelCard, model_card
from llmtui.server.openai_chat import ChatAnswers
from llmtui.server.openai_completions import CompletionAnswers, Prompt
from llmtui.server.openai_schemas import ChatBody, CompletionBody
from llmtui.server.streaming import client_gone, sse_line, sse_response, written
from llmtui.settings import Settings

DONE = "data: [DONE]\n\n"
# the SDKs ask again after any 5xx; after these it would only cost the same once more
FINAL_CODES = ("cancelled", "generation_failed", "model_failed", "model_too_large")
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

Json = dict[str, Any]


def openai_api(engine: Engine, settings: Settings, desk: Desk, access: ModelAccess) -> Blueprint:
    """The routes of the OpenAI dialect."""
    openai = Blueprint("openai", __name__)

    @openai.get("/v1/models")
    def models() -> Response:
        """The models that requests may name."""
        return json_response({"object": "list", "data": [model_json(card) for card in access.cards()]})

    @openai.get("/v1/models/<path:name>")
    def model(name: str) -> Response:
        """One model; names with slashes are names, too."""
        return json_response(model_json(access.card(name)))

    @openai.post("/v1/completions")
    def completions() -> Response:
        """Continue one or several prompts."""
        body = CompletionBody.read(request.get_data(cache=False)).limited(settings.max_tokens_limit)
        info = access.use(body.model).info
        prompts = [as_prompt(engine, info, prompt, with_text=bool(body.echo)) for prompt in body.prompt]
        head = {"id": f"cmpl-{g.request_id}", "object": "text_completion"} | origin(info)
        answers = CompletionAnswers(body, prompts, head, g.request_id)
        requests = answers.requests(caller())
        refuse_overflow(requests, info.context, body.length_field)
        return _answer(answers, desk.begin(info, requests, body.answers), stream=bool(body.stream))

    @openai.post("/v1/chat/completions")
    def chat_completions() -> Response:
        """Answer a conversation."""
        body = ChatBody.read(request.get_data(cache=False)).limited(settings.max_tokens_limit)
        info = access.use(body.model).info
        messages = [ChatMessage(role=message.role, content=message.content) for message in body.messages]
        ids, stops = chat_ids(engine, info, messages)
        head = {"id": f"chatcmpl-{g.request_id}", "object": ""} | origin(info)
        answers = ChatAnswers(body, head, g.request_id)
        requests = answers.requests(ids, stops, caller())
        refuse_overflow(requests, info.context, body.length_field)
        return _answer(answers, desk.begin(info, requests, body.answers), stream=bool(body.stream))

    return openai


def openai_error(error: ApiError) -> Response:
    """An error in OpenAI's shape, with the headers that its SDKs go by."""
    headers = error.headers
    if error.retry_after is not None:
        headers["retry-after-ms"] = str(max(1, round(error.retry_after * 1000)))
    if error.code in FINAL_CODES:
        headers["x-should-retry"] = "false"
    return json_response(error_body(error), error.status, headers)


def error_body(error: ApiError) -> Json:
    kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}


def model_json(card: ModelCard) -> Json:
    return {"id": card.name, "object": "model", "created": int(card.modified), "owned_by": "llmtui"}


def as_prompt(engine: Engine, model: ModelInfo, prompt: str | Sequence[int], *, with_text: bool) -> Prompt:
    """Text as a model's ids, or ids as they are, with their text where it will be given back."""
    if isinstance(prompt, str):
        return Prompt(prompt, engine.tokenize(prompt, model.name))
    return Prompt(engine.detokenize(prompt, model.name) if with_text else "", tuple(prompt))


def refuse_overflow(requests: Sequence[GenerationRequest], context: int, length_field: str) -> None:
    """Refuse, before anything runs, what the engine would refuse in the middle of an answer.

    length_field: what the request calls the number of new tokens. Raises ApiError (400).
    """
    for wanted in requests:
        prompt_tokens = len(wanted.prompt_ids or ())
        tokens = prompt_tokens + (wanted.params.max_tokens or 1)
        if tokens > context:
            alone = prompt_tokens < context
            raise overflow(ContextOverflow(tokens, context, prompt_tokens if alone else None), length_field)


def origin(model: ModelInfo) -> Json:
    """When an answer was made, and by what: under the same fingerprint the same seed gives the same text."""
    made_by = (model_card(model).digest, model.dtype, model.device, model.linears, __version__)
    fingerprint = "fp_" + hashlib.sha256(repr(made_by).encode()).hexdigest()[:10]
    return {"created": int(time.time()), "model": model.name, "system_fingerprint": fingerprint}


def _answer(answers: CompletionAnswers | ChatAnswers, batch: Batch, *, stream: bool) -> Response:
    gone = client_gone(request.environ)
    if not stream:
        return json_response(answers.whole(batch.events(gone)))

    def lines(bundle: Bundle) -> Iterator[str]:
        yield from map(sse_line, answers.frames(bundle))
        if batch.ended:
            yield DONE

    return sse_response(written(batch.bundles(gone), lines, lambda error: sse_line(error_body(error))), batch.cancel)
