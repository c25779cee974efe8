"""What a model folder holds and whether llmtui can run it: read from its files, nothing is loaded."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtui.models.safetensors_header import HeaderError, TensorHeader, read_header
from llmtui.models.weights import WeightCounts, count_weights

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
)
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
MAX_JSON_BYTES = 64_000_000
# Base checkpoints (GPT2Model) and those without a name are run as language models if their type is one of these.
DECODER_TYPES = frozenset(
    {"bloom", "falcon", "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neo", "gpt_neox", "gptj", "llama", "mistral"}
    | {"mixtral", "opt", "phi", "phi3", "qwen2", "qwen3"}
)


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """A model folder in plain facts.

    incomplete   why it cannot be run yet: something is missing that a download may bring
    unsupported  why it will never run here: another task, a broken config
    """

    architecture: str | None = None
    weights: WeightCounts | None = None
    size_bytes: int = 0
    context: int | None = None
    has_chat_template: bool = False
    dtype: str | None = None
    incomplete: str | None = None
    unsupported: str | None = None


class BrokenFile(ValueError):
    """A JSON file of the folder cannot be read; the message is half a sentence that names it."""


def inspect_folder(path: Path) -> FolderFacts:
    """The facts of the model in `path`; what is wrong stands in `incomplete` or `unsupported`, nothing is raised."""
    try:
        return _inspect(path)
    except BrokenFile as error:
        return FolderFacts(unsupported=str(error))
    except OSError as error:
        return FolderFacts(unsupported=f"cannot be read: {error.strerror or error}")


def text_generation_problem(config: Mapping[str, Any]) -> str | None:
    """Why the model of this config.json does not continue text, or None if it does."""
    architecture = _architecture(config)
    if config.get("is_encoder_decoder"):
        return f"{architecture or 'it'} is an encoder-decoder model, llmtui runs decoder-only language models"
    if config.get("model_type") in DECODER_TYPES and (architecture is None or architecture.endswith("Model")):
        return None
    if architecture is None:
        return "config.json names no architecture"
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return None
    if architecture.endswith("ForConditionalGeneration") and isinstance(config.get("text_config"), dict):
        return None
    return f"{architecture} is not a text-generation model"


def weight_files(path: Path) -> tuple[str, ...]:
    """The names of the safetensors files that transformers would read from `path`; empty if there are none.

    Raises BrokenFile if the index is not one.
    """
    if (path / WEIGHTS).is_file():
        return (WEIGHTS,)
    if (path / WEIGHTS_INDEX).is_file():
        return shards_of(_read_json(path / WEIGHTS_INDEX))
    return ()


def shards_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """The shard names that a weights index lists, sorted. Raises BrokenFile unless all are plain file names."""
    names = index.get("weight_map")
    if not isinstance(names, dict) or not names:
        raise BrokenFile(f"{WEIGHTS_INDEX} lists no weights")
    shards = sorted({str(name) for name in names.values()})
    for shard in shards:
        if Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise BrokenFile(f"{WEIGHTS_INDEX} lists {shard!r}, which is not a safetensors file beside it")
    return tuple(shards)


def _inspect(path: Path) -> FolderFacts:
    if not (path / "config.json").is_file():
        return FolderFacts(incomplete=_without_config(path))
    config = _read_json(path / "config.json")
    shards = weight_files(path)
    missing = [shard for shard in shards if not (path / shard).is_file()]
    tensors: list[TensorHeader] = []
    incomplete = None
    if not shards:
        incomplete = _without_safetensors(path)
    elif missing:
        incomplete = f"the download is incomplete: {missing[0]} is missing"
    elif not any((path / name).is_file() for name in TOKENIZER_FILES):
        incomplete = f"it has no tokenizer ({TOKENIZER_FILES[0]})"
    try:
        for shard in shards:
            if shard not in missing:
                tensors.extend(read_header(path / shard))
    except HeaderError as error:
        incomplete = f"{shard} {error}"
    return FolderFacts(
        architecture=_architecture(config),
        weights=count_weights(tensors, config) if incomplete is None else None,
        size_bytes=sum((path / shard).stat().st_size for shard in shards if shard not in missing),
        context=_context(config),
        has_chat_template=_has_chat_template(path),
        dtype=_dtype(tensors),
        incomplete=incomplete,
        unsupported=text_generation_problem(config),
    )


def _without_config(path: Path) -> str:
    if any(path.glob("*.gguf")):
        return "it holds GGUF files, which llmtui does not run: take the safetensors version of the model"
    return "it has no config.json, so it is not a model folder"


def _without_safetensors(path: Path) -> str:
    pickled = sorted([*path.glob("*.bin"), *path.glob("*.pt"), *path.glob("*.pth")])
    if pickled:
        return f"it has only pickled weights ({pickled[0].name}), which can run code: take a version in safetensors"
    if any(path.glob("*.gguf")):
        return _without_config(path)
    return f"the weights are missing: there is no {WEIGHTS}"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise BrokenFile(f"{path.name} is larger than {MAX_JSON_BYTES} bytes")
        content = json.loads(path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise BrokenFile(f"{path.name} is not valid JSON") from None
    if not isinstance(content, dict):
        raise BrokenFile(f"{path.name} does not hold a JSON object")
    return content


def _architecture(config: Mapping[str, Any]) -> str | None:
    names = config.get("architectures")
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else None


def _context(config: Mapping[str, Any]) -> int | None:
    for source in (config, config.get("text_config")):
        if not isinstance(source, Mapping):
            continue
        for key in CONTEXT_KEYS:
            value = source.get(key)
            if isinstance(value, int) and value > 0:
                return value
    return None


def _dtype(tensors: list[TensorHeader]) -> str | None:
    """The dtype that most of the weights have."""
    elements: Counter[str] = Counter()
    for tensor in tensors:
        if not tensor.is_buffer:
            elements[tensor.dtype] += tensor.elements
    return elements.most_common(1)[0][0] if elements else None


def _has_chat_template(path: Path) -> bool:
    if any((path / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    if not (path / "tokenizer_config.json").is_file():
        return False
    return bool(_read_json(path / "tokenizer_config.json").get("chat_template"))
