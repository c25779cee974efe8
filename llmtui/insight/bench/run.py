"""One model, measured: everything that a benchmark knows so far, and the steps that fill it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmtui.engine import Engine
from llmtui.engine.loads import ModelInfo
from llmtui.insight.bench.bandwidth import buffer_size, last_cache_bytes, read_bandwidth, weight_bytes_per_token
from llmtui.insight.bench.bars import Ratio, ratios
from llmtui.insight.bench.plan import SHORT_PROMPT, Measure, Plan, decode
from llmtui.insight.bench.probes import probes
from llmtui.insight.bench.rounds import Round, Show, Spread, alternate, ratio, spread, spread_of
from llmtui.insight.bench.yardsticks import model_of, plain_model, use_the_engines_threads
from llmtui.insight.process_memory import free_bytes

# what a copy of the weights needs besides them
HEADROOM = 1.25


@dataclass(slots=True)
class Bench:
    """What was measured so far.

    threads          that the engine computes with
    bytes_per_token  of weights that a token of one stream reads
    cache_bytes      the processor's last cache; None: unknown, or not where the model is
    bandwidth        of reading memory, in bytes per second
    measures         in the order of showing; those that no round got to have no numbers
    notes            what is missing, and why
    """

    info: ModelInfo
    plan: Plan
    threads: int
    bytes_per_token: int
    cache_bytes: int | None
    buffer_bytes: int
    bandwidth: Spread | None = None
    measures: tuple[Measure, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    rounds: list[Round] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = False

    def number(self, measure: Measure) -> Spread | None:
        return spread_of(self.rounds, measure.key)

    def ratio(self, found: Ratio) -> Spread | None:
        return ratio(self.rounds, found.over.key, found.under.key)

    @property
    def speed(self) -> Spread | None:
        """Tokens per second of one stream after a short prompt."""
        return self.number(decode(1, SHORT_PROMPT))

    @property
    def bandwidth_share(self) -> float | None:
        """The share of the memory's bandwidth that reading the weights takes while one stream decodes.

        Above 1 where a cache holds them.
        """
        if self.speed is None or self.bandwidth is None:
            return None
        return self.speed.median * self.bytes_per_token / self.bandwidth.median


def begin(engine: Engine, info: ModelInfo, plan: Plan) -> Bench:
    """A benchmark of the engine's model with nothing measured yet."""
    plan = plan.fitted(info.context)
    on_cpu = info.device == "cpu"
    cache = last_cache_bytes() if on_cpu else None
    return Bench(
        info=info,
        plan=plan,
        threads=use_the_engines_threads(engine),
        bytes_per_token=engine.run_job(lambda loaded: weight_bytes_per_token(loaded.model)).result(),
        cache_bytes=cache,
        buffer_bytes=plan.buffer_bytes or buffer_size(cache, free_bytes(info.device)),
    )


def measure(bench: Bench, engine: Engine, show: Show | None = None, only: Sequence[str] = ()) -> None:
    """Measure everything, or what has one of the texts of `only` in its name; `bench` fills as it goes."""
    info, plan = bench.info, bench.plan
    tell = show or (lambda *_: None)
    tell(0, 1, "memory bandwidth")
    passes = engine.run_job(lambda _: read_bandwidth(bench.buffer_bytes, plan.passes, info.device)).result()
    bench.bandwidth = spread(passes)
    tell(0, 1, "loading the model for transformers.generate()")
    plain = yardstick(bench, engine)
    found = [
        probe
        for probe in probes(engine, plan, info.vocab_size, plain)
        if not only or any(text in probe.name for text in only)
    ]
    bench.measures = tuple(measure for probe in found for measure in probe.measures)
    bench.ratios = tuple(
        each
        for each in ratios(plan, info.dtype, info.device)
        if each.over in bench.measures and each.under in bench.measures
    )
    alternate({probe.name: probe for probe in found}, plan.rounds, bench.rounds, show)
    bench.complete = True


def yardstick(bench: Bench, engine: Engine) -> Any | None:
    """The model with transformers' own layers: in float32 on a CPU, elsewhere as the engine has it.

    None, and a note, where a second copy of the weights does not fit into memory.
    """
    info = bench.info
    if info.device != "cpu":
        return model_of(engine)
    needed = int(4 * info.parameters * HEADROOM)
    if needed > free_bytes(info.device):
        bench.notes.append(
            f"transformers.generate() is left out: a float32 copy of the model needs {needed / 1e9:.1f} GB more memory"
        )
        return None
    return plain_model(Path(info.path), info.device)
