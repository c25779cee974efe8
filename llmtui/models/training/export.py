"""The finished model as a folder that transformers loads: float16, safetensors, and a card."""

import json
import math
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import GenerationConfig, GPT2LMHeadModel

from . import tokenizer
from .corpus.chats import END
from .model import make_config
from .recipe import CONTEXT, Recipe, log, needed

CARD = """---
language: en
library_name: transformers
pipeline_tag: text-generation
license: {licence}
tags: [llmtui, gpt2, tiny]
---
# tiny-tales

A small language model for llmtui. It tells short tales, answers simple questions, explains in plain words how
language models work, and continues patterns. It has read only generated text: do not use it as a source of knowledge.

| | |
|---|---|
| architecture | GPT-2 (`GPT2LMHeadModel`), {layers} layers, {heads} heads, width {width}, tied embeddings |
| parameters | {parameters:,} |
| context | {context} tokens |
| vocabulary | {vocabulary} tokens, byte-level BPE (every UTF-8 text round-trips; digits are single tokens) |
| weights | float16, safetensors |
| training | {seen:.1f} M tokens in {steps} steps, {minutes:.0f} minutes |
| held-out loss | {loss:.3f} (perplexity {perplexity:.2f}, packed rows of {context} tokens; text from another seed) |

Made by `python -m llmtui.models.training`. Good settings are temperature 0.8 and top-p 0.95 for tales, and greedy
decoding for questions.
"""


def export(recipe: Recipe) -> None:
    """Stage `export`: the weights of the checkpoint, the tokenizer and a card, each file whole or not at all."""
    state = torch.load(needed(recipe.checkpoint, "train"), weights_only=True, map_location="cpu")
    fast = tokenizer.load(recipe)
    model = GPT2LMHeadModel(make_config(recipe, len(fast)))
    model.load_state_dict(state["model"])
    model.half()  # type: ignore[no-untyped-call]
    model.config.activation_function = "gelu_new"  # the same function by its usual name
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        temperature=0.8,
        top_p=0.95,
        max_new_tokens=300,
        bos_token_id=0,
        eos_token_id=[0, fast.convert_tokens_to_ids(END)],
        pad_token_id=1,
    )
    folder = recipe.model_folder
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as name:
        new = Path(name)
        model.save_pretrained(new)
        shutil.copytree(recipe.tokenizer_folder, new, dirs_exist_ok=True)
        (new / "README.md").write_text(_card(recipe, len(fast)), encoding="utf-8")
        for path in sorted(new.iterdir()):
            path.chmod(0o644)  # safetensors writes for the owner alone
            log.info("%s: %d bytes", path.replace(folder / path.name), (folder / path.name).stat().st_size)


def _card(recipe: Recipe, vocabulary: int) -> str:
    progress = json.loads((recipe.work / "progress.json").read_text())
    _, loss = progress["held_out"][-1]
    return CARD.format(
        licence=recipe.licence,
        layers=recipe.n_layer,
        heads=recipe.n_head,
        width=recipe.n_embd,
        parameters=progress["parameters"],
        context=CONTEXT,
        vocabulary=vocabulary,
        seen=progress["tokens_seen"] / 1e6,
        steps=progress["step"],
        minutes=progress["seconds"] / 60,
        loss=loss,
        perplexity=math.exp(loss),
    )
