"""Models for comparisons, and what their processes may be told of the machine's memory."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast


def byte_model(folder: Path, **shape: int) -> Path:
    """A random model that reads bytes: another vocabulary than tiny-tales'."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    fields = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256} | shape
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=256, bos_token_id=0, eos_token_id=0, **fields)).save_pretrained(folder)
    return folder


def large_byte_model(folder: Path) -> Path:
    """42.5 million parameters: 170 MB as float32."""
    return byte_model(folder, n_embd=768, n_layer=6, n_head=12)


# picklable, as a model's process gets them: bytes that are free on a device


def no_memory(_: str) -> int:
    return 0


def memory_for_a_small_model(_: str) -> int:
    """What tiny-tales needs, and not what `large_byte_model` does."""
    return 800_000_000
