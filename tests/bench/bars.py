"""The bars of every dtype for a model of known shape: what `llmtui bench` measures, one dtype after the other.

    python tests/bench/bars.py [--shape gpt2] [--dtypes float32 bfloat16 int8] [--rounds 5] [--quick] [--json]
        [--only "first token" "gap" "one forward"]

--only leaves out what has none of the texts in its name, as the table shows it.
--json writes one object for each dtype on a line of its own, as `llmtui bench --json` does.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from models import SHAPES, make_folder

from llmtui.commands.bench_output import write_bench
from llmtui.engine import Engine
from llmtui.insight.bench.plan import QUICK, Plan
from llmtui.insight.bench.run import begin, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=[*SHAPES, "tiny-tales"], default="gpt2")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    plan = QUICK if options.quick else Plan()
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        shape = options.shape
        name = shape if shape == "tiny-tales" else str(make_folder(shape, Path(folder) / shape))
        for dtype in options.dtypes:
            with Engine(max_running=plan.streams[-1]) as engine:
                bench = begin(engine, engine.load(name, dtype=dtype).wait(300), plan)
                measure(bench, engine, only=options.only)
            write_bench(bench, as_json=options.json)


if __name__ == "__main__":
    main()
