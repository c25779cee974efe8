"""The HTTP API: one port over one engine. Handlers translate; they hold no model logic and touch no tensor."""

from llmtui.server.app import create_app
from llmtui.server.auth import Keyring
from llmtui.server.lifecycle import Lifecycle
from llmtui.server.wsgi import Server, ServerError

__all__ = ["Keyring", "Lifecycle", "Server", "ServerError", "create_app"]
