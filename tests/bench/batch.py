"""What many streams cost each other: throughput, the wait for a first token, and the gaps while a prompt arrives.

    python tests/bench/batch.py [--shape gpt2] [--streams 16] [--tokens 48] [--rounds 5] [--dtype float32] [--json]

llmtui runs with its full trace. Medians over the rounds of ratios within a round; machines are noisy.
"""

import argparse
import json
import tempfile
from pathlib import Path

from models import SHAPES, make_folder

from llmtui.engine import Engine
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.plain_runner import PlainRunner
from llmtui.insight.bench.rounds import Round, Way, alternate, ratio, spread_of
from llmtui.insight.bench.workloads import (
    Requests,
    first_token_seconds,
    first_token_twice,
    gaps_beside_a_prompt,
    streams_speed,
)
from llmtui.insight.bench.yardsticks import forward_seconds, use_the_engines_threads

PROMPT_TOKENS, KNOWN_TOKENS = 512, 480
PAIRS = {
    "all streams / one stream": ("all streams", "one stream"),
    "one stream / with plain runner": ("one stream", "one stream, plain runner"),
    "first token / bare forward": ("first token", "bare forward"),
    "first token, exact / bare forward": ("first token, exact", "bare forward"),
    "prefix hit / miss": ("prefix hit", "prefix miss"),
    "gap p99 / gap median": ("gap p99", "gap median"),
}


def first_tokens(engine: Engine, requests: Requests, prompt: int) -> dict[str, float]:
    miss, hit = first_token_twice(engine, requests, prompt)
    return {"prefix miss": miss, "prefix hit": hit}


def gaps(engine: Engine, requests: Requests, prompt: int) -> dict[str, float]:
    median, p99 = gaps_beside_a_prompt(engine, requests, prompt)
    return {"gap median": median, "gap p99": p99}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    requests = Requests()
    with tempfile.TemporaryDirectory() as folder, Engine() as packed, Engine() as plain:
        name = options.shape if options.shape == "tiny-tales" else str(make_folder(options.shape, Path(folder)))
        info = packed.load(name, dtype=options.dtype).wait(300)
        prompt, known = min(PROMPT_TOKENS, info.context - 2), min(KNOWN_TOKENS, info.context - 2)
        plain.load(name, dtype=options.dtype).wait(300)
        loaded: LoadedModel = plain.run_job(lambda loaded: loaded).result()
        object.__setattr__(loaded, "runner", PlainRunner(loaded.model, loaded.info.device))
        use_the_engines_threads(packed)
        tokens, streams = options.tokens, options.streams
        ways: dict[str, Way] = {
            "one stream": lambda: streams_speed(packed, requests, 1, tokens, 32),
            "one stream, plain runner": lambda: streams_speed(plain, requests, 1, tokens, 32),
            "all streams": lambda: streams_speed(packed, requests, streams, tokens, 32),
            "first token": lambda: first_token_seconds(packed, requests, prompt),
            "first token, exact": lambda: first_token_seconds(packed, requests, prompt, exact=True),
            "bare forward": lambda: forward_seconds(
                loaded.model, list(requests.next(1, PROMPT_TOKENS).prompt_ids or ())
            ),
            "prefix": lambda: first_tokens(packed, requests, known),
            "gaps": lambda: gaps(packed, requests, prompt),
        }
        rounds: list[Round] = []
        alternate(ways, options.rounds, rounds)
    report(options, info.engine_path, rounds)


def report(options: argparse.Namespace, path: str, rounds: list[Round]) -> None:
    medians = {name: found.median for name in sorted(rounds[0]) if (found := spread_of(rounds, name))}
    ratios = {name: found.median for name, (a, b) in PAIRS.items() if (found := ratio(rounds, a, b))}
    if options.json:
        print(json.dumps({"shape": options.shape, "medians": medians, "ratios": ratios, "rounds": rounds}))
        return
    print(f"{options.shape}, {options.dtype}, {options.streams} streams, {path}, {len(rounds)} rounds")
    for name, value in medians.items():
        print(f"  {name:34} {value:9.3f} {'tok/s' if 'stream' in name else 's'}")
    for name, value in ratios.items():
        print(f"  {name:34} {value:9.3f} x")


if __name__ == "__main__":
    main()
