"""What follows a forward: milliseconds from rows of logits to the events of their tokens, without any model's own work.

    python tests/bench/facts.py [--shape gpt2] [--dtype float32] [--steps 60] [--rounds 5] [--json]

Rows of logits are recorded from the model; then steps of 1 and of 16 sequences take them over and over, on the engine's
thread, each with the facts of all rows, the draws and the events. Medians over the rounds.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from models import SHAPES, make_folder
from torch import Tensor

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.scheduler import Slice
from llmtui.engine.sequence import Sequence
from llmtui.engine.telemetry import raw_rows
from llmtui.engine.watching import WatchedStream
from llmtui.insight.bench.rounds import Round, Way, alternate, spread_of
from llmtui.insight.bench.workloads import SAMPLING
from llmtui.insight.bench.yardsticks import on_engine

STREAMS = (1, 16)
RECORDED = 8
WAYS: dict[str, dict[str, Any]] = {
    "sampled": SAMPLING,
    "sampled, no candidates": SAMPLING | {"top_logprobs": 0},
    "greedy": {"temperature": 0.0},
    "sampled, no filter": {"temperature": 1.0, "top_k": 0},
}


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of `streams` sequences over recorded rows of logits."""

    loaded: LoadedModel
    recorded: list[Tensor]
    streams: int
    count: int

    def seconds(self, fields: dict[str, Any]) -> float:
        """Of one step."""
        sequences = [self._begin(SamplingParams(**fields, ignore_eos=True, seed=n)) for n in range(self.streams)]
        began = time.perf_counter()
        for step in range(self.count):
            began_ns = time.perf_counter_ns()
            rows = raw_rows(self.recorded[step % RECORDED][: self.streams])
            for sequence, raw in zip(sequences, rows, strict=True):
                sequence.accept(Slice(sequence, sequence.computed, len(sequence.ids)), [raw], self.streams, began_ns)
            for sequence in sequences:
                sequence.stream.release()
        return (time.perf_counter() - began) / self.count

    def _begin(self, params: SamplingParams) -> Sequence:
        request = GenerationRequest(prompt_ids=[1], params=params)
        return Sequence(request, WatchedStream(request.request_id, lambda: None), self.loaded, [1], self.count + 1)


def record(loaded: LoadedModel) -> list[Tensor]:
    """Rows of logits of the model, one for each stream, as a forward hands them over: [streams, vocab] each."""
    generator = torch.Generator().manual_seed(0)
    most = STREAMS[-1]
    recorded = []
    for _ in range(RECORDED):
        ids = torch.randint(loaded.info.vocab_size, (most, 8), generator=generator)
        with torch.inference_mode():
            rows = loaded.model(input_ids=ids, logits_to_keep=1).logits[:, 0].float()
        recorded.append(rows)
    return recorded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        shape = options.shape
        name = shape if shape == "tiny-tales" else str(make_folder(shape, Path(folder)))
        engine.load(name, dtype=options.dtype).wait(300)
        loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result()
        recorded = engine.run_job(record).result()
        ways: dict[str, Way] = {}
        for streams in STREAMS:
            steps = Steps(loaded, recorded, streams, options.steps)
            for way, fields in WAYS.items():
                ways[f"{streams}, {way}"] = lambda steps=steps, fields=fields: on_engine(
                    engine, lambda: steps.seconds(fields)
                )
        alternate(ways, options.rounds, rounds)
    medians = {name: 1e3 * found.median for name in ways if (found := spread_of(rounds, name))}
    if options.json:
        print(json.dumps({"shape": options.shape, "dtype": options.dtype, "ms": medians}))
        return
    print(f"{options.shape}, {options.dtype}, {len(rounds)} rounds of {options.steps} steps, ms a step")
    for name, value in medians.items():
        print(f"  {name:30} {value:7.3f}")


if __name__ == "__main__":
    main()
