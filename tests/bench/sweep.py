"""What a sweep gains by running its cells as one batch, against the same cells one after the other.

    python tests/bench/sweep.py [--settings 9] [--seeds 3] [--tokens 40] [--rounds 5] [--json]

Both ways alternate in one run, and write the same texts; the ratio is the median over the rounds of the ratios within
a round.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.insight.grid import grid, requests
from llmtui.insight.sweep import run_sweep
from llmtui.tui.sweep_job import AT_ONCE, CANDIDATES, KEPT_TOKENS

PROMPT = "Once upon a time"
TEMPERATURES = (0.2, 0.7, 1.2)
TOP_PS = (0.8, 0.9, 1.0)


def together(engine: Engine, base: GenerationRequest, settings: tuple, seeds: range, **options: int) -> float:
    """Seconds of the sweep."""
    *_, sweep = run_sweep(engine, base, settings, seeds, **options)
    assert sweep.complete
    return sweep.seconds


def one_by_one(engine: Engine, base: GenerationRequest, settings: tuple, seeds: range) -> float:
    """Seconds of the same cells, each alone."""
    began = time.perf_counter()
    for request in requests(base, settings, seeds):
        engine.submit(request).result()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny-tales")
    parser.add_argument("--settings", type=int, default=9)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = grid(TEMPERATURES, [50], TOP_PS)[: options.settings]
    seeds = range(options.seeds)
    params = SamplingParams(max_tokens=options.tokens, ignore_eos=True, top_logprobs=0)
    base = GenerationRequest(prompt=PROMPT, params=params, clip=True)
    walked = replace(base, params=replace(params, top_logprobs=CANDIDATES))
    rounds = []
    with Engine(max_running=32, max_waiting=512) as engine:
        engine.load(options.model).wait(300)
        ways = {
            "one by one": lambda: one_by_one(engine, base, settings, seeds),
            "the command": lambda: together(engine, base, settings, seeds),
            "the screen": lambda: together(engine, walked, settings, seeds, at_once=AT_ONCE, kept_tokens=KEPT_TOKENS),
        }
        for way in ways.values():
            way()
        for _ in range(options.rounds):
            rounds.append({name: way() for name, way in ways.items()})
    medians = {name: statistics.median(taken[name] for taken in rounds) for name in rounds[0]}
    ratios = {
        name: statistics.median(taken[name] / taken["one by one"] for taken in rounds)
        for name in ("the command", "the screen")
    }
    if options.json:
        print(json.dumps({"medians": medians, "ratios": ratios, "rounds": rounds}))
        return
    print(
        f"{options.model}, {len(settings)} settings × {len(seeds)} seeds, {options.tokens} tokens, {len(rounds)} rounds"
    )
    for name, seconds in medians.items():
        print(f"  {name:12} {seconds:7.2f} s")
    for name, ratio in ratios.items():
        print(f"  {name} / one by one  {ratio:.3f}")


if __name__ == "__main__":
    main()
