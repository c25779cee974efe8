"""Models for benchmarks: a known shape with random weights, in a folder that the engine loads like any other."""

import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PretrainedConfig

from llmtui.models.catalog import embedded_path

SHAPES: dict[str, PretrainedConfig] = {
    "gpt2": GPT2Config(bos_token_id=0, eos_token_id=0),
    "distilgpt2": GPT2Config(n_layer=6, bos_token_id=0, eos_token_id=0),
    "smollm2-135m": LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    ),
}


def make_folder(shape: str, folder: Path) -> Path:
    """Random weights of a shape, with the embedded model's tokenizer, whose ids lie within the vocabulary."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(SHAPES[shape], dtype=torch.float32).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded_path() / name, folder / name)
    return folder
