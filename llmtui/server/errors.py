"""What goes wrong, as HTTP: every error is an `ApiError`, and each dialect gives it its own shape."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from llmtui.engine.errors import (
    ContextOverflow,
    EngineBusy,
    EngineClosed,
    EngineError,
    GenerationFailed,
    ModelNotReady,
    ParameterError,
)
from llmtui.errors import LlmtuiError
from llmtui.models.errors import (
    LoadCancelled,
    ModelDoesNotFit,
    ModelError,
    ModelForbidden,
    ModelNotFound,
    ModelUnreachable,
    ModelUnsupported,
)
from llmtui.server.dialects import Dialect, dialect_of
from llmtui.server.jsonio import json_response

LOADING_RETRY_SECONDS = 2.0
SHAPES = "llmtui.error_shapes"
CLIENT_CLOSED_REQUEST = 499  # nginx's status for the log; nobody is there to read it

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class ApiError(LlmtuiError):
    """An answer that is an error.

    code         a fixed word for programs; the message is for people
    param        the request field at fault, if it is one
    retry_after  seconds after which asking again makes sense
    allow        the methods that a path knows, for 405
    """

    status: int
    code: str
    message: str
    param: str | None = None
    retry_after: float | None = None
    allow: str | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.allow is not None:
            headers["Allow"] = self.allow
        return headers


Shape = Callable[[ApiError], Response]


def invalid(param: str | None, message: str) -> ApiError:
    """A field that is missing, of the wrong type or out of range."""
    return ApiError(400, "invalid_parameter", message, param)


def failed(error: str, request_id: str) -> ApiError:
    """A generation ended in an error of the model, which the log tells and the answer does not."""
    logger.error("request %s failed in the engine: %s", request_id, error)
    message = f"the model failed on this request; the server's log tells why under {request_id}"
    return ApiError(500, "generation_failed", message)


def cancelled() -> ApiError:
    """A generation was stopped by the server's side: half an answer is no success."""
    return ApiError(503, "cancelled", "the request was cancelled in the server")


def out_of_time() -> ApiError:
    """A generation reached its deadline before its first token; one that has some ends with what it has."""
    return ApiError(504, "deadline_exceeded", "the request's time was up before its first token: try again later")


def client_closed() -> ApiError:
    return ApiError(CLIENT_CLOSED_REQUEST, "client_closed_request", "the client closed the connection")


def overflow(error: ContextOverflow, length_field: str) -> ApiError:
    """What does not fit the context: the prompt, or what `length_field` asks for besides."""
    field = "prompt" if error.prompt_tokens is None else length_field
    verb = "" if error.prompt_tokens is None else "asks for too much: "
    return ApiError(400, "context_length_exceeded", f"{field} {verb}{error}", field)


def from_engine(error: EngineError) -> ApiError:
    """An engine's refusal as an answer."""
    message = str(error)
    match error:
        case ParameterError():
            return invalid(error.field, message)
        case ContextOverflow():
            return overflow(error, "max_tokens")
        case EngineBusy():
            return ApiError(429, "queue_full", message, retry_after=error.retry_after)
        case ModelNotReady():
            return ApiError(503, "model_not_ready", message, retry_after=LOADING_RETRY_SECONDS)
        case EngineClosed():
            return ApiError(503, "shutting_down", message)
        case GenerationFailed():
            return ApiError(500, "generation_failed", message)
        case _:
            return ApiError(500, "internal_error", message)


def from_model(error: ModelError) -> ApiError:
    """Why a model cannot be had, as an answer."""
    message = str(error)
    match error:
        case ModelNotFound():
            return ApiError(404, "model_not_found", message, "model")
        case ModelForbidden():
            return ApiError(403, "model_forbidden", message, "model")
        case ModelUnsupported():
            return ApiError(400, "model_unsupported", message, "model")
        case ModelUnreachable():
            return ApiError(502, "hub_unreachable", message)
        case ModelDoesNotFit() if error.needed > error.budget:
            return ApiError(507, "model_too_large", message, "model")
        case ModelDoesNotFit():  # once others are idle, it does
            return ApiError(503, "memory_full", message, "model", retry_after=LOADING_RETRY_SECONDS)
        case LoadCancelled():
            return ApiError(503, "load_cancelled", message, retry_after=LOADING_RETRY_SECONDS)
        case _:
            return ApiError(500, "model_failed", message, "model")


def from_http(error: HTTPException) -> ApiError:
    """What Flask refuses by itself (paths, methods, sizes) as an answer."""
    status = error.code or 500
    match error:
        case MethodNotAllowed():
            allow = ", ".join(sorted(error.valid_methods or ()))
            return ApiError(status, "method_not_allowed", f"this path answers to {allow}", allow=allow)
        case _ if status == 404:
            return ApiError(status, "not_found", "there is no such path")
        case _ if status == 413:
            return ApiError(status, "body_too_large", "the request's body is larger than MAX_BODY_BYTES allows")
        case _:
            return from_status(status)


def from_status(status: int) -> ApiError:
    """An answer for a bare HTTP status."""
    phrase = HTTPStatus(status).phrase
    return ApiError(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase.lower())


def error_object(error: ApiError) -> dict[str, Any]:
    """The one shape of the native API's errors."""
    return {"success": False, "error": {"code": error.code, "message": error.message, "param": error.param}}


def native_error(error: ApiError) -> Response:
    return json_response(error_object(error), error.status, error.headers)


def as_api_error(error: Exception) -> ApiError:
    """Any exception of a handler as an answer; what nobody expected is logged and told in general terms."""
    match error:
        case ApiError():
            return error
        case EngineError():
            return from_engine(error)
        case ModelError():
            return from_model(error)
        case HTTPException():
            return from_http(error)
        case _:
            logger.error("a request failed unexpectedly", exc_info=error)
            return ApiError(500, "internal_error", "something went wrong in the server; its log says what")


def install(app: Flask, shapes: Mapping[Dialect, Shape]) -> None:
    """Answer every error in the shape of the dialect that its path belongs to. shapes: of all but the native one."""
    app.extensions[SHAPES] = shapes

    @app.errorhandler(Exception)
    def answer(error: Exception) -> Response:
        g.error = as_api_error(error)
        return shape_of(app, request.path)(g.error)


def shape_of(app: Flask, path: str) -> Shape:
    """How the dialect that `path` belongs to writes an error."""
    shapes: Mapping[Dialect, Shape] = app.extensions[SHAPES]
    return shapes.get(dialect_of(path), native_error)
