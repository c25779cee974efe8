"""What llmtui is measured against: transformers.generate(), and forwards of the model with nothing around them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from llmtui.engine import Engine
from llmtui.insight.bench.workloads import PROMPT_IDS, SAMPLING


def generate_seconds(model: Any, tokens: int, *, greedy: bool) -> float:
    """Decode time of transformers.generate(): the whole call less that of a call for one token."""
    ids = torch.tensor([PROMPT_IDS], device=model.device)
    fields = {"do_sample": False} if greedy else {"do_sample": True, **SAMPLING}

    def call(n: int) -> float:
        began = time.perf_counter()
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n, **fields)
        finish(model)
        return time.perf_counter() - began

    return call(tokens) - call(1)


def loop_seconds(model: Any, tokens: int, rows: int = 1) -> float:
    """Decode time of nothing but `model.forward` and argmax over a batch, with transformers' cache."""
    from transformers import DynamicCache

    with torch.inference_mode():
        cache = DynamicCache(config=model.config)
        ids = torch.tensor([PROMPT_IDS], device=model.device).repeat(rows, 1)
        token = model(input_ids=ids, past_key_values=cache, logits_to_keep=1).logits[:, -1].argmax(-1)
        finish(model)
        began = time.perf_counter()
        for _ in range(tokens - 1):
            token = model(input_ids=token[:, None], past_key_values=cache, logits_to_keep=1).logits[:, -1].argmax(-1)
        finish(model)
        return time.perf_counter() - began


def forward_seconds(model: Any, prompt_ids: list[int]) -> float:
    """One forward over a prompt, for the logits of its last token."""
    ids = torch.tensor([prompt_ids], device=model.device)
    began = time.perf_counter()
    with torch.inference_mode():
        model(input_ids=ids, logits_to_keep=1)
    finish(model)
    return time.perf_counter() - began


def plain_model(folder: Path, device: str, dtype: torch.dtype = torch.float32) -> Any:
    """A model with the layers as transformers makes them."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    bars: Any = logging  # its functions have no types
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    finally:
        if shown:
            bars.enable_progress_bar()
    return model.to(device).eval()


def on_engine(engine: Engine, measure: Callable[[], float]) -> float:
    """Measure on the engine's own thread, while nothing runs on it.

    OpenMP keeps threads for each thread that computes. As soon as they are more than the CPU has cores, all of them
    sleep between two kernels instead of waiting: a yardstick on a thread of its own slows the engine by up to a third.
    """
    return engine.run_job(lambda _: measure()).result()


def use_the_engines_threads(engine: Engine) -> int:
    """Let this thread compute with as many threads as the engine does; how many they are."""
    threads: int = engine.run_job(lambda _: torch.get_num_threads()).result()
    torch.set_num_threads(threads)
    return threads


def model_of(engine: Engine) -> Any:
    """The engine's own model, to be used while nothing runs on it."""
    return engine.run_job(lambda loaded: loaded.model).result()


def finish(model: Any) -> None:
    """Wait for what a GPU has been asked to do."""
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    elif model.device.type == "mps":
        torch.mps.synchronize()
