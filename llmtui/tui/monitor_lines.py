"""The lines of the monitor: a number and its recent past each. Pure: takes samples, says lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llmtui.system.reading import Sample
from llmtui.tui.progress import SEPARATOR
from llmtui.tui.text import GLYPHS, GlyphSet, middle_ellipsis, visible
from llmtui.units import short_size

LABEL_CELLS: Final = 11
VALUE_CELLS: Final = 22
SCALE_CELLS: Final = 9
NOTHING_YET: Final = "The first look at the machine comes in a second."

Pick = Callable[[Sample], float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; a heading stands above those that follow."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """A number over time. top: what its bars are measured by; None: the largest one in sight, which `unit` writes."""

    label: str
    value: str
    pick: Pick
    top: float | None
    unit: Callable[[float], str]


def monitor_lines(history: Sequence[Sample], width: int, height: int, glyphs: GlyphSet = "unicode") -> list[Line]:
    """Machine, process and engine in lines of `width` cells; each core has its own if `height` has room for them.

    history: oldest first. A bar is a second, the newest at the right.
    """
    if not history:
        return [Line(NOTHING_YET)]
    newest = history[-1]
    process, engine = _process(newest), _engine(newest)
    room = height - 1 - len(process) - len(engine) - 2 - 2 * len(newest.gpus)
    lines = [Line(_machine_words(newest), heading=True)]
    trends = [_cpu(newest)]
    many = len(newest.core_percents) > room
    trends += [] if many else [_core(newest, number) for number in range(len(newest.core_percents))]
    lines += [_drawn(trend, history, width, glyphs) for trend in trends]
    if many:
        lines += _core_strips(newest, width, glyphs)
    lines += [_drawn(trend, history, width, glyphs) for trend in (_ram(newest), *_gpus(newest))]
    for part in (process, engine):
        lines += [entry if isinstance(entry, Line) else _drawn(entry, history, width, glyphs) for entry in part]
    return [
        Line(middle_ellipsis(visible(line.text, glyphs=glyphs), width, glyphs=glyphs), line.heading) for line in lines
    ]


def _machine_words(sample: Sample) -> str:
    cores = f"{len(sample.core_percents)} cores"
    load = "" if sample.load is None else "load " + " ".join(f"{value:.2f}" for value in sample.load)
    return SEPARATOR.join(part for part in ("machine", cores, load and f"{load} over 1, 5, 15 min") if part)


def _cpu(sample: Sample) -> Trend:
    return Trend("cpu", _percent(sample.cpu_percent), lambda s: s.cpu_percent, 100.0, _percent)


def _core(sample: Sample, number: int) -> Trend:
    def pick(s: Sample) -> float | None:
        return s.core_percents[number] if number < len(s.core_percents) else None

    return Trend(f"  core {number}", _percent(pick(sample)), pick, 100.0, _percent)


def _core_strips(sample: Sample, width: int, glyphs: GlyphSet) -> list[Line]:
    """One bar for each core as it is now: too many for a line of their own."""
    bars = "".join(_bar(percent, 100.0, glyphs) for percent in sample.core_percents)
    room = max(1, width - LABEL_CELLS)
    parts = [bars[start : start + room] for start in range(0, len(bars), room)]
    return [Line(f"{'  each' if not number else '':<{LABEL_CELLS}}{part}") for number, part in enumerate(parts)]


def _ram(sample: Sample) -> Trend:
    used, total = sample.ram_used_bytes, sample.ram_total_bytes
    value = "–" if used is None or total is None else f"{short_size(used)} of {short_size(total)}"
    return Trend("ram", value, lambda s: s.ram_used_bytes, float(total or 0) or None, short_size)


def _gpus(sample: Sample) -> list[Trend]:
    trends = []
    for number, gpu in enumerate(sample.gpus):

        def load(s: Sample, number: int = number) -> float | None:
            return s.gpus[number].load_percent if number < len(s.gpus) else None

        def memory(s: Sample, number: int = number) -> float | None:
            return s.gpus[number].memory_used_bytes if number < len(s.gpus) else None

        used = f"{short_size(gpu.memory_used_bytes)} of {short_size(gpu.memory_total_bytes)}"
        trends.append(Trend(f"gpu {number}", f"{_percent(gpu.load_percent)} {gpu.name}", load, 100.0, _percent))
        trends.append(Trend(f"vram {number}", used, memory, float(gpu.memory_total_bytes), short_size))
    return trends


def _process(sample: Sample) -> list[Line | Trend]:
    rss = sample.process_rss_bytes
    cores = max(1, len(sample.core_percents))
    return [
        Line("this process", heading=True),
        Trend(
            "cpu",
            f"{_percent(sample.process_cpu_percent)}, a core is 100%",
            lambda s: s.process_cpu_percent,
            100.0 * cores,
            _percent,
        ),
        Trend("memory", "–" if rss is None else short_size(rss), lambda s: s.process_rss_bytes, None, short_size),
    ]


def _engine(sample: Sample) -> list[Line | Trend]:
    engine = sample.engine
    if engine is None:
        return []
    models = [f"{model.name} {short_size(model.weights_bytes)}" for model in engine.models]
    speed = sample.tokens_per_second or 0.0
    return [
        Line(SEPARATOR.join(["engine", engine.state, *models]), heading=True),
        Trend("speed", f"{speed:.1f} tok/s", lambda s: s.tokens_per_second, None, _count),
        Trend("running", str(engine.running), _of_engine("running"), None, _count),
        Trend("waiting", str(engine.waiting), _of_engine("waiting"), None, _count),
        Trend("threads", f"{engine.computing_threads} compute", _of_engine("computing_threads"), None, _count),
        Trend("kv", short_size(engine.kv_bytes), _of_engine("kv_bytes"), None, short_size),
        Trend(
            "prefixes",
            f"{short_size(engine.prefix_cache_bytes)}, {_short(engine.prefix_hit_tokens)} tokens hit",
            _of_engine("prefix_cache_bytes"),
            None,
            short_size,
        ),
    ]


def _of_engine(field: str) -> Pick:
    return lambda sample: None if sample.engine is None else getattr(sample.engine, field)


def _drawn(trend: Trend, history: Sequence[Sample], width: int, glyphs: GlyphSet) -> Line:
    cells = width - LABEL_CELLS - VALUE_CELLS - SCALE_CELLS - 3
    if cells < 1:
        return Line(f"{trend.label:<{LABEL_CELLS}}{visible(trend.value, glyphs=glyphs)}")
    seen = [trend.pick(sample) for sample in list(history)[-cells:]]
    top = trend.top if trend.top is not None else max((value for value in seen if value is not None), default=0.0)
    bars = "".join(" " if value is None else _bar(value, top, glyphs) for value in seen)
    scale = f"{'of' if trend.top is not None else 'max'} {trend.unit(top)}"
    value = middle_ellipsis(visible(trend.value, glyphs=glyphs), VALUE_CELLS, glyphs=glyphs)
    return Line(f"{trend.label:<{LABEL_CELLS}}{value:<{VALUE_CELLS}} {bars:>{cells}}  {scale}")


def _bar(value: float, top: float, glyphs: GlyphSet) -> str:
    """A sample is never drawn as nothing: the lowest bar is zero."""
    bars = GLYPHS[glyphs].bars
    share = min(1.0, max(0.0, value / top)) if top > 0 else 0.0
    return bars[max(1, round(share * (len(bars) - 1)))]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}%"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _short(number: int) -> str:
    return f"{number:,}" if number < 100_000 else f"{number / 1e6:.1f}M"
