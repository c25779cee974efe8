"""Tokens, bytes and offsets against transformers' own tokenizers and against the text itself."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from llmtui.engine.errors import ParameterError
from llmtui.insight.tokenization import TokenizerFile, detokenize, read_tokenizer, tokenize
from llmtui.models.catalog import embedded_path
from llmtui.models.errors import ModelUnsupported

TEXTS = [
    "Once upon a time",
    "Héllo\r\n\tworld 🦊👨‍👩‍👧 <|end|>\x1b[31m \u202e",
    "   leading and    many   spaces  ",
    "日本語テキスト and العربية",
    "e\u0301 ﬁ ½ \x00",
]
CORPUS = ["the quick brown fox jumps over the lazy dog", "Once upon a time there was a mouse", "Héllo wörld"] * 20


def train(tokenizer: Tokenizer, alphabet: list[str] | None = None) -> Tokenizer:
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)],
        initial_alphabet=alphabet or [],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, **fields: object) -> Path:
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", **fields).save_pretrained(folder)
    return folder


def sentencepiece_folder(folder: Path) -> Path:
    """As Llama 2's: a space put before the text, unknown characters as bytes, a beginning-of-text token."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    bpe.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    train(bpe)
    # byte tokens are ordinary tokens, not special ones
    state = json.loads(bpe.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    bpe = Tokenizer.from_str(json.dumps(state))
    bpe.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return save(bpe, folder, bos_token="<s>")


def lower_casing_folder(folder: Path) -> Path:
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    bpe.pre_tokenizer = pre_tokenizers.Whitespace()
    return save(train(bpe), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made = {"tiny-tales": embedded_path()}

    def folder(kind: str) -> Path:
        if kind not in made:
            make = {"sentencepiece": sentencepiece_folder, "lower-casing": lower_casing_folder}[kind]
            made[kind] = make(tmp_path_factory.mktemp(kind))
        return made[kind]

    return folder


@pytest.mark.parametrize("kind", ["tiny-tales", "sentencepiece", "lower-casing"])
@pytest.mark.parametrize("text", TEXTS)
def test_ids_and_places_equal_those_of_transformers(folder: Callable[[str], Path], kind: str, text: str) -> None:
    theirs = AutoTokenizer.from_pretrained(folder(kind))(
        text, return_offsets_mapping=True, return_special_tokens_mask=True
    )
    ours = tokenize(read_tokenizer(folder(kind)), text)
    assert [piece.id for piece in ours.pieces] == theirs["input_ids"]
    assert [piece.added for piece in ours.pieces] == [bool(mask) for mask in theirs["special_tokens_mask"]]
    for piece, (start, end) in zip(ours.pieces, theirs["offset_mapping"], strict=True):
        if not piece.added:
            assert piece.start is not None
            assert piece.end is not None
            # transformers knows whole characters: ours lies within them
            assert len(text[:start].encode()) <= piece.start <= piece.end <= len(text[:end].encode())


@pytest.mark.parametrize("kind", ["tiny-tales", "sentencepiece"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=40))
def test_bytes_of_the_tokens_are_the_bytes_of_the_text(folder: Callable[[str], Path], kind: str, text: str) -> None:
    tokens = tokenize(cached(folder(kind)), text)
    own = [piece for piece in tokens.pieces if not piece.added]
    if tokens.offsets == "bytes":
        data = text.encode()
        for piece in own:
            assert piece.start is not None
            # SentencePiece puts a space before the text, which is not the text's own
            assert data[piece.start : piece.end] in (piece.bytes, piece.bytes.removeprefix(b" "))
        assert [piece.start for piece in own] == [0] + [piece.end for piece in own[:-1]]
        assert own[-1].end == len(data)
    else:
        assert kind == "sentencepiece"


_tokenizers: dict[Path, Any] = {}


def cached(path: Path) -> Any:
    if path not in _tokenizers:
        _tokenizers[path] = read_tokenizer(path)
    return _tokenizers[path]


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_text_comes_back_from_its_ids(text: str) -> None:
    tokenizer = cached(embedded_path())
    tokens = tokenize(tokenizer, text)
    # a mark of the format that someone typed is no text any more
    assume(not any(piece.special for piece in tokens.pieces))
    back = detokenize(tokenizer, [piece.id for piece in tokens.pieces])
    assert back.text == text
    assert [piece.bytes for piece in back.pieces] == [piece.bytes for piece in tokens.pieces]


def test_ratio_counts_the_texts_own_tokens_alone(folder: Callable[[str], Path]) -> None:
    tokens = tokenize(read_tokenizer(folder("sentencepiece")), "Once upon")
    assert tokens.pieces[0].added
    assert tokens.pieces[0].start is None
    assert tokens.own == len(tokens.pieces) - 1
    assert tokens.characters_per_token == pytest.approx(len("Once upon") / tokens.own)


def test_special_tokens_typed_in_the_text_have_their_place() -> None:
    tokens = tokenize(read_tokenizer(embedded_path()), "a<|end|>b")
    assert [(p.bytes, p.start, p.end, p.special, p.added) for p in tokens.pieces] == [
        (b"a", 0, 1, False, False),
        (b"<|end|>", 1, 8, True, False),
        (b"b", 8, 9, False, False),
    ]


def test_ids_outside_the_vocabulary_name_the_option() -> None:
    with pytest.raises(ParameterError, match="decode holds 5120"):
        detokenize(read_tokenizer(embedded_path()), [5, 5120])


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ParameterError, match="text is not UTF-8"):
        tokenize(read_tokenizer(embedded_path()), "\ud83e")


def test_broken_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded_path() / name, tmp_path / name)
    (tmp_path / "tokenizer.json").write_text('{"added_tokens": [], "model": 7}')
    with pytest.raises(ModelUnsupported, match="its tokenizer could not be read"):
        read_tokenizer(tmp_path)


def test_tokenizer_that_transformers_would_change_is_read_by_transformers(tmp_path: Path) -> None:
    assert isinstance(read_tokenizer(embedded_path()), TokenizerFile)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded_path() / name, tmp_path / name)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"add_bos_token": True}))
    theirs = AutoTokenizer.from_pretrained(tmp_path)("hello")["input_ids"]
    assert [piece.id for piece in tokenize(read_tokenizer(tmp_path), "hello").pieces] == theirs
