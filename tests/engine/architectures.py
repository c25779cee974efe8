"""Small models of many architectures with random weights, norms included, made in memory."""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from llmtui.models.catalog import embedded_path

VOCAB = 160
WINDOW = 6

PACKABLE = (
    "gpt2",
    "llama",
    "qwen2",
    "qwen3",
    "mistral",
    "phi",
    "gpt_neox",
    "opt",
    "olmo2",
    "gemma3_text",
    "granite",
)
# of these, the ones with a forward of our own
LEAN = ("gpt2", "llama", "qwen2", "qwen3", "mistral", "olmo2", "granite")
# their attention is their own, or asks for what packing does not know
NOT_PACKABLE = ("bloom", "gpt_neo", "gptj", "codegen", "falcon", "stablelm", "gemma2")

_SHAPE = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
_OWN: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "qwen2": {"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1},
    "qwen3": {"head_dim": 16},
    "mistral": {"sliding_window": WINDOW},
    "gemma2": {"head_dim": 8},
    "gemma3_text": {
        "head_dim": 16,
        "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "num_heads": 4},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4, "n_embd": 32, "n_layer": 2, "n_head": 4},
}


def make_config(architecture: str, **fields: Any) -> Any:
    return CONFIG_MAPPING[architecture](**(_SHAPE | _OWN.get(architecture, {}) | fields))


def make_model(architecture: str, dtype: torch.dtype = torch.float32, **fields: Any) -> Any:
    """Weights large enough that attention matters, and norms that are neither 1 nor 0."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = AutoModelForCausalLM.from_config(make_config(architecture, **fields), dtype=torch.float32)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.normal_(1.0, 0.3) if "norm" in name or "ln_" in name else parameter.mul_(5.0)
    return model.to(dtype).eval()


@cache
def shared_model(architecture: str) -> Any:
    """A model that no test changes."""
    return make_model(architecture)


def plain_logits(model: Any, ids: list[int]) -> torch.Tensor:
    """The model's own forward over a whole sequence without a cache: [len(ids), vocab]."""
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    return logits.float()


def copy_tokenizer(folder: Path) -> None:
    """Give a model folder the embedded model's tokenizer."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded_path() / name, folder / name)
