"""Ways of doing a thing, measured in turn: samples, medians with their spread, ratios within a round."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, float]
Way = Callable[[], float | Values]
Round = dict[str, float]
Show = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples in three numbers, and how many they were."""

    median: float
    low: float
    high: float
    samples: int


def spread(values: Iterable[float]) -> Spread | None:
    """Median, smallest and largest; None where there is nothing."""
    samples = list(values)
    if not samples:
        return None
    return Spread(statistics.median(samples), min(samples), max(samples), len(samples))


def spread_of(rounds: Sequence[Round], name: str) -> Spread | None:
    """What the rounds that got to it measured of one thing."""
    return spread(values[name] for values in rounds if name in values)


def ratio(rounds: Sequence[Round], over: str, under: str) -> Spread | None:
    """`over` / `under` of each round that has both: a machine that is slower for a while is so for both."""
    return spread(values[over] / values[under] for values in rounds if over in values and values.get(under))


def alternate(ways: Mapping[str, Way], rounds: int, into: list[Round], show: Show | None = None) -> None:
    """Do every way once, uncounted, then all of them `rounds` times, each round beginning one way further.

    A way gives one number, or several under names of their own. into: gets a round when it begins, and its numbers as
    they come, so that an interruption leaves what was measured. show: is told steps done, steps in all, what is next.
    """
    order = list(ways)
    total = len(order) * (rounds + 1)
    done = 0

    def measure(name: str) -> Values:
        nonlocal done
        if show is not None:
            show(done, total, name)
        value = ways[name]()
        done += 1
        return value if isinstance(value, Mapping) else {name: value}

    for name in order:
        measure(name)
    for turn in range(rounds):
        values: Round = {}
        into.append(values)
        first = turn % len(order) if order else 0
        for name in order[first:] + order[:first]:
            values.update(measure(name))
