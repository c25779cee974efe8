"""What a model makes of a text without writing any: its tokens, and how probable they are."""

import math
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic import Field

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.events import Token
from llmtui.insight.trace import token_to_json
from llmtui.server.batch import Batch
from llmtui.server.callers import caller
from llmtui.server.desk import Desk
from llmtui.server.errors import client_closed, invalid
from llmtui.server.jsonio import json_response
from llmtui.server.logprobs import text_of_bytes
from llmtui.server.model_access import ModelAccess
from llmtui.server.portions import PortionReader
from llmtui.server.schemas import MAX_TOP_LOGPROBS, NativeBody, check, parse
from llmtui.server.streaming import client_gone

Json = dict[str, Any]


class ModelBody(NativeBody):
    """What the three routes share."""

    model: str | None = Field(
        None, min_length=1, description="which one: see /v1/models; not given: the one the server was started with"
    )


class TokenizeBody(ModelBody):
    """The body of POST /tokenize."""

    text: str = Field(description="what to cut into tokens, as a prompt is")


class DetokenizeBody(ModelBody):
    """The body of POST /detokenize."""

    ids: list[int] = Field(min_length=1, description="token ids")


class ScoreBody(ModelBody):
    """The body of POST /score."""

    text: str = Field(min_length=1, description="the text to score; one token must be left of the context")
    top_logprobs: int = Field(0, ge=0, le=MAX_TOP_LOGPROBS, description="candidates reported for each token")


def tokens_api(engine: Engine, desk: Desk, access: ModelAccess) -> Blueprint:
    """POST /tokenize, POST /detokenize, POST /score."""
    tokens = Blueprint("tokens", __name__)

    @tokens.post("/tokenize")
    def tokenize() -> Response:
        """The tokens of a text, with their true bytes: those of a part of a character are no text by themselves."""
        body = check(TokenizeBody, parse(request.get_data(cache=False)))
        model = access.use(body.model).info.name
        ids = engine.tokenize(body.text, model) if body.text else ()  # an empty text is no prompt
        return json_response(pieces_json(engine, model, ids))

    @tokens.post("/detokenize")
    def detokenize() -> Response:
        """The text of token ids, special tokens left out, and each token with its true bytes."""
        body = check(DetokenizeBody, parse(request.get_data(cache=False)))
        model = access.use(body.model).info.name
        try:
            return json_response({"text": engine.detokenize(body.ids, model)} | pieces_json(engine, model, body.ids))
        except ParameterError as error:
            raise invalid("ids", str(error).replace(error.field, "ids", 1)) from None

    @tokens.post("/score")
    def score() -> Response:
        """The log-probability of each token of a text, of all together, and the perplexity."""
        body = check(ScoreBody, parse(request.get_data(cache=False)))
        params = SamplingParams(max_tokens=1, prompt_logprobs=True, top_logprobs=body.top_logprobs, temperature=0)
        asked = GenerationRequest(prompt=body.text, params=params, client=caller())
        scored = scored_tokens(desk.begin(access.use(body.model).info, [asked]))
        return json_response(score_json(scored, body.top_logprobs))

    def scored_tokens(batch: Batch) -> list[Token]:
        """The prompt's tokens; the one that the engine draws besides is not wanted."""
        reader = PortionReader(g.request_id)
        for event in batch.only_events(client_gone(request.environ)):
            portion = reader.take(event)
            if portion is not None and portion.finished is not None:
                return reader.prompt
        raise client_closed()

    return tokens


def pieces_json(engine: Engine, model: str, ids: Any) -> Json:
    """A model's token ids with what each stands for."""
    facts = zip(ids, engine.token_bytes(ids, model), engine.are_special(ids, model), strict=True)
    tokens = [
        {"id": i, "text": text_of_bytes(data), "bytes": list(data), "special": special} for i, data, special in facts
    ]
    return {"count": len(tokens), "ids": list(ids), "tokens": tokens}


def score_json(tokens: list[Token], top_logprobs: int) -> Json:
    """Sums over the tokens after the first, which nothing predicts; natural logs; null where a number is infinite."""
    logprobs = [token.logprob for token in tokens if token.logprob is not None]
    total = math.fsum(logprobs)
    mean = -total / len(logprobs) if logprobs else None
    return {
        "count": len(tokens),
        "scored": len(logprobs),
        "logprob": total if math.isfinite(total) else None,
        "perplexity": math.exp(mean) if mean is not None and mean < 700 else None,
        "tokens": [scored_json(token, top_logprobs) for token in tokens],
    }


def scored_json(token: Token, top_logprobs: int) -> Json:
    facts = token_to_json(token)
    wanted = ("index", "id", "text", "bytes", "logprob", "surprisal_bits", "rank", "ties", "entropy_bits")
    return {name: facts[name] for name in wanted} | {"top_logprobs": facts["candidates"][:top_logprobs]}
