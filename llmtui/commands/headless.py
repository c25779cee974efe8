"""llmtui --serve --headless: the API alone, until a signal ends it."""

import signal
import threading

from llmtui.commands import exit_codes
from llmtui.commands.console import Console
from llmtui.commands.guard import code_of
from llmtui.commands.shared_engine import shared_engine
from llmtui.engine import Engine
from llmtui.engine.loads import LoadTask
from llmtui.errors import LlmtuiError
from llmtui.server import Keyring, Lifecycle, Server, create_app
from llmtui.settings import Settings
from llmtui.system.logs import setup_access_log, setup_logging
from llmtui.system.paths import log_file
from llmtui.units import duration


class Signals:
    """SIGINT and SIGTERM: the first asks to stop, the second to stop at once."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.hurry = threading.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._came)

    def _came(self, *_: object) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


def run_headless(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM, then let running answers finish, for a while; the exit code.

    The port answers at once, /ready says when the model is there. A second signal ends everything at once.
    """
    console = Console()
    signals = Signals()
    lifecycle = Lifecycle()
    try:
        log = log_file()
        setup_logging(log, settings.debug)
        setup_access_log(settings.access_log_file)
        with shared_engine(settings) as engine:
            keys = Keyring.of(settings)
            server = Server(create_app(engine, settings, keys, lifecycle), settings)
            server.start()
            console.say(f"listening on {server.url}, log in {log}")
            if keys.generated is not None:
                console.say(
                    f"API key for this run, shown only here: {keys.generated} (set API_KEYS to choose your own)"
                )
            load = engine.load(settings.model_name, device=settings.device, dtype=settings.dtype)
            try:
                _serve(load, signals, console)
                _drain(engine, lifecycle, settings, signals, console)
                server.flush()
                return exit_codes.DONE
            finally:
                server.close()
    except LlmtuiError as error:
        console.complain(error)
        return code_of(error)


def _serve(load: LoadTask, signals: Signals, console: Console) -> None:
    """Wait for the model, then for the signal. Raises what ended the load."""
    while not signals.stop.is_set():
        try:
            info = load.wait(timeout=0.2)
        except TimeoutError:
            continue
        console.say(f"{info.name} is ready on {info.device} after {duration(info.load_seconds)}")
        signals.stop.wait()


def _drain(engine: Engine, lifecycle: Lifecycle, settings: Settings, signals: Signals, console: Console) -> None:
    if lifecycle.open_answers:
        seconds = settings.drain_seconds
        console.say(f"finishing what runs, for {seconds:g} s at most; the same signal again ends it at once")
    if not lifecycle.drain(engine, settings.drain_seconds, signals.hurry.is_set):
        console.say("the answers that were left have been cancelled")
