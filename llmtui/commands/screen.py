"""llmtui: the screen, and beside it the API if asked for, on one engine."""

import sys
from contextlib import ExitStack

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.commands.shared_engine import shared_engine
from llmtui.errors import LlmtuiError
from llmtui.settings import Settings
from llmtui.system.logs import setup_access_log, setup_logging
from llmtui.system.paths import log_file
from llmtui.tui import run
from llmtui.tui.serving import Serving


def run_screen(settings: Settings, *, serve: bool, lesson: str | None = None) -> int:
    """Show the screen until the person leaves; the exit code. lesson: its number; empty: the next one; None: none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        Console().say("the screen needs a terminal: in a pipe use llmtui generate, without a screen --serve --headless")
        return exit_codes.USAGE
    try:
        log = log_file()
        setup_logging(log, settings.debug)
        engine = shared_engine(settings)
        with ExitStack() as stack:
            serving = None
            if serve:
                from llmtui.server import Keyring, Server, create_app

                setup_access_log(settings.access_log_file)
                keys = Keyring.of(settings)
                server = Server(create_app(engine, settings, keys), settings)
                server.start()
                if keys.generated is not None:
                    # on the screen, too, but this line is still there when the screen is gone
                    Console().say(f"API key for this run: {keys.generated} (set API_KEYS to choose your own)")
                stack.callback(server.close)
                serving = Serving(server.url, tuple(keys.digests), keys.generated)
            # before the server, so that open streams of the API get their last event
            stack.callback(engine.close)
            return run(engine, settings, serving=serving, log_file=log, lesson=lesson)
    except LlmtuiError as error:
        Console().complain(error)
        return exit_codes.ERROR
