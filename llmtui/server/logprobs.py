"""Log-probabilities in OpenAI's two shapes: natural logs of the RAW distribution, as vLLM and Ollama report them."""

import math
from collections.abc import Sequence
from typing import Any

from llmtui.engine.events import Candidate, Token

LOWEST = -9999.0  # JSON has no minus infinity

Json = dict[str, Any]


def text_of_bytes(data: bytes) -> str:
    """A token's text; a part of a character becomes U+FFFD, its true bytes stand beside it."""
    return data.decode("utf-8", errors="replace")


def legacy_text(data: bytes) -> str:
    """A token as the legacy shape writes it: a part of a character as `bytes:\\xe2\\x80`, so that parts stay apart."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def clamped(logprob: float) -> float:
    return max(LOWEST, logprob) if math.isfinite(logprob) else LOWEST


def chat_item(token: Token, top: int) -> Json:
    """A token in the shape of chat's `logprobs.content`, which Ollama uses, too: true bytes, `top` candidates."""
    return _item(token.bytes, token.logprob) | {
        "top_logprobs": [_item(c.bytes, c.logprob) for c in token.candidates[:top]]
    }


def chat_items(tokens: Sequence[Token], top: int) -> list[Json]:
    return [chat_item(token, top) for token in tokens]


def _item(data: bytes, logprob: float | None) -> Json:
    return {
        "token": text_of_bytes(data),
        "bytes": list(data),
        "logprob": LOWEST if logprob is None else clamped(logprob),
    }


class LegacyLogprobs:
    """The four parallel arrays of /v1/completions.

    The candidates are keyed by text, under which tokens fall together that read alike. So there are two arrays more:
    `token_ids`, and `top_logprobs_by_id` with the candidates keyed by token id.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._offset = 0

    def of(self, tokens: Sequence[Token]) -> Json:
        """The arrays for the next tokens of a text. text_offset: characters from the beginning of the text."""
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token.text)
        tops = [self._candidates(token) for token in tokens]
        return {
            "tokens": [legacy_text(token.bytes) for token in tokens],
            "token_logprobs": [None if token.logprob is None else clamped(token.logprob) for token in tokens],
            "top_logprobs": [None if top is None else _by_text(top) for top in tops],
            "text_offset": offsets,
            "token_ids": [token.id for token in tokens],
            "top_logprobs_by_id": [
                None if top is None else {str(c.id): clamped(c.logprob) for c in top} for top in tops
            ],
        }

    def go_to(self, offset: int) -> None:
        """The next token begins `offset` characters into the text."""
        self._offset = offset

    def _candidates(self, token: Token) -> list[Candidate] | None:
        """The most probable ones and the token itself; None for a text's first token, which nothing predicts."""
        if token.logprob is None:
            return None
        top = list(token.candidates[: self._top])
        if all(candidate.id != token.id for candidate in top):
            top.append(Candidate(token.id, token.bytes, token.logprob, None))
        return top


def _by_text(candidates: Sequence[Candidate]) -> dict[str, float]:
    by_text: dict[str, float] = {}
    for candidate in candidates:  # most probable first, and the first of a text counts
        by_text.setdefault(legacy_text(candidate.bytes), clamped(candidate.logprob))
    return by_text
