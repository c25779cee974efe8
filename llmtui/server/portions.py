"""What a generation's reader gets next: text that may be shown, and the tokens that made it."""

from dataclasses import dataclass, field
from typing import Literal

from llmtui.engine.events import Event, Failed, Finished, Prefilled, Started, Token
from llmtui.server.errors import cancelled, failed, out_of_time


class TokenGate:
    """Passes tokens on when the text they made is released: the tokens of a stop string are never reported.

    The sign that ends a text is cut like a stop string: the reported tokens join to the text.
    """

    def __init__(self) -> None:
        self._held: list[tuple[int, Token]] = []
        self._reached = 0
        self._released = 0
        self._passed = 0

    def push(self, token: Token) -> list[Token]:
        """The tokens that may be reported now."""
        self._reached += len(token.text)
        # one without text of its own begins a character, or ends the generation: what follows decides
        self._held.append((self._reached + (0 if token.text else 1), token))
        self._released += len(token.delta)
        count = next((i for i, (end, _) in enumerate(self._held) if end > self._released), len(self._held))
        return self._pass(count)

    def finish(self, finished: Finished) -> list[Token]:
        """The tokens that are left and belong to the text."""
        by_end_of_text = finished.reason == "stop" and finished.stop is None
        return self._pass(max(0, finished.text_tokens - self._passed - by_end_of_text))

    def _pass(self, count: int) -> list[Token]:
        passed, self._held = [token for _, token in self._held[:count]], self._held[count:]
        self._passed += len(passed)
        return passed


@dataclass(frozen=True, slots=True)
class Portion:
    """The next text and its tokens; the last portion of a generation tells how it ended."""

    text: str
    tokens: list[Token] = field(default_factory=list)
    finished: Finished | None = None


def told_reason(finished: Finished) -> Literal["stop", "length"]:
    """How a generation ended, in the words that OpenAI's and Ollama's clients know: a deadline limits the length."""
    return "stop" if finished.reason == "stop" else "length"


class PortionReader:
    """Turns the events of one generation into portions, whose texts join to the whole answer."""

    def __init__(self, request_id: str) -> None:
        self.started: Started | None = None
        self.prompt: list[Token] = []
        self._request_id = request_id
        self._gate = TokenGate()

    def take(self, event: Event) -> Portion | None:
        """The portion that an event releases. Raises ApiError if the generation failed or was cancelled."""
        match event:
            case Started():
                self.started = event
            case Prefilled():
                self.prompt.extend(event.tokens)
            case Token():
                tokens = self._gate.push(event)
                return Portion(event.delta, tokens) if event.delta or tokens else None
            case Finished():
                if event.reason == "cancelled":
                    raise cancelled()
                if event.reason == "deadline" and not event.usage.completion_tokens:
                    raise out_of_time()
                return Portion(event.delta, self._gate.finish(event), event)
            case Failed():
                raise failed(event.error, self._request_id)
            case _:
                pass
        return None
