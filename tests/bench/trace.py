"""What all facts of a token cost: one stream as it is, without candidates, and with nothing but a draw.

    python tests/bench/trace.py [--shape tiny-tales] [--dtype float32] [--tokens 48] [--texts 100] [--json]

A request can turn off its candidates alone; a drawn token always comes with its rank, entropy, log-probability and
stages. The third way is an engine that knows none of them: it draws the same tokens from the same logits (top-k, top-p,
one `u`), by our own kernels where they run, and tells their text. All three write each text in turn. Milliseconds of
the median step, and the speed with all facts over that without: the median over the texts of the ratio within a text.
"""

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from models import SHAPES, make_folder

from llmtui.engine import Engine, GenerationRequest, SamplingParams, draw_kernel, facts_kernel
from llmtui.engine.events import FinishReason, Token
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.ranking import Ranking, borders, column_heads
from llmtui.engine.sampling import stages_of
from llmtui.engine.sequence import Sequence
from llmtui.insight.bench.workloads import PROMPT_IDS, SAMPLING

CLIENT = "draws alone"
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "all facts": ("", {}),
    "no candidates": ("", {"top_logprobs": 0}),
    CLIENT: (CLIENT, {}),
}


def leave_out_facts() -> None:
    """From now on, requests of CLIENT are answered with draws alone."""
    compute: Callable[..., Any] = LoadedModel.compute
    accept: Callable[..., Any] = Sequence.accept

    def rows_alone(self: LoadedModel, work: Any) -> Any:
        bare = work[0].sequence.request.client == CLIENT
        return [[row] for row in self.runner.forward(work)[0]] if bare else compute(self, work)

    def draw_alone(self: Sequence, part: Any, raws: Any, rows: int, began_ns: int) -> FinishReason | None:
        if self.request.client != CLIENT:
            return accept(self, part, raws, rows, began_ns)
        self.computed = part.end
        return take(self, draw(raws[0], self)) if part.end == len(self.ids) else None

    LoadedModel.compute = rows_alone  # type: ignore[method-assign]
    Sequence.accept = draw_alone  # type: ignore[method-assign]


def draw(logits: Any, sequence: Sequence) -> int:
    """Top-k with all equals of the last, top-p, and the token at `u`, as the engine has them."""
    params, row = sequence.params, logits.numpy()
    if facts_kernel.runs_on(logits):
        ((_, highest, total, _, size, beginning),) = facts_kernel.find(logits[None])
        stages = draw_kernel.coded(stages_of(params))
        assert stages is not None
        ranking = Ranking(row, size=size, beginning=beginning)
        u = sequence._generator.random()
        found = draw_kernel.draw(ranking, highest + math.log(total), stages, u)
        assert found is not None
        return found[0]
    ids = (row >= borders(column_heads(logits[None]))[0]).nonzero()[0]
    values = row[ids]
    order = (-values).argsort(kind="stable")
    values = values[order].astype(np.float64)
    values = values[values >= values[params.top_k - 1]]
    masses = np.exp((values - values[0]) / params.temperature).cumsum()
    kept = int(masses.searchsorted(params.top_p * masses[-1])) + 1
    place = int(masses[:kept].searchsorted(sequence._generator.random() * masses[kept - 1], side="right"))
    return int(ids[order[min(place, kept - 1)]])


def take(sequence: Sequence, token_id: int) -> FinishReason | None:
    """What the engine does with a token, but for its facts."""
    sequence.ids.append(token_id)
    text, delta = sequence._written.push(token_id)
    sequence.clock.tick()
    data = sequence.model.pieces.bytes_of(token_id)
    nothing = (None, None, None, None, (), (), None, None)
    sequence.stream.hold(Token(len(sequence.ids) - 1, token_id, data, text, delta, False, False, *nothing, 1, 0))
    return "length" if sequence.generated >= sequence.max_tokens else None


def write(engine: Engine, way: str, tokens: int, seed: int) -> tuple[list[int], float]:
    """The tokens of a text, and the seconds of its median step."""
    client, fields = WAYS[way]
    params = SamplingParams(**SAMPLING | fields, max_tokens=tokens, seed=seed, ignore_eos=True)
    stream = engine.submit(GenerationRequest(prompt_ids=PROMPT_IDS, params=params, client=client))
    told = [(event.id, stream.told_at) for event in stream if isinstance(event, Token)]
    steps = [after - before for (_, before), (_, after) in pairwise(told)]
    return [token_id for token_id, _ in told], statistics.median(steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="tiny-tales")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    leave_out_facts()
    steps: dict[str, list[float]] = {way: [] for way in WAYS}
    order = list(WAYS)
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        shape = options.shape
        name = shape if shape == "tiny-tales" else str(make_folder(shape, Path(folder)))
        engine.load(name, dtype=options.dtype).wait(300)
        for seed in range(-3, options.texts):  # the first ones warm up
            texts = set()
            for way in order:
                ids, seconds = write(engine, way, options.tokens, max(0, seed))
                texts.add(tuple(ids))
                if seed >= 0:
                    steps[way].append(seconds)
            assert len(texts) == 1, "not the same tokens"
            order = [*order[1:], order[0]]
    medians = {way: 1e3 * statistics.median(own) for way, own in steps.items()}
    ratios = {
        way: statistics.median(less / all_facts for less, all_facts in zip(own, steps["all facts"], strict=True))
        for way, own in steps.items()
    }
    if options.json:
        print(json.dumps({"shape": options.shape, "dtype": options.dtype, "ms": medians, "speed": ratios}))
        return
    print(f"{options.shape}, {options.dtype}, {options.texts} texts of {options.tokens} tokens")
    for way in WAYS:
        print(f"  {way:16} {medians[way]:7.3f} ms   all facts / it {ratios[way]:.3f}")


if __name__ == "__main__":
    main()
