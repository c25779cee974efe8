"""Which files of a repository are needed to run its model: pure functions over file names."""

import re
from collections.abc import Collection

from llmtui.models.errors import ModelUnsupported
from llmtui.models.folder import WEIGHTS, WEIGHTS_INDEX

_BESIDE_WEIGHTS = re.compile(
    r"config\.json|generation_config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\.(json|txt)|merges\.txt|\w[\w.-]*\.(model|tiktoken)|chat_template[\w.-]*"
)


def beside_weights(names: Collection[str]) -> tuple[str, ...]:
    """Config, tokenizer and chat template of the repository's top folder, sorted; config.json among them.

    Raises ModelUnsupported if there is no config.json.
    """
    if "config.json" not in names:
        if any(name.lower().endswith(".gguf") for name in names):
            raise ModelUnsupported("it has only GGUF files, which llmtui does not run: take the safetensors version")
        raise ModelUnsupported("it has no config.json, so it is not a transformers model: choose another")
    return tuple(sorted(name for name in names if _BESIDE_WEIGHTS.fullmatch(name)))


def weights_entry(names: Collection[str]) -> str:
    """The file that leads to the weights: the one safetensors file, else the index of its shards.

    Raises ModelUnsupported if there is neither.
    """
    for name in (WEIGHTS, WEIGHTS_INDEX):
        if name in names:
            return name
    if any(name.endswith((".bin", ".pt", ".pth", ".h5", ".msgpack")) for name in names):
        raise ModelUnsupported("it has only pickled weights, which can run code: take a version in safetensors")
    raise ModelUnsupported(f"it has no weights in safetensors ({WEIGHTS}): choose another")
