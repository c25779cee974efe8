"""What a comparison tells of a model's speed beside others, against what it tells of the model alone.

    python tests/bench/compare.py [--models NAME@DTYPE …] [--shape gpt2] [--tokens 300] [--rounds 5] [--json]

Each round compares every model alone, and then all of them together, in turns of 100 ms; the ratio of a model is the
median over the rounds of the ratios within a round. --shape: random weights instead, in float32 and in int8.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from models import SHAPES, make_folder

from llmtui.engine import SamplingParams
from llmtui.insight.compare import Comparison, Measured, ModelChoice, parse_choice

PROMPT = "Once upon a time"


def measure(choices: list[ModelChoice], params: SamplingParams) -> list[Measured]:
    comparison = Comparison(PROMPT, params, device="cpu")
    for _ in comparison.run(choices):
        pass
    return [column.measured for column in comparison.columns if column.measured is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["tiny-tales", "tiny-tales@int8", "tiny-tales@bfloat16"])
    parser.add_argument("--shape", choices=sorted(SHAPES))
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    params = SamplingParams(max_tokens=options.tokens, ignore_eos=True, seed=0, top_logprobs=0)
    with tempfile.TemporaryDirectory() as folder:
        names = options.models
        if options.shape:
            path = make_folder(options.shape, Path(folder) / options.shape)
            names = [f"{path}@float32", f"{path}@int8"]
        choices = [parse_choice(name, "auto") for name in names]
        rounds = []
        for _ in range(options.rounds):
            alone = [measure([choice], params)[0] for choice in choices]
            rounds.append((alone, measure(choices, params)))
    report = []
    for place, choice in enumerate(choices):
        pairs = [(alone[place], beside[place]) for alone, beside in rounds]
        label = f"{Path(choice.name).name}@{choice.dtype}"
        figures = {"model": label}
        for figure in ("tokens_per_second", "first_token", "memory_bytes", "peak_bytes"):
            values = [(getattr(one, figure), getattr(other, figure)) for one, other in pairs]
            figures[figure] = {
                "alone": statistics.median(one for one, _ in values),
                "beside": statistics.median(other for _, other in values),
                "ratio": statistics.median(other / one for one, other in values),
                "ratios": [other / one for one, other in values],
            }
        report.append(figures)
    if options.json:
        print(json.dumps(report))
        return
    for figures in report:
        print(figures["model"])
        for figure, values in figures.items():
            if figure != "model":
                spread = f"({min(values['ratios']):.3f} to {max(values['ratios']):.3f})"
                print(f"  {figure:18} {values['alone']:14.4g} {values['beside']:14.4g}  {values['ratio']:.3f} {spread}")


if __name__ == "__main__":
    main()
