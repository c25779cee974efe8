"""The answers of POST /v1/chat/completions, whole and streamed."""

from collections.abc import Iterable, Iterator
from typing import Any

from llmtui.engine import GenerationRequest
from llmtui.engine.events import Event, Usage
from llmtui.server.errors import client_closed
from llmtui.server.logprobs import chat_items
from llmtui.server.openai_completions import usage_json
from llmtui.server.openai_schemas import ChatBody
from llmtui.server.portions import Portion, PortionReader, told_reason

Json = dict[str, Any]


class ChatAnswers:
    """The n answers to one conversation."""

    def __init__(self, body: ChatBody, head: Json, request_id: str) -> None:
        self._body = body
        self._head = head
        self._readers = [PortionReader(request_id) for _ in range(body.answers)]
        self._usages: dict[int, Usage] = {}
        self._begun = False

    def requests(self, prompt_ids: tuple[int, ...], stop: tuple[str, ...], client: str) -> list[GenerationRequest]:
        """What the engine has to do. stop: what the plain template adds to the request's own stop texts."""
        body = self._body
        wanted = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
        stops = body.model_copy(update={"stop": [*(body.stop or ()), *stop]})
        return [
            GenerationRequest(
                prompt_ids=prompt_ids,
                params=stops.sampling(answer, max_tokens=wanted, top_logprobs=body.top_logprobs or 0),
                client=client,
            )
            for answer in range(body.answers)
        ]

    def whole(self, events: Iterable[tuple[int, Event]]) -> Json:
        """The answer in one piece. Raises ApiError if a generation failed, was cancelled or abandoned."""
        parts: list[list[Portion]] = [[] for _ in self._readers]
        for index, portion in self._portions(events):
            parts[index].append(portion)
        if len(self._usages) < len(self._readers):
            raise client_closed()
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": "".join(p.text for p in portions), "refusal": None},
                "logprobs": self._logprobs(Portion("", [token for p in portions for token in p.tokens])),
                "finish_reason": None if portions[-1].finished is None else told_reason(portions[-1].finished),
            }
            for index, portions in enumerate(parts)
        ]
        return self._head | {"object": "chat.completion", "choices": choices, "usage": self._usage()}

    def frames(self, events: Iterable[tuple[int, Event]]) -> Iterator[Json]:
        """The next chunks: first each answer's role, then its content, its finish_reason alone; last of all the usage.

        The usage only if it was asked for.
        """
        if not self._begun:
            self._begun = True
            for index in range(len(self._readers)):
                yield self._chunk(index, {"role": "assistant", "content": "", "refusal": None})
        for index, portion in self._portions(events):
            if portion.text or portion.tokens:
                yield self._chunk(index, {"content": portion.text}, self._logprobs(portion))
            if portion.finished is not None:
                yield self._chunk(index, {}, reason=told_reason(portion.finished))
        if self._body.wants_usage and len(self._usages) == len(self._readers):
            yield self._head | {"object": "chat.completion.chunk", "choices": [], "usage": self._usage()}

    def _portions(self, events: Iterable[tuple[int, Event]]) -> Iterator[tuple[int, Portion]]:
        for index, event in events:
            portion = self._readers[index].take(event)
            if portion is None:
                continue
            if portion.finished is not None:
                self._usages[index] = portion.finished.usage
            yield index, portion

    def _chunk(self, index: int, delta: Json, logprobs: Json | None = None, reason: str | None = None) -> Json:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        usage = {"usage": None} if self._body.wants_usage else {}
        return self._head | {"object": "chat.completion.chunk", "choices": [choice]} | usage

    def _logprobs(self, portion: Portion) -> Json | None:
        if not self._body.logprobs:
            return None
        return {"content": chat_items(portion.tokens, self._body.top_logprobs or 0), "refusal": None}

    def _usage(self) -> Json:
        used = [self._usages[index] for index in sorted(self._usages)]
        return usage_json(used[:1], used)
