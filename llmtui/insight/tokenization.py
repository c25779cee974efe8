"""How a tokenizer cuts a text: ids, true bytes and byte offsets. Needs the tokenizer alone, no weights."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from llmtui.engine.detokenize import Pieces, text_of
from llmtui.engine.errors import ParameterError
from llmtui.models.errors import ModelUnsupported

logger = logging.getLogger(__name__)

# transformers takes the tokenizer.json of these classes as it stands; others it may rebuild.
_AS_IT_STANDS = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})
_CHANGES_IT = frozenset({"add_bos_token", "add_eos_token", "add_prefix_space", "split_special_tokens"})
_SPECIAL_KEYS = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
Offsets = Literal["bytes", "characters", "none"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a text.

    bytes       the token's true bytes; they may be a part of a character
    start, end  its place in the text's UTF-8; None for a token that stands for none of it
    special     whether it is a mark of the format (end of text, a role)
    added       whether the tokenizer put it there itself
    """

    index: int
    id: int
    bytes: bytes
    start: int | None
    end: int | None
    special: bool
    added: bool


@dataclass(frozen=True, slots=True)
class Tokenization:
    """A text and its tokens.

    offsets  "bytes": the tokens' bytes joined are the text's own. "characters": the tokenizer normalises the text, so
             that tokens which share a character each get all of it. "none": it does not tell.
    """

    text: str
    pieces: tuple[Piece, ...]
    offsets: Offsets

    @property
    def own(self) -> int:
        """How many tokens stand for the text: without those that the tokenizer added."""
        return sum(not piece.added for piece in self.pieces)

    @property
    def characters_per_token(self) -> float | None:
        """Unicode characters of the text for each of its tokens; None for an empty text."""
        return len(self.text) / self.own if self.own else None

    @property
    def bytes_per_token(self) -> float | None:
        return len(self.text.encode()) / self.own if self.own else None


class TokenizerFile:
    """A tokenizer.json behind the few names that `Pieces` asks for: what transformers would say, without importing it.

    transformers needs torch before it can read a tokenizer, which takes seconds.
    """

    def __init__(self, path: Path) -> None:
        self.backend_tokenizer = Tokenizer.from_file(str(path))

    @cached_property
    def added_tokens_decoder(self) -> dict[int, Any]:
        return dict(self.backend_tokenizer.get_added_tokens_decoder())

    @property
    def all_special_ids(self) -> list[int]:
        return [i for i, token in self.added_tokens_decoder.items() if token.special]

    def convert_ids_to_tokens(self, token_id: int) -> str | None:
        token: str | None = self.backend_tokenizer.id_to_token(token_id)
        return token

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.backend_tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    def __len__(self) -> int:
        size: int = self.backend_tokenizer.get_vocab_size(with_added_tokens=True)
        return size


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder: its tokenizer.json where that is all there is to it, else transformers' own.

    Raises ModelUnsupported if it cannot be read.
    """
    try:
        if _stands_alone(folder):
            tokenizer: Any = TokenizerFile(folder / "tokenizer.json")
        else:
            from llmtui.engine.imports import import_heavy_libraries

            import_heavy_libraries()
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        # tokenizers raises a bare Exception for a broken file
        logger.info("reading the tokenizer in %s failed", folder, exc_info=True)
        raise ModelUnsupported(f"{folder}: its tokenizer could not be read: {_first_line(error)}") from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_truncation()
        backend.no_padding()
    return tokenizer


def tokenize(tokenizer: Any, text: str) -> Tokenization:
    """Cut a text into tokens, as the model's prompt is. Raises ParameterError for what is no UTF-8 text."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParameterError("text", "is not UTF-8") from None
    pieces = Pieces(tokenizer)
    ids, added, spans = _encode(tokenizer, text)
    places = _exact_places(pieces, ids, added, data)
    offsets: Offsets = "bytes"
    if places is None and spans is not None:
        offsets, places = "characters", _in_bytes(spans, added, text)
    elif places is None:
        offsets, places = "none", [None] * len(ids)
    return Tokenization(
        text,
        tuple(
            Piece(
                index=index,
                id=token_id,
                bytes=pieces.bytes_of(token_id),
                start=place[0] if place else None,
                end=place[1] if place else None,
                special=pieces.is_special(token_id),
                added=is_added,
            )
            for index, (token_id, place, is_added) in enumerate(zip(ids, places, added, strict=True))
        ),
        offsets,
    )


