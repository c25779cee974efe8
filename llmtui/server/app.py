"""The Flask application: wires the parts together and decides nothing."""

from flask import Flask

from llmtui.engine import Engine
from llmtui.server import access_log, errors, host_check, ollama, openai
from llmtui.server.native import native_api
from llmtui.settings import Settings


def create_app(engine: Engine, settings: Settings) -> Flask:
    """The API as a WSGI application. A dialect is a blueprint of its own, registered here."""
    app = Flask("llmtui.server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.url_map.merge_slashes = False
    access_log.install(app)
    host_check.install(app)
    errors.install(app, {openai.PREFIX: openai.openai_error, ollama.PREFIX: ollama.ollama_error})
    app.register_blueprint(native_api(engine, settings))
    app.register_blueprint(openai.openai_api(engine))
    app.register_blueprint(ollama.ollama_api(engine, settings))
    return app
