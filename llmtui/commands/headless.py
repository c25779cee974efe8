"""llmtui --serve --headless: the API alone, until a signal ends it."""

import signal
import threading

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.engine import Engine
from llmtui.engine.loads import LoadTask
from llmtui.errors import LlmtuiError
from llmtui.models.errors import ModelError
from llmtui.server import Server, create_app
from llmtui.settings import Settings
from llmtui.system.logs import setup_logging
from llmtui.system.paths import log_file


def run_headless(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; the exit code. The port answers at once, /health says when the model is ready."""
    console = Console()
    log = log_file()
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    try:
        setup_logging(log, settings.debug)
        with Engine(max_waiting=settings.max_waiting) as engine:
            server = Server(create_app(engine, settings), settings)
            server.start()
            console.say(f"listening on {server.url}, log in {log}")
            load = engine.load(settings.model_name, device=settings.device, dtype=settings.dtype)
            try:
                return _serve(load, stop, console)
            finally:
                server.close()
    except ModelError as error:
        console.complain(error)
        return exit_codes.NO_MODEL
    except LlmtuiError as error:
        console.complain(error)
        return exit_codes.ERROR


def _serve(load: LoadTask, stop: threading.Event, console: Console) -> int:
    """Wait for the model, then for the signal. Raises what ended the load."""
    while not stop.is_set():
        try:
            info = load.wait(timeout=0.2)
        except TimeoutError:
            continue
        console.say(f"{info.name} is ready on {info.device} after {info.load_seconds:.1f} s")
        stop.wait()
    return exit_codes.DONE
