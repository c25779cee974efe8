"""How fast one stream decodes: llmtui, transformers.generate() and a bare forward loop, alternating in one run.

    python tests/bench/decode.py [--shape gpt2] [--tokens 64] [--rounds 7] [--json]

llmtui runs with its full trace (top-10, rank, entropy, stages). Medians over the rounds; machines are noisy, so the
ratios within one run are what counts: x = median of (yardstick's time / llmtui's time) of each round.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from models import SHAPES, make_folder
from transformers import DynamicCache

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.loaded import LoadedModel

PROMPT_IDS = list(range(100, 132))
SAMPLING = {"temperature": 0.8, "top_k": 50, "top_p": 0.95}


def engine_seconds(engine: Engine, tokens: int, *, greedy: bool) -> float:
    """Decode time of llmtui, from its first token to its last."""
    fields = {"temperature": 0.0} if greedy else SAMPLING
    params = SamplingParams(**fields, max_tokens=tokens, seed=1, ignore_eos=True)
    return engine.submit(GenerationRequest(prompt_ids=PROMPT_IDS, params=params)).result().finished.timings.decode


def generate_seconds(model: torch.nn.Module, tokens: int, *, greedy: bool) -> float:
    """Decode time of transformers.generate(): the whole call less that of a call for one token."""
    ids = torch.tensor([PROMPT_IDS])
    fields = {"do_sample": False} if greedy else {"do_sample": True, **SAMPLING}

    def call(n: int) -> float:
        began = time.perf_counter()
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n, **fields)
        return time.perf_counter() - began

    return call(tokens) - call(1)


def bare_seconds(model: torch.nn.Module, tokens: int) -> float:
    """Decode time of nothing but `model.forward` and argmax, with the cache that the engine uses."""
    with torch.inference_mode():
        cache = DynamicCache(config=model.config)
        ids = torch.tensor([PROMPT_IDS])
        token = model(input_ids=ids, past_key_values=cache, logits_to_keep=1).logits[:, -1].argmax(-1)
        began = time.perf_counter()
        for _ in range(tokens - 1):
            token = model(input_ids=token[:, None], past_key_values=cache, logits_to_keep=1).logits[:, -1].argmax(-1)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        shape = options.shape
        engine.load(shape if shape == "tiny-tales" else str(make_folder(shape, Path(folder)))).wait(300)
        model = engine.run_job(lambda loaded: loaded_model(loaded)).result()
        tokens = options.tokens
        ways: dict[str, Callable[[], float]] = {
            "llmtui greedy, full trace": lambda: engine_seconds(engine, tokens, greedy=True),
            "llmtui sampled, full trace": lambda: engine_seconds(engine, tokens, greedy=False),
            "generate greedy": lambda: generate_seconds(model, tokens, greedy=True),
            "generate sampled": lambda: generate_seconds(model, tokens, greedy=False),
            "bare forward": lambda: bare_seconds(model, tokens),
        }
        for way in ways.values():
            way()
        rounds = [{name: way() for name, way in ways.items()} for _ in range(options.rounds)]
    report(options.shape, tokens - 1, rounds, as_json=options.json)


def loaded_model(loaded: LoadedModel) -> torch.nn.Module:
    return loaded.model


def report(shape: str, tokens: int, rounds: list[dict[str, float]], *, as_json: bool) -> None:
    speeds = {name: tokens / statistics.median(r[name] for r in rounds) for name in rounds[0]}
    pairs = {
        "sampled vs generate sampled": ("generate sampled", "llmtui sampled, full trace"),
        "greedy vs generate greedy": ("generate greedy", "llmtui greedy, full trace"),
        "greedy vs bare forward": ("bare forward", "llmtui greedy, full trace"),
        "sampled vs bare forward": ("bare forward", "llmtui sampled, full trace"),
    }
    ratios = {name: statistics.median(r[a] / r[b] for r in rounds) for name, (a, b) in pairs.items()}
    if as_json:
        print(json.dumps({"shape": shape, "tokens_per_second": speeds, "ratios": ratios, "rounds": rounds}))
        return
    print(f"{shape}, float32, {torch.get_num_threads()} threads, {len(rounds)} rounds of {tokens} tokens")
    for name, speed in speeds.items():
        print(f"  {name:28} {speed:8.1f} tok/s")
    for name, ratio in ratios.items():
        print(f"  {name:28} {ratio:8.3f} x")


if __name__ == "__main__":
    main()
