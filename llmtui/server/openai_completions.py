"""The answers of POST /v1/completions, whole and streamed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmtui.engine import GenerationRequest
from llmtui.engine.events import Event, Finished, Token, Usage
from llmtui.server.errors import client_closed
from llmtui.server.logprobs import LegacyLogprobs
from llmtui.server.openai_schemas import DEFAULT_COMPLETION_TOKENS, CompletionBody
from llmtui.server.portions import PortionReader, told_reason

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as text, which echo gives back, and as the token ids that the model reads."""

    text: str
    ids: tuple[int, ...]


class Choice:
    """One answer: the texts and log-probabilities that its generation's events add to it."""

    def __init__(self, index: int, prompt: Prompt, body: CompletionBody, request_id: str) -> None:
        self.index = index
        self.usage: Usage | None = None
        self._prompt = prompt
        self._body = body
        self._reader = PortionReader(request_id)
        self._begun = False
        self._logprobs = None if body.logprobs is None else LegacyLogprobs(body.logprobs)

    def take(self, event: Event) -> Json | None:
        """What an event adds, in the shape of `choices`; `finish_reason` is null in all but the last."""
        portion = self._reader.take(event)
        if portion is None and not isinstance(event, Token):
            return None
        text, tokens = ("", []) if portion is None else (portion.text, portion.tokens)
        finished = None if portion is None else portion.finished
        if self._body.max_tokens == 0:  # the engine draws one token at least; here it is not wanted
            text, tokens = "", []
        echo = self._echo()
        if finished is not None:
            drawn = 0 if self._body.max_tokens == 0 else finished.usage.completion_tokens
            self.usage = replace(finished.usage, completion_tokens=drawn)
        elif not (echo or text or tokens):
            return None
        return {
            "index": self.index,
            "text": echo + text,
            "logprobs": self._arrays(tokens, with_prompt=bool(echo)),
            "finish_reason": None if finished is None else self._reason(finished),
        }

    def _echo(self) -> str:
        if self._begun or not self._body.echo:
            return ""
        self._begun = True
        return self._prompt.text

    def _reason(self, finished: Finished) -> str:
        return "length" if self._body.max_tokens == 0 else told_reason(finished)

    def _arrays(self, tokens: list[Token], *, with_prompt: bool) -> Json | None:
        if self._logprobs is None:
            return None
        if not with_prompt:
            return self._logprobs.of(tokens)
        prompt = self._logprobs.of(self._reader.prompt)
        self._logprobs.go_to(len(self._prompt.text))
        return joined(prompt, self._logprobs.of(tokens))


class CompletionAnswers:
    """All answers to one request, prompt by prompt: the answer j to prompt i has the index i * n + j."""

    def __init__(self, body: CompletionBody, prompts: list[Prompt], head: Json, request_id: str) -> None:
        self._body = body
        self._prompts = prompts
        self._head = head
        each = [prompt for prompt in prompts for _ in range(body.answers)]
        self._choices = [Choice(i, prompt, body, request_id) for i, prompt in enumerate(each)]

    def requests(self, client: str) -> list[GenerationRequest]:
        """What the engine has to do, in the order of the choices."""
        body = self._body
        wanted = DEFAULT_COMPLETION_TOKENS if body.max_tokens is None else body.max_tokens
        scored = bool(body.echo) and body.logprobs is not None
        return [
            GenerationRequest(
                prompt_ids=prompt.ids,
                params=body.sampling(
                    answer, max_tokens=max(1, wanted), top_logprobs=body.logprobs or 0, prompt_logprobs=scored
                ),
                client=client,
            )
            for prompt in self._prompts
            for answer in range(body.answers)
        ]

    def whole(self, events: Iterable[tuple[int, Event]]) -> Json:
        """The answer in one piece. Raises ApiError if a generation failed, was cancelled or abandoned."""
        parts: list[list[Json]] = [[] for _ in self._choices]
        for index, event in events:
            added = self._choices[index].take(event)
            if added is not None:
                parts[index].append(added)
        if any(choice.usage is None for choice in self._choices):
            raise client_closed()
        return self._head | {"choices": [_merged(added) for added in parts], "usage": self._usage()}

    def frames(self, events: Iterable[tuple[int, Event]]) -> Iterator[Json]:
        """The next chunks, which belong together by `index`; after the last one the usage, if it was asked for."""
        usage = {"usage": None} if self._body.wants_usage else {}
        for index, event in events:
            added = self._choices[index].take(event)
            if added is not None:
                yield self._head | {"choices": [added]} | usage
        if self._body.wants_usage and all(choice.usage is not None for choice in self._choices):
            yield self._head | {"choices": [], "usage": self._usage()}

    def _usage(self) -> Json:
        used = [choice.usage for choice in self._choices if choice.usage is not None]
        # the answers to one prompt share it
        return usage_json(used[:: self._body.answers], used)


def usage_json(prompts: Sequence[Usage], answers: Sequence[Usage]) -> Json:
    """Tokens read, of one answer to each prompt, and written, of all answers.

    cached_tokens: of those read, how many need not be computed because an earlier request began alike
    """
    prompt_tokens = sum(usage.prompt_tokens for usage in prompts)
    completion_tokens = sum(usage.completion_tokens for usage in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": sum(usage.cached_tokens for usage in prompts)},
    }


def joined(first: Json, second: Json) -> Json:
    """Two sets of parallel arrays as one."""
    return {name: first[name] + second[name] for name in first}


def _merged(parts: list[Json]) -> Json:
    """The parts of one answer as the whole."""
    logprobs = parts[0]["logprobs"]
    for part in parts[1:]:
        logprobs = None if logprobs is None else joined(logprobs, part["logprobs"])
    return parts[-1] | {"text": "".join(part["text"] for part in parts), "logprobs": logprobs}
