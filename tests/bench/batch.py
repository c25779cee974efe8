"""What many streams cost each other: throughput, the wait for a first token, and the gaps while a prompt arrives.

    python tests/bench/batch.py [--shape gpt2] [--streams 16] [--tokens 48] [--rounds 5] [--dtype float32] [--json]

llmtui runs with its full trace. Medians over the rounds of ratios within a round; machines are noisy.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from models import SHAPES, make_folder

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.runner import PlainRunner

PROMPT_TOKENS = 512
SAMPLING = {"temperature": 0.8, "top_k": 50, "top_p": 0.95, "ignore_eos": True}


def ask(tokens: int, seed: int, prompt: int = 32, **fields: bool) -> GenerationRequest:
    """A prompt of its own for each seed, so that nothing is remembered from another."""
    ids = [(31 * i + 97 * seed) % 5000 for i in range(prompt)]
    return GenerationRequest(
        prompt_ids=ids, params=SamplingParams(**SAMPLING, **fields, max_tokens=tokens, seed=seed), client=str(seed)
    )


class Seeds:
    """A fresh seed for each request."""

    def __init__(self) -> None:
        self.latest = 0

    def next(self) -> int:
        self.latest += 1
        return self.latest


def streams_speed(engine: Engine, count: int, tokens: int, seeds: Seeds) -> float:
    """Tokens per second of `count` requests together, from the first to the last token of all."""
    streams = [engine.submit(ask(tokens, seeds.next())) for _ in range(count)]
    times: list[float] = []

    def read(stream: object) -> None:
        times.extend(time.perf_counter() for event in stream if isinstance(event, Token))  # type: ignore[attr-defined]

    readers = [threading.Thread(target=read, args=(stream,)) for stream in streams]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return (len(times) - count) / (max(times) - min(times))


def first_token_seconds(engine: Engine, seeds: Seeds, **fields: bool) -> float:
    """From submit to the first token of a long prompt, alone."""
    result = engine.submit(ask(1, seeds.next(), PROMPT_TOKENS, **fields)).result()
    seconds = result.finished.timings.first_token
    assert seconds is not None
    return seconds


def first_token_again_seconds(engine: Engine, seeds: Seeds) -> float:
    """The same for a prompt of 480 tokens that was read before, as a share of what it took then."""
    request = ask(1, seeds.next(), 480)
    miss, hit = (
        engine.submit(replace(request, request_id=name)).result().finished.timings.first_token for name in ("1", "2")
    )
    assert miss is not None
    assert hit is not None
    return hit / miss


def bare_forward_seconds(model: torch.nn.Module, seeds: Seeds) -> float:
    ids = torch.tensor([ask(1, seeds.next(), PROMPT_TOKENS).prompt_ids])
    began = time.perf_counter()
    with torch.inference_mode():
        model(input_ids=ids, logits_to_keep=1)
    return time.perf_counter() - began


def gaps_beside_a_prompt(engine: Engine, seeds: Seeds) -> tuple[float, float]:
    """Median and 99th percentile of the gaps between the tokens of one stream, while a long prompt arrives."""
    stream = engine.submit(ask(100, seeds.next()))
    times, other = [], None
    for event in stream:
        if isinstance(event, Token):
            times.append(time.perf_counter())
            if len(times) == 20:
                other = engine.submit(ask(2, seeds.next(), PROMPT_TOKENS))
    assert other is not None
    other.result()
    gaps = [after - before for before, after in pairwise(times)]
    return statistics.median(gaps), statistics.quantiles(gaps, n=100)[98]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, help="of each engine; 1 where the cores are shared with others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seeds = Seeds()
    with tempfile.TemporaryDirectory() as folder, Engine() as packed, Engine() as plain:
        name = options.shape if options.shape == "tiny-tales" else str(make_folder(options.shape, Path(folder)))
        path = packed.load(name, dtype=options.dtype).wait(300).engine_path
        plain.load(name, dtype=options.dtype).wait(300)
        loaded: LoadedModel = plain.run_job(lambda loaded: loaded).result()
        object.__setattr__(loaded, "runner", PlainRunner(loaded.model, loaded.info.device))
        if options.threads:
            for engine in (packed, plain):
                engine.run_job(lambda _: torch.set_num_threads(options.threads)).result()
            torch.set_num_threads(options.threads)
        ways: dict[str, Callable[[], float]] = {
            "one stream": lambda: streams_speed(packed, 1, options.tokens, seeds),
            "one stream, plain runner": lambda: streams_speed(plain, 1, options.tokens, seeds),
            "all streams": lambda: streams_speed(packed, options.streams, options.tokens, seeds),
            "first token": lambda: first_token_seconds(packed, seeds),
            "first token, exact": lambda: first_token_seconds(packed, seeds, exact=True),
            "bare forward": lambda: bare_forward_seconds(loaded.model, seeds),
        }
        for way in ways.values():
            way()
        rounds = []
        for _ in range(options.rounds):
            taken = {name: way() for name, way in ways.items()}
            taken["prefix hit / miss, 480 tokens"] = first_token_again_seconds(packed, seeds)
            taken["gap median"], taken["gap p99"] = gaps_beside_a_prompt(packed, seeds)
            rounds.append(taken)
    report(options, path, rounds)


def report(options: argparse.Namespace, path: str, rounds: list[dict[str, float]]) -> None:
    pairs = {
        "all streams / one stream": ("all streams", "one stream"),
        "one stream / with plain runner": ("one stream", "one stream, plain runner"),
        "first token / bare forward": ("first token", "bare forward"),
        "first token, exact / bare forward": ("first token, exact", "bare forward"),
        "gap p99 / gap median": ("gap p99", "gap median"),
    }
    medians = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    ratios = {name: statistics.median(r[a] / r[b] for r in rounds) for name, (a, b) in pairs.items()}
    if options.json:
        print(json.dumps({"shape": options.shape, "medians": medians, "ratios": ratios, "rounds": rounds}))
        return
    print(f"{options.shape}, {options.dtype}, {options.streams} streams, {path}, {len(rounds)} rounds")
    for name, value in medians.items():
        unit = "tok/s" if "stream" in name else "x" if "/" in name else "s"
        print(f"  {name:34} {value:9.3f} {unit}")
    for name, ratio in ratios.items():
        print(f"  {name:34} {ratio:9.3f} x")


if __name__ == "__main__":
    main()
