"""What each dtype gains on a CPU: llmtui in float32, bfloat16, float16 and int8 against transformers.generate().

    python tests/bench/quantize.py [--shape gpt2] [--tokens 64] [--rounds 5] [--rows 2 4 8 16] [--json]

One stream runs through the engine with its full trace (top-10, rank, entropy, stages), greedy; the yardstick is greedy
generate() in float32 with the layers as transformers made them. Rows are one forward over a batch of equal lengths,
without the engine: what continuous batching can gain at most. All ways alternate in one run, in turned order; medians
over the rounds. Machines are noisy, so ratios count: x = median of (yardstick's time / this way's time) of each round.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import torch
from models import SHAPES, make_folder

from llmtui.engine import Engine
from llmtui.insight.bench.rounds import Round, Way, alternate, ratio, spread_of
from llmtui.insight.bench.workloads import engine_seconds
from llmtui.insight.bench.yardsticks import generate_seconds, loop_seconds, model_of, on_engine, plain_model
from llmtui.models.catalog import embedded_path

DTYPES = ("float32", "bfloat16", "float16", "int8")
YARDSTICK = "generate float32"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="*", default=[2, 4, 8, 16])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = embedded_path()
        if options.shape != "tiny-tales":
            folder = make_folder(options.shape, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        infos: dict[str, dict[str, object]] = {}
        rounds: dict[str, list[Round]] = {}
        for dtype in DTYPES:
            # one engine at a time: the threads of several would be more than the cores
            with Engine() as engine:
                info = engine.load(str(folder), device="cpu", dtype=dtype).wait(300)
                infos[dtype] = {
                    "linears": info.linears,
                    "megabytes": info.weights_bytes / 1e6,
                    "load_seconds": info.load_seconds,
                }
                ways = all_ways(engine, folder, dtype, options.tokens, options.rows)
                alternate(ways, options.rounds, rounds.setdefault(dtype, []))
    report(options, infos, rounds)


def all_ways(engine: Engine, folder: Path, dtype: str, tokens: int, rows: list[int]) -> dict[str, Way]:
    plain, model = plain_model(folder, "cpu"), model_of(engine)

    def loop(n: int) -> Way:
        return lambda: on_engine(engine, lambda: loop_seconds(model, tokens, n))

    return {
        f"{dtype}, {YARDSTICK}": lambda: on_engine(engine, lambda: generate_seconds(plain, tokens, greedy=True)),
        f"{dtype}, one stream": lambda: engine_seconds(engine, tokens, greedy=True),
        **{f"{dtype}, {n} rows": loop(n) for n in rows},
    }


def report(options: argparse.Namespace, infos: dict[str, dict[str, object]], rounds: dict[str, list[Round]]) -> None:
    table = {}
    for name in (name for of_dtype in rounds.values() for name in of_dtype[0]):
        dtype = name.partition(", ")[0]
        rows = int(name.split()[1]) if name.endswith("rows") else 1
        seconds = spread_of(rounds[dtype], name)
        ratios = ratio(rounds[dtype], f"{dtype}, {YARDSTICK}", name)
        assert seconds is not None
        assert ratios is not None
        table[name] = {
            "tokens_per_second": rows * (options.tokens - 1) / seconds.median,
            "ratio": rows * ratios.median,
        }
    if options.json:
        print(json.dumps({"shape": options.shape, "models": infos, "ways": table, "rounds": rounds}))
        return
    print(f"{options.shape}, {torch.get_num_threads()} threads, {options.rounds} rounds of {options.tokens - 1} tokens")
    for dtype, info in infos.items():
        print(f"  {dtype:9} {info['linears']:45} {info['megabytes']:7.1f} MB  loaded in {info['load_seconds']:.2f} s")
    for name, row in table.items():
        print(f"  {name:28} {row['tokens_per_second']:9.1f} tok/s in all {row['ratio']:8.2f} x")


if __name__ == "__main__":
    main()
