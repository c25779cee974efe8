"""The Flask application: wires the parts together and decides nothing."""

from flask import Flask

from llmtui.engine import Engine
from llmtui.server import access_log, errors, host_check, ollama, openai
from llmtui.server.answer_cache import AnswerCache
from llmtui.server.auth import Keyring
from llmtui.server.cors import Cors
from llmtui.server.desk import Desk
from llmtui.server.docs_page import docs_api
from llmtui.server.lifecycle import Lifecycle
from llmtui.server.limits import Limits
from llmtui.server.live import live_api
from llmtui.server.metrics import Metrics
from llmtui.server.model_access import ModelAccess
from llmtui.server.native import native_api
from llmtui.server.ollama_models import ollama_models_api
from llmtui.server.openapi import openapi_api
from llmtui.server.tokens import tokens_api
from llmtui.server.turnstile import Turnstile
from llmtui.settings import Settings


def create_app(
    engine: Engine, settings: Settings, keys: Keyring | None = None, lifecycle: Lifecycle | None = None
) -> Flask:
    """The API as a WSGI application. A dialect is a blueprint of its own, registered here.

    keys, lifecycle: where the caller wants to show a generated key, or to drain; else made here.
    """
    app = Flask("llmtui.server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.url_map.merge_slashes = False
    keys = keys or Keyring.of(settings)
    lifecycle = lifecycle or Lifecycle()
    limits = Limits(settings.rate_limit, settings.tokens_per_minute)
    answers = AnswerCache(settings.answer_cache_bytes)
    metrics = Metrics(engine, answers)
    models = ModelAccess(engine, settings, lifecycle)
    desk = Desk(
        engine,
        metrics,
        limits,
        answers,
        has_keys=keys.needed,
        max_prompt_tokens=settings.max_prompt_tokens,
        seconds=settings.request_deadline_seconds,
    )
    cors = Cors(settings.allowed_origins())
    access_log.install(app)
    Turnstile().install(app)
    metrics.install(app)
    cors.install(app)
    if keys.needed:
        keys.install(app)
    else:
        host_check.install(app, cors.allows)
    limits.install(app)
    desk.install(app)
    lifecycle.install(app)
    errors.install(app, {"openai": openai.openai_error, "ollama": ollama.ollama_error})
    app.register_blueprint(native_api(engine, settings, desk, models))
    app.register_blueprint(live_api(engine, lifecycle, metrics, keys))
    app.register_blueprint(tokens_api(engine, desk, models))
    app.register_blueprint(openai.openai_api(engine, settings, desk, models))
    app.register_blueprint(ollama.ollama_api(engine, settings, desk, models))
    app.register_blueprint(ollama_models_api(engine, settings, models, lifecycle))
    app.register_blueprint(openapi_api(app, settings))
    app.register_blueprint(docs_api(app, settings, keys))
    return app
