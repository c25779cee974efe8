"""Who may come in: as many requests and prompt tokens as the engine takes, and how much each may have."""

import threading
from typing import TYPE_CHECKING

from llmtui.engine.errors import ContextOverflow, EngineBusy, EngineClosed, ParameterError
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.speed import Speedometer

if TYPE_CHECKING:
    from llmtui.engine.sequence import Sequence


def room_for(request: GenerationRequest, prompt_tokens: int, context: int) -> int:
    """How many new tokens a request may have, at least one.

    Raises ContextOverflow where prompt and new tokens exceed the context, ParameterError where `max_length` leaves no
    room for a new token.
    """
    params = request.params
    room = context - prompt_tokens
    if room < 1:
        raise ContextOverflow(prompt_tokens + 1, context)
    wanted = room if params.max_tokens is None else params.max_tokens
    if params.max_length is not None:
        if params.max_length <= prompt_tokens:
            raise ParameterError(
                "max_length", f"must be above the prompt's own {prompt_tokens} tokens, got {params.max_length}"
            )
        wanted = min(wanted, params.max_length - prompt_tokens)
    if wanted > room and not request.clip:
        raise ContextOverflow(prompt_tokens + wanted, context, prompt_tokens)
    return min(wanted, room)


class Admission:
    """The requests that wait or run, by id. Any thread may ask.

    max_running         of them run at once
    max_waiting         may wait besides; more are refused
    max_waiting_tokens  tokens of prompts that may wait, but for a single longer one
    """

    def __init__(self, max_running: int, max_waiting: int, max_waiting_tokens: int, speed: Speedometer) -> None:
        self._max_running = max_running
        self._max_inside = max_running + max_waiting
        self._max_waiting_tokens = max_waiting_tokens
        self._speed = speed
        self._lock = threading.Lock()
        self._inside: dict[str, Sequence] = {}
        self.closed = False

    @property
    def full(self) -> bool:
        """Whether the next request would be refused, however short its prompt."""
        with self._lock:
            return self._refuses(1)

    def enter(self, sequence: "Sequence") -> None:
        """Raises EngineClosed, EngineBusy, or ParameterError for the id of one that is inside."""
        with self._lock:
            if self.closed:
                raise EngineClosed
            if self._refuses(sequence.prompt_length):
                raise EngineBusy(self._waiting, self._speed.retry_after(self._waiting, self._max_running))
            if sequence.request.request_id in self._inside:
                raise ParameterError("request_id", "is that of a request still running")
            self._inside[sequence.request.request_id] = sequence

    def leave(self, sequence: "Sequence") -> None:
        with self._lock:
            self._inside.pop(sequence.request.request_id, None)

    def find(self, request_id: str) -> "Sequence | None":
        with self._lock:
            return self._inside.get(request_id)

    def everybody(self) -> list["Sequence"]:
        """Those that wait or run, oldest first."""
        with self._lock:
            return list(self._inside.values())

    def close(self) -> None:
        """Let nobody in any more."""
        with self._lock:
            self.closed = True

    @property
    def _waiting(self) -> int:
        return max(0, len(self._inside) - self._max_running)

    def _refuses(self, prompt_tokens: int) -> bool:
        """Whether one more, with a prompt of so many tokens, is one too many."""
        if len(self._inside) >= self._max_inside:
            return True
        waiting = [s.prompt_length for s in self._inside.values() if s.clock.started is None] if self._waiting else []
        return bool(waiting) and sum(waiting) + prompt_tokens > self._max_waiting_tokens
