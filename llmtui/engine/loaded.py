"""A model that is ready: weights, tokenizer, and what turns a request into a sequence of it."""

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from typing import Any

from llmtui.engine.detokenize import Pieces, text_of
from llmtui.engine.errors import ParameterError
from llmtui.engine.loads import ModelInfo
from llmtui.engine.pace import Pace
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.runner import Runner
from llmtui.engine.scheduler import Slice
from llmtui.engine.sequence import Sequence
from llmtui.engine.telemetry import RawRow, raw_rows
from llmtui.engine.watching import WatchedStream


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """Weights and tokenizer as transformers made them; tensors are the engine thread's, the tokenizer is anybody's.

    pace: how large its steps may be, as far as they were measured.
    """

    info: ModelInfo
    model: Any
    tokenizer: Any
    pieces: Pieces
    runner: Runner
    eos_ids: frozenset[int]
    pace: Pace = field(default_factory=Pace)

    def encode(self, request: GenerationRequest) -> list[int]:
        """The request's prompt as token ids; raises ParameterError for one that cannot be."""
        if request.messages is not None:
            return self._encode_chat(request)
        if request.prompt_ids is not None:
            return self._checked(request.prompt_ids)
        assert request.prompt is not None
        return self.tokenize(request.prompt)

    def tokenize(self, text: str) -> list[int]:
        _refuse_surrogates("prompt", text)
        ids: list[int] = self.tokenizer(text, verbose=False)["input_ids"]
        if not ids:
            raise ParameterError("prompt", "is empty for this model's tokenizer: write some text")
        return ids

    def detokenize(self, ids: Iterable[int]) -> str:
        return text_of(self.pieces, self._checked(ids))

    def bytes_of(self, ids: Iterable[int]) -> list[bytes]:
        return [self.pieces.bytes_of(i) for i in self._checked(ids)]

    def begin(
        self, request: GenerationRequest, stream: WatchedStream, prompt_ids: list[int], max_tokens: int
    ) -> Sequence:
        """A new sequence of this model, not yet scheduled."""
        outside = [i for i in request.params.logit_bias if i >= self.info.vocab_size]
        if outside:
            raise ParameterError("logit_bias", f"names token {outside[0]}, the vocabulary has {self.info.vocab_size}")
        if request.params.speculate and not self.runner.rewinds:
            problem = f"needs a cache that can take tokens back, which {self.info.name} does not have: set it to 0"
            raise ParameterError("speculate", problem)
        if request.params.lookahead and not self.runner.packs:
            problem = f"needs rows beside the real ones, and {self.info.name} runs {self.runner.path}: set it to 0"
            raise ParameterError("lookahead", problem)
        return Sequence(request, stream, self, prompt_ids, max_tokens)

    def compute(self, work: SequenceOf[Slice]) -> list[list[RawRow]]:
        """One forward: of each slice the facts of its rows, of the last one alone unless it wants `all_rows`."""
        logits, counts = self.runner.forward(work)
        rows = iter(raw_rows(logits))
        return [[next(rows) for _ in range(count)] for count in counts]

    def _checked(self, ids: Iterable[int]) -> list[int]:
        checked = list(ids)
        for i in checked:
            if isinstance(i, bool) or not isinstance(i, int) or not 0 <= i < self.info.vocab_size:
                raise ParameterError("prompt", f"holds {i!r}, which is no token id below {self.info.vocab_size}")
        return checked

    def _encode_chat(self, request: GenerationRequest) -> list[int]:
        """Rendered with the model's own chat template; control tokens typed by a person are taken as text."""
        from jinja2.exceptions import TemplateError

        if not self.info.has_chat_template:
            raise ParameterError("messages", f"need a chat template, and {self.info.name} has none: send a prompt")
        assert request.messages is not None
        for message in request.messages:
            _refuse_surrogates("messages", message.role + message.content)
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        try:
            encoded = self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_dict=True, sanitize_control_tokens=True
            )
        except TemplateError as error:
            raise ParameterError("messages", f"do not fit the model's chat template: {error}") from None
        ids: list[int] = encoded["input_ids"]
        if not ids:
            raise ParameterError("messages", "make no prompt by this model's chat template: write some text")
        return ids


def _refuse_surrogates(name: str, text: str) -> None:
    """Raises ParameterError for a text that no UTF-8 can tell."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParameterError(name, "must be text, which half of a surrogate pair is not: send UTF-8") from None
