"""The native dialect: GET /health, GET /info, POST /generate."""

from collections.abc import Iterable

from flask import Blueprint, Response, g, request

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ContextOverflow
from llmtui.engine.loads import ModelInfo
from llmtui.server.answers import Answer, failed_frame
from llmtui.server.batch import Bundle
from llmtui.server.callers import caller
from llmtui.server.desk import Desk
from llmtui.server.errors import LOADING_RETRY_SECONDS, invalid
from llmtui.server.jsonio import json_response
from llmtui.server.model_access import ModelAccess
from llmtui.server.schemas import GenerateBody, generate_body, supported_parameters
from llmtui.server.streaming import client_gone, sse_line, sse_response, written
from llmtui.settings import Settings

API_VERSION = "1.0.0"


def native_api(engine: Engine, settings: Settings, desk: Desk, access: ModelAccess) -> Blueprint:
    """The routes of the native API."""
    native = Blueprint("native", __name__)
    body_model = generate_body(settings)
    parameters = supported_parameters(body_model)

    @native.get("/health")
    def health() -> Response:
        """Whether requests can be served: 200 healthy, 503 loading or degraded."""
        status = health_status(engine)
        info = engine.model
        facts = {
            "status": status,
            "model": model_name(engine, settings),
            "device": device_name(engine, settings),
            "cuda_available": info is not None and info.cuda_available,
        }
        if status == "healthy":
            return json_response(facts)
        return json_response(facts, 503, {"Retry-After": f"{LOADING_RETRY_SECONDS:.0f}"})

    @native.get("/info")
    def info() -> Response:
        """What may be asked of this server."""
        return json_response(
            {
                "api_version": API_VERSION,
                "model": model_name(engine, settings),
                "device": device_name(engine, settings),
                "max_length_limit": settings.max_length_limit,
                "default_max_length": settings.default_max_length,
                "default_temperature": settings.default_temperature,
                "supported_parameters": parameters,
            }
        )

    @native.post("/generate")
    def generate() -> Response:
        """Continue a prompt. A continuation may be empty where the model ends the text at once (finish_reason stop)."""
        body = body_model.read(request.get_data(cache=False))
        model = access.use(body.model).info
        params = sampling_params(body, total_length(body, engine, model, settings))
        asked = GenerationRequest(prompt=body.prompt, params=params, client=caller())
        batch = desk.begin(model, [asked])
        gone = client_gone(request.environ)
        answer = Answer(body, model.device.upper(), g.request_id, desk.from_cache)
        if not body.stream:
            return json_response(answer.whole(batch.only_events(gone)))

        def lines(bundle: Bundle) -> Iterable[str]:
            events = (event for _, event in bundle)
            return map(sse_line, answer.traced(events) if body.trace else answer.frames(events))

        return sse_response(
            written(batch.bundles(gone), lines, lambda error: sse_line(failed_frame(error))), batch.cancel
        )

    return native


def health_status(engine: Engine) -> str:
    match engine.state:
        case "ready":
            return "healthy"
        case "loading" | "empty":
            # the port opens before the first load begins
            return "loading"
        case _:
            return "degraded"


def model_name(engine: Engine, settings: Settings) -> str:
    """The loaded model, else the one that is being loaded, else the one that was asked for."""
    info, task = engine.model, engine.loading
    if info is not None:
        return info.name
    return task.name if task is not None else settings.model_name


def device_name(engine: Engine, settings: Settings) -> str:
    """Where the model runs, or will: CPU, CUDA:0, AUTO."""
    info = engine.model
    return (info.device if info is not None else settings.device).upper()


def total_length(body: GenerateBody, engine: Engine, model: ModelInfo, settings: Settings) -> int:
    """Tokens at most, the prompt's and the new ones, from `max_length` and `max_new_tokens`: the smaller wins.

    Raises ContextOverflow for a prompt that leaves no room in the context, ApiError where `max_new_tokens` alone asks
    for more than the limit or the context.
    """
    if body.max_new_tokens is None:
        return body.max_length
    prompt_tokens = len(engine.tokenize(body.prompt, model.name))
    if prompt_tokens >= model.context:
        raise ContextOverflow(prompt_tokens + 1, model.context)
    wanted = prompt_tokens + body.max_new_tokens
    if "max_length" in body.model_fields_set:
        return min(body.max_length, wanted)
    limit = min(settings.max_length_limit, model.context)
    if wanted > limit:
        problem = f"and the prompt's own {prompt_tokens} tokens must be at most {limit} together, got {wanted}"
        raise invalid("max_new_tokens", f"max_new_tokens {problem}")
    return wanted


def sampling_params(body: GenerateBody, max_length: int) -> SamplingParams:
    return SamplingParams(
        temperature=body.temperature,
        top_k=body.top_k,
        top_p=body.top_p,
        min_p=body.min_p,
        typical_p=body.typical_p,
        repetition_penalty=body.repetition_penalty,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        max_length=max_length,
        stop=body.stop or (),
        seed=body.seed,
        top_logprobs=body.top_logprobs,
        prompt_logprobs=body.prompt_logprobs,
        lookahead=body.lookahead,
        lookahead_depth=body.lookahead_depth,
        speculate=body.speculate,
    )