def detokenize(tokenizer: Any, ids: Sequence[int]) -> Tokenization:
    """The text of token ids, special tokens left out, with the bytes of each token.

    Raises ParameterError for an id that the vocabulary does not have.
    """
    pieces = Pieces(tokenizer)
    for token_id in ids:
        if not 0 <= token_id < len(tokenizer) or tokenizer.convert_ids_to_tokens(token_id) is None:
            raise ParameterError("decode", f"holds {token_id}, which is no token: there are {len(tokenizer)}")
    return Tokenization(
        text_of(pieces, ids),
        tuple(
            Piece(index, token_id, pieces.bytes_of(token_id), None, None, pieces.is_special(token_id), False)
            for index, token_id in enumerate(ids)
        ),
        "none",
    )


def told_tokenization(text: str, tokens: Sequence[tuple[int, bytes, bool]]) -> Tokenization:
    """A text and its tokens as a server tells them: id, true bytes, and whether it is a mark of the format.

    Special tokens around the others count as added where the bytes of the others are the text's own.
    """
    data = text.encode("utf-8")
    added = [False] * len(tokens)
    if b"".join(part for _, part, _ in tokens) != data:
        added = [special for _, _, special in tokens]
    exact = b"".join(part for (_, part, _), skipped in zip(tokens, added, strict=True) if not skipped) == data
    pieces, place = [], 0
    for index, ((token_id, part, special), skipped) in enumerate(zip(tokens, added, strict=True)):
        here = exact and not skipped
        start, end = (place, place + len(part)) if here else (None, None)
        place += len(part) if here else 0
        pieces.append(Piece(index, token_id, part, start, end, special, exact and skipped))
    return Tokenization(text, tuple(pieces), "bytes" if exact else "none")


def _encode(tokenizer: Any, text: str) -> tuple[list[int], list[bool], list[tuple[int, int]] | None]:
    """Ids, which of them the tokenizer added itself, and their characters in the text where it knows them."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        encoding = backend.encode(text)
        return list(encoding.ids), [bool(mask) for mask in encoding.special_tokens_mask], list(encoding.offsets)
    encoded = tokenizer(text, return_special_tokens_mask=True, verbose=False)
    ids: list[int] = encoded["input_ids"]
    return ids, [bool(mask) for mask in encoded["special_tokens_mask"]], None


def _exact_places(
    pieces: Pieces, ids: list[int], added: list[bool], data: bytes
) -> list[tuple[int, int] | None] | None:
    """Where each token lies in `data`, if the tokens' bytes joined are `data`; else None."""
    for first_bytes_of in (pieces.bytes_of, pieces.first_bytes_of):
        places: list[tuple[int, int] | None] = []
        joined = b""
        for token_id, is_added in zip(ids, added, strict=True):
            if is_added:
                places.append(None)
                continue
            part = (pieces.bytes_of if joined else first_bytes_of)(token_id)
            places.append((len(joined), len(joined) + len(part)))
            joined += part
        if joined == data:
            return places
    return None


def _in_bytes(spans: list[tuple[int, int]], added: list[bool], text: str) -> list[tuple[int, int] | None]:
    ends = [0]
    for character in text:
        ends.append(ends[-1] + len(character.encode()))
    return [None if is_added else (ends[start], ends[end]) for (start, end), is_added in zip(spans, added, strict=True)]


def _stands_alone(folder: Path) -> bool:
    """Whether transformers would take the folder's tokenizer.json as it stands."""
    if not (folder / "tokenizer.json").is_file() or not (folder / "tokenizer_config.json").is_file():
        return False
    config = json.loads((folder / "tokenizer_config.json").read_bytes())
    if config.get("tokenizer_class") not in _AS_IT_STANDS or _CHANGES_IT & config.keys():
        return False
    known = {token["content"] for token in json.loads((folder / "tokenizer.json").read_bytes())["added_tokens"]}
    named = [config.get(key) for key in _SPECIAL_KEYS] + list(config.get("additional_special_tokens") or ())
    return all(token is None or (isinstance(token, str) and token in known) for token in named)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
