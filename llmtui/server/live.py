"""What operators ask: is the server ready, what runs in it, and its numbers."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from llmtui.engine import Engine
from llmtui.engine.live import RequestView
from llmtui.server.auth import Keyring
from llmtui.server.callers import caller
from llmtui.server.errors import LOADING_RETRY_SECONDS, ApiError
from llmtui.server.jsonio import json_response
from llmtui.server.lifecycle import Lifecycle
from llmtui.server.metrics import Metrics

Json = dict[str, Any]


def live_api(engine: Engine, lifecycle: Lifecycle, metrics: Metrics, keys: Keyring) -> Blueprint:
    """GET /ready, GET /requests, DELETE /requests/{id}, GET /metrics."""
    live = Blueprint("live", __name__)

    @live.get("/ready")
    def ready() -> Response:
        """Whether the next request would be taken: 200 ready, 503 loading, draining, degraded or full."""
        status = readiness(engine, lifecycle)
        stats = engine.stats()
        body = {"status": status, "running": stats.running, "waiting": stats.waiting}
        if status == "ready":
            return json_response(body)
        return json_response(body, 503, {"Retry-After": f"{LOADING_RETRY_SECONDS:.0f}"})

    @live.get("/requests")
    def requests() -> Response:
        """The generations that wait or run, oldest first; durations in seconds."""
        return json_response({"requests": [view_json(view) for view in engine.requests()]})

    @live.delete("/requests/<name>")
    def cancel(name: str) -> Response:
        """Stop a generation by its id, or all of one HTTP request by its X-Request-Id; with keys, only one's own."""
        found = [view for view in engine.requests() if name in (view.id, request_id_of(view))]
        if not found:
            raise ApiError(404, "request_not_found", f"no request {name!r} waits or runs")
        if keys.needed and any(view.client != caller() for view in found):
            raise ApiError(403, "not_your_request", "this request belongs to another key")
        for view in found:
            engine.cancel(view.id)
        return json_response({"cancelled": [view.id for view in found]})

    @live.get("/metrics")
    def numbers() -> Response:
        """Prometheus' text format."""
        return metrics.text()

    return live


def readiness(engine: Engine, lifecycle: Lifecycle) -> str:
    if lifecycle.draining:
        return "draining"
    match engine.state:
        case "ready":
            return "full" if engine.full else "ready"
        case "loading" | "empty":
            return "loading"
        case _:
            return "degraded"


def view_json(view: RequestView) -> Json:
    return {"request_id": request_id_of(view)} | asdict(view)


def request_id_of(view: RequestView) -> str:
    """The X-Request-Id of a generation's HTTP request; the screen's own have none, and keep their id."""
    return view.id.rpartition(".")[0] or view.id
