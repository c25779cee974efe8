"""What computing ahead wins and costs: guesses beside each token (`speculate`) on text that repeats itself and on other
text, and the continued alternatives of each token (`lookahead`).

    python tests/bench/ahead.py [--shape tiny-tales] [--tokens 96] [--rounds 5] [--json]

Speed with over speed without, in alternation; medians over the rounds of ratios within a round. Random weights write no
text that would mean anything: of those, only the most that can be won is shown, where a bias makes every guess true.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from models import SHAPES, make_folder

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Usage

STORY = "Once upon a time, a fox and a crow lived near the old mill. One day the crow found a key."
LIST = "".join(
    f"The {name} went to the market and bought a loaf of bread.\n" for name in ("fox", "crow", "mouse", "owl")
)
GUESSES = (4, 8, 16)
LOOKAHEADS = ((1, 5), (3, 1), (3, 5))


def texts(engine: Engine, trained: bool) -> dict[str, dict[str, Any]]:
    """What each kind of text asks for."""
    always = {"prompt": LIST, "temperature": 0.0, "logit_bias": dict.fromkeys(engine.tokenize(" red"), 80.0)}
    if not trained:
        return {"always true": always}
    return {
        "always true": always,
        "story, sampled": {"prompt": STORY, "temperature": 0.8},
        "story, greedy": {"prompt": STORY, "temperature": 0.0},
        "list, greedy": {"prompt": LIST, "temperature": 0.0},
    }


def decode(engine: Engine, options: argparse.Namespace, asked: dict[str, Any], **ahead: int) -> tuple[float, Usage]:
    """Decode time in seconds, and what was guessed; with --cpu the processor's time for the whole request."""
    fields = {name: value for name, value in asked.items() if name != "prompt"}
    params = SamplingParams(**fields, max_tokens=options.tokens, seed=1, ignore_eos=True, **ahead)
    began = time.process_time()
    finished = engine.submit(GenerationRequest(prompt=asked["prompt"], params=params)).result().finished
    return time.process_time() - began if options.cpu else finished.timings.decode, finished.usage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="tiny-tales")
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="the processor's time; beside other work OMP_NUM_THREADS=1")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        trained = options.shape == "tiny-tales"
        name = options.shape if trained else str(make_folder(options.shape, Path(folder)))
        engine.load(name, dtype=options.dtype).wait(300)
        results = {kind: measure(engine, options, asked) for kind, asked in texts(engine, trained).items()}
        costs = measure_lookahead(engine, options)
    if options.json:
        facts = {"shape": options.shape, "dtype": options.dtype}
        print(json.dumps(facts | {"speculation": results, "lookahead": costs}))
        return
    print(f"{options.shape}, {options.dtype}, {options.rounds} rounds of {options.tokens} tokens; speed with / without")
    for kind, by_guesses in results.items():
        for guesses, (ratio, rate) in by_guesses.items():
            accepted = "nothing guessed" if rate is None else f"{rate:.0%} of guesses true"
            print(f"  {kind:18} speculate {guesses:2}  {ratio:6.2f} x  {accepted}")
    print("time of a token with lookahead / without")
    for name, ratio in costs.items():
        print(f"  {name:32}  {ratio:6.2f} x")


def measure(
    engine: Engine, options: argparse.Namespace, asked: dict[str, Any]
) -> dict[int, tuple[float, float | None]]:
    """For each number of guesses: how many times as fast, and the share that came true."""
    decode(engine, options, asked, speculate=GUESSES[-1])
    ratios: dict[int, list[float]] = {guesses: [] for guesses in GUESSES}
    rates: dict[int, float | None] = {}
    for _ in range(options.rounds):
        without, _usage = decode(engine, options, asked)
        for guesses in GUESSES:
            seconds, usage = decode(engine, options, asked, speculate=guesses)
            ratios[guesses].append(without / seconds)
            rates[guesses] = usage.acceptance_rate
    return {guesses: (statistics.median(ratios[guesses]), rates[guesses]) for guesses in GUESSES}


def measure_lookahead(engine: Engine, options: argparse.Namespace) -> dict[str, float]:
    """For each width and depth: how many times as long a token takes as without lookahead."""
    asked = {"prompt": STORY, "temperature": 0.8}
    ratios: dict[str, list[float]] = {f"{width}x{depth}": [] for width, depth in LOOKAHEADS}
    for round_number in range(options.rounds + 1):
        without, _usage = decode(engine, options, asked)
        for width, depth in LOOKAHEADS:
            seconds, _usage = decode(engine, options, asked, lookahead=width, lookahead_depth=depth)
            if round_number:  # the first warms up
                ratios[f"{width}x{depth}"].append(seconds / without)
    return {name: statistics.median(values) for name, values in ratios.items()}


if __name__ == "__main__":
    main()
