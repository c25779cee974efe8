"""What a generation took in tokens, told once when it has ended: whole, failed or abandoned."""

from collections.abc import Callable

from llmtui.engine.events import Event, Failed, Finished, Started, Token, Usage


class UsageCounter:
    """A watcher that knows what was read and written until now, for generations whose end nobody reads."""

    def __init__(self, tell: Callable[[Usage], None]) -> None:
        self._tell = tell
        self._prompt_tokens = 0
        self._completion_tokens = 0

    def see(self, event: Event, _told_at: float, /) -> None:
        match event:
            case Started():
                self._prompt_tokens = event.prompt_tokens
            case Token():
                self._completion_tokens += 1
            case Finished() | Failed():
                self._tell_now()
            case _:
                pass

    def client_left(self) -> None:
        self._tell_now()

    def _tell_now(self) -> None:
        # not the event's own: one that never ran took nothing
        self._tell(Usage(self._prompt_tokens, self._completion_tokens))
