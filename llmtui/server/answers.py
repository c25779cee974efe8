"""The native API's answers: a generation and its tokens as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmtui.engine.events import Event, Failed, Finished, Lookahead, Started, Token
from llmtui.insight.trace import event_to_json, lookahead_to_json, token_to_json
from llmtui.server.errors import ApiError, cancelled, client_closed, error_object, failed, out_of_time
from llmtui.server.schemas import GenerateBody

Json = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """Turns the events of one request into what its client reads.

    device, request_id, cached  as they stand in the answer's metadata
    """

    body: GenerateBody
    device: str
    request_id: str
    cached: bool = False
    _started: Started | None = field(init=False, default=None)

    def whole(self, events: Iterable[Event]) -> Json:
        """The answer of a request that is not streamed. Raises ApiError if it failed, was cancelled or abandoned."""
        tokens: list[Token] = []
        lookaheads: list[Lookahead] = []
        for event in events:
            match event:
                case Started():
                    self._started = event
                case Token() if self.body.top_logprobs:
                    tokens.append(event)
                case Lookahead():
                    lookaheads.append(event)
                case Failed():
                    raise failed(event.error, self.request_id)
                case Finished():
                    answer = self._finished(event)
                    if self.body.top_logprobs:
                        answer["metadata"]["tokens"] = [self._token(t) for t in tokens[: event.text_tokens]]
                    if self.body.lookahead:
                        end = event.usage.prompt_tokens + event.text_tokens
                        answer["metadata"]["lookahead"] = [lookahead_to_json(a) for a in lookaheads if a.index < end]
                    return answer
                case _:
                    pass
        raise client_closed()

    def frames(self, events: Iterable[Event]) -> Iterator[Json]:
        """What the next events of a streamed request tell: tokens, then `finished` with the plain answer, or `failed`.

        Between them come `lookahead` events, some tokens after the one whose alternatives they continue.
        The deltas of all events, the last one's too, join to the continuation.
        """
        for event in events:
            match event:
                case Started():
                    self._started = event
                case Token():
                    yield {"event": "token", **self._token(event)}
                case Lookahead():
                    yield {"event": "lookahead", **lookahead_to_json(event)}
                case Failed():
                    yield failed_frame(failed(event.error, self.request_id))
                case Finished():
                    yield self._last_frame(event)
                case _:
                    pass

    def traced(self, events: Iterable[Event]) -> Iterator[Json]:
        """A streamed request with every event of the engine; why one failed stands in the server's log alone."""
        for event in events:
            frame = event_to_json(event)
            if isinstance(event, Failed):
                frame["error"] = failed(event.error, self.request_id).message
            yield frame

    def _last_frame(self, finished: Finished) -> Json:
        try:
            return {"event": "finished", "delta": finished.delta, **self._finished(finished)}
        except ApiError as error:
            return failed_frame(error)

    def _finished(self, finished: Finished) -> Json:
        """Raises ApiError if the request was cancelled in the server: half an answer is no success."""
        if finished.reason == "deadline" and not finished.usage.completion_tokens:
            raise out_of_time()
        started = self._started
        if started is None or finished.reason == "cancelled":
            raise cancelled()
        usage, timings, body = finished.usage, finished.timings, self.body
        return {
            "success": True,
            "prompt": body.prompt,
            "generated_text": body.prompt + finished.text,
            "inference_time_seconds": round(timings.total - timings.queued, 6),
            "parameters": {
                "max_length": started.prompt_tokens + started.max_tokens,
                "temperature": body.temperature,
                "top_k": body.top_k,
                "top_p": body.top_p,
            },
            "metadata": {
                "model": started.model,
                "device": self.device,
                "finish_reason": finished.reason,
                "stop": finished.stop,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
                "drafted_tokens": usage.drafted_tokens,
                "accepted_tokens": usage.accepted_tokens,
                "acceptance_rate": usage.acceptance_rate,
                "seed": started.seed,
                "queued_seconds": round(timings.queued, 6),
                "first_token_seconds": None if timings.first_token is None else round(timings.first_token, 6),
                "tokens_per_second": timings.tokens_per_second(usage.completion_tokens),
                "request_id": self.request_id,
                "cached": self.cached,
            },
        }

    def _token(self, token: Token) -> Json:
        facts = token_to_json(token)
        candidates = facts.pop("candidates")
        if self.body.top_logprobs:
            facts["top_logprobs"] = candidates[: self.body.top_logprobs]
        return facts


def failed_frame(error: ApiError) -> Json:
    """The last event of a stream that failed."""
    return {"event": "failed", **error_object(error)}
