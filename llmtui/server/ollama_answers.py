"""The answers of /api/generate and /api/chat, whole and streamed."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from llmtui.engine.events import Event, Finished, Timings, Token
from llmtui.server.errors import client_closed
from llmtui.server.logprobs import chat_items
from llmtui.server.model_card import rfc3339
from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest
from llmtui.server.portions import Portion, PortionReader, told_reason

Json = dict[str, Any]


class OllamaAnswer:
    """One answer; /api/generate has its text under `response`, /api/chat in a `message`.

    prompt_ids: what the model read; with the ids that it wrote they are the `context` to go on from. None: no context.
    """

    def __init__(
        self,
        body: GenerateRequest | ChatRequest,
        prompt_ids: tuple[int, ...] | None,
        request_id: str,
        load_seconds: float = 0.0,
    ) -> None:
        self._body = body
        self._is_chat = isinstance(body, ChatRequest)
        self._prompt_ids = prompt_ids
        self._reader = PortionReader(request_id)
        self._load_seconds = load_seconds
        self._ids: list[int] = []

    def idle(self, reason: Literal["load", "unload"]) -> Json:
        """Nothing was to be generated: the model has been loaded, or unloaded."""
        return self._line("") | {"done": True, "done_reason": reason}

    def whole(self, events: Iterable[tuple[int, Event]]) -> Json:
        """The answer in one piece. Raises ApiError if the generation failed, was cancelled or abandoned."""
        portions = list(self._portions(events))
        if not portions or portions[-1].finished is None:
            raise client_closed()
        text = "".join(portion.text for portion in portions)
        tokens = [token for portion in portions for token in portion.tokens]
        return self._line(text) | self._logprobs(tokens) | self._end(portions[-1].finished)

    def frames(self, events: Iterable[tuple[int, Event]]) -> Iterator[Json]:
        """The next lines of the answer; the last one holds no text but the counts, as clients expect."""
        for portion in self._portions(events):
            if portion.text or portion.tokens:
                yield self._line(portion.text) | self._logprobs(portion.tokens) | {"done": False}
            if portion.finished is not None:
                yield self._line("") | self._end(portion.finished)

    def _portions(self, events: Iterable[tuple[int, Event]]) -> Iterator[Portion]:
        for _, event in events:
            if isinstance(event, Token):
                self._ids.append(event.id)
            portion = self._reader.take(event)
            if portion is not None:
                yield portion

    def _line(self, text: str) -> Json:
        said = {"message": {"role": "assistant", "content": text}} if self._is_chat else {"response": text}
        return {"model": self._body.model, "created_at": rfc3339(time.time())} | said

    def _logprobs(self, tokens: list[Token]) -> Json:
        return {"logprobs": chat_items(tokens, self._body.top_logprobs or 0)} if self._body.logprobs else {}

    def _end(self, finished: Finished) -> Json:
        usage, timings = finished.usage, finished.timings
        context = {}
        if self._prompt_ids is not None:
            context = {"context": [*self._prompt_ids, *self._ids[: finished.text_tokens]]}
        return {
            "done": True,
            "done_reason": told_reason(finished),
            **context,
            "total_duration": nanoseconds(self._load_seconds + timings.total),
            "load_duration": nanoseconds(self._load_seconds),
            "prompt_eval_count": usage.prompt_tokens,
            "prompt_eval_duration": nanoseconds(timings.prefill),
            "eval_count": usage.completion_tokens,
            "eval_duration": eval_nanoseconds(timings),
        }


def eval_nanoseconds(timings: Timings) -> int:
    """How long the writing took, never 0: clients divide by it.

    Of an answer of one token, which the reading of the prompt gives, and of one that was kept: what the rest took.
    """
    return max(1, nanoseconds(timings.decode or timings.total - timings.queued - timings.prefill))


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
