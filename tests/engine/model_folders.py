"""Folders of small models with random weights, norms included, as the real engine loads them."""

from pathlib import Path
from typing import Any

import torch
from architectures import copy_tokenizer

VOCAB = 5120


def make_config(architecture: str) -> Any:
    from transformers import GPT2Config, LlamaConfig, Qwen2Config

    shape = {"vocab_size": VOCAB, "bos_token_id": 0, "eos_token_id": 0}
    wide = shape | {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
    }
    match architecture:
        case "gpt2":
            return GPT2Config(**shape, n_embd=64, n_layer=3, n_head=4, n_positions=256)
        case "llama":
            return LlamaConfig(**wide)
        case "qwen2":
            return Qwen2Config(**wide)
    raise AssertionError(architecture)


def make_model_folder(architecture: str, folder: Path, seed: int = 0) -> Path:
    """A model folder as transformers writes it, with the embedded model's tokenizer."""
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(make_config(architecture), dtype=torch.float32)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # fresh norms are 1 and 0 and would hide a norm applied twice or not at all
                parameter.normal_(1.0, 0.3) if "norm" in name or "ln_" in name else parameter.mul_(4.0)
    model.save_pretrained(folder)
    copy_tokenizer(folder)
    return folder
