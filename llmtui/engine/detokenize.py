"""From token ids to true bytes to text, one token at a time; and the stop strings on the way."""

import codecs
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@cache
def byte_alphabet() -> dict[str, int]:
    """The 256 characters by which byte-level BPE writes bytes (GPT-2's bytes_to_unicode, inverted)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


class Pieces:
    """The true bytes of every token of one tokenizer.

    Byte-level BPE and SentencePiece vocabularies are inverted exactly. Of other kinds only the decoded text of a token
    is known, and its UTF-8 is taken.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._added: dict[int, str] = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items()}
        self._special = frozenset(tokenizer.all_special_ids) | {
            i for i, token in tokenizer.added_tokens_decoder.items() if token.special
        }
        self._known: dict[int, bytes] = {}
        decoders = _decoder_names(tokenizer)
        self._byte_level = "ByteLevel" in decoders
        self._sentencepiece = not self._byte_level and bool({"ByteFallback", "Metaspace"} & decoders)
        self._strips = self._sentencepiece and "Strip" in decoders
        self._strips_mark = self._sentencepiece and "Metaspace" in decoders

    def is_special(self, token_id: int) -> bool:
        """Whether the token is a mark of the format (end of text, a role), which is no text."""
        return token_id in self._special

    def bytes_of(self, token_id: int) -> bytes:
        """The bytes that the token stands for; empty for an id without a token."""
        known = self._known.get(token_id)
        if known is None:
            known = self._known[token_id] = self._invert(token_id)
        return known

    def first_bytes_of(self, token_id: int) -> bytes:
        """The bytes of a token at the beginning of a text, where SentencePiece drops the space it put there itself."""
        data = self.bytes_of(token_id)
        marked = self._strips_mark and not _BYTE_TOKEN.fullmatch(self._tokenizer.convert_ids_to_tokens(token_id) or "")
        return data.removeprefix(b" ") if self._strips or marked else data

    def _invert(self, token_id: int) -> bytes:
        if token_id in self._added:
            return self._added[token_id].encode("utf-8", errors="surrogatepass")
        token = self._tokenizer.convert_ids_to_tokens(token_id)
        if token is None:
            return b""
        if self._byte_level and all(char in byte_alphabet() for char in token):
            return bytes(byte_alphabet()[char] for char in token)
        if self._sentencepiece:
            byte = _BYTE_TOKEN.fullmatch(token)
            return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()
        return str(self._tokenizer.decode([token_id])).encode()


class TextDecoder:
    """Bytes in, whole characters out. Bytes that can be no UTF-8 come out as U+FFFD, as every decoder writes them."""

    def __init__(self, pieces: Pieces, *, at_start: bool = False) -> None:
        self._pieces = pieces
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._at_start = at_start

    def push(self, token_id: int) -> str:
        """The characters that this token completed; special tokens are no text."""
        if self._pieces.is_special(token_id):
            return self.flush()
        bytes_of = self._pieces.first_bytes_of if self._at_start else self._pieces.bytes_of
        self._at_start = False
        return self._utf8.decode(bytes_of(token_id))

    @property
    def pending(self) -> bool:
        """Whether a character is begun but not finished."""
        return bool(self._utf8.getstate()[0])

    def flush(self) -> str:
        """End here: an unfinished character comes out as U+FFFD."""
        text = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return text


def text_of(pieces: Pieces, ids: Iterable[int], *, at_start: bool = True) -> str:
    """The text of a whole sequence of token ids, special tokens left out."""
    decoder = TextDecoder(pieces, at_start=at_start)
    return "".join(decoder.push(token_id) for token_id in ids) + decoder.flush()


@dataclass(frozen=True, slots=True)
class StopMatch:
    """A stop string was found; `start` is its offset in the text, in characters."""

    stop: str
    start: int


class StopFinder:
    """Holds text back while it may be the beginning of a stop string, and cuts the first one that completes.

    The outcome does not depend on how the text is cut into pushes: of several stop strings, the one that ends first
    wins, and among those that end together the one that begins first.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self._released = 0
        self.match: StopMatch | None = None

    def push(self, text: str) -> str:
        """The text that may be shown now. After a match nothing more comes out."""
        if self.match is not None:
            return ""
        if not self._stops:
            return text
        self._held += text
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            _, at, stop = min(found)
            self.match = StopMatch(stop, self._released + at)
            return self._release(at)
        return self._release(len(self._held) - self._longest_beginning())

    def flush(self) -> str:
        """The text still held back, when no more text will come."""
        return "" if self.match is not None else self._release(len(self._held))

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        self._released += len(text)
        return text

    def _longest_beginning(self) -> int:
        """Length of the longest end of the held text with which a stop string begins."""
        longest = min(len(self._held), max(len(stop) for stop in self._stops) - 1)
        return next(
            (n for n in range(longest, 0, -1) if any(stop.startswith(self._held[-n:]) for stop in self._stops)), 0
        )


def _decoder_names(tokenizer: Any) -> set[str]:
    """The decoder steps of a tokenizer, by type; empty for tokenizers without a fast backend."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return set()
    decoder = json.loads(backend.to_str())["decoder"] or {}
    return {step["type"] for step in decoder.get("decoders", [decoder]) if "type" in step}
