"""How fast one stream decodes: llmtui, transformers.generate() and a bare forward loop, alternating in one run.

    python tests/bench/decode.py [--shape gpt2] [--tokens 64] [--rounds 7] [--json]

llmtui runs with its full trace (top-10, rank, entropy, stages). Medians over the rounds; machines are noisy, so the
ratios within one run are what counts: x = median of (yardstick's time / llmtui's time) of each round.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch
from models import SHAPES, make_folder

from llmtui.engine import Engine
from llmtui.insight.bench.rounds import Round, Way, alternate, ratio, spread_of
from llmtui.insight.bench.workloads import engine_seconds
from llmtui.insight.bench.yardsticks import generate_seconds, loop_seconds, model_of, on_engine

PAIRS = {
    "sampled vs generate sampled": ("generate sampled", "llmtui sampled, full trace"),
    "greedy vs generate greedy": ("generate greedy", "llmtui greedy, full trace"),
    "greedy vs bare forward": ("bare forward", "llmtui greedy, full trace"),
    "sampled vs bare forward": ("bare forward", "llmtui sampled, full trace"),
}


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
        model = model_of(engine)
        tokens = options.tokens
        ways: dict[str, Way] = {
            "llmtui greedy, full trace": lambda: engine_seconds(engine, tokens, greedy=True),
            "llmtui sampled, full trace": lambda: engine_seconds(engine, tokens, greedy=False),
            "generate greedy": lambda: on_engine(engine, lambda: generate_seconds(model, tokens, greedy=True)),
            "generate sampled": lambda: on_engine(engine, lambda: generate_seconds(model, tokens, greedy=False)),
            "bare forward": lambda: on_engine(engine, lambda: loop_seconds(model, tokens)),
        }
        rounds: list[Round] = []
        alternate(ways, options.rounds, rounds)
    report(options.shape, tokens - 1, rounds, as_json=options.json)


def report(shape: str, tokens: int, rounds: list[Round], *, as_json: bool) -> None:
    speeds = {name: tokens / took.median for name in sorted(rounds[0]) if (took := spread_of(rounds, name))}
    ratios = {name: found.median for name, (a, b) in PAIRS.items() if (found := ratio(rounds, a, b))}
    if as_json:
        print(json.dumps({"shape": shape, "tokens_per_second": speeds, "ratios": ratios, "rounds": rounds}))
        return
    print(f"{shape}, float32, {torch.get_num_threads()} threads, {len(rounds)} rounds of {tokens} tokens")
    for name, speed in speeds.items():
        print(f"  {name:28} {speed:8.1f} tok/s")
    for name, value in ratios.items():
        print(f"  {name:28} {value:8.3f} x")


if __name__ == "__main__":
    main()
