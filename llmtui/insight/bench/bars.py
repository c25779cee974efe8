"""The ratios that matter, and the bars that the project holds them to on a CPU."""

from dataclasses import dataclass

from llmtui.insight.bench import plan as of
from llmtui.insight.bench import probes
from llmtui.insight.bench.plan import SHORT_PROMPT, Measure, Plan
from llmtui.insight.bench.rounds import Spread

MOST_STREAMS = 16
# what a prompt's bars are for: of a short one, the fixed cost of a request is the larger part
LONG_PROMPT = 400
SAMPLED_AGAINST_GENERATE = {"float32": 1.1}
GREEDY_AGAINST_GENERATE = {"bfloat16": 1.6, "int8": 2.8}
STREAMS_AGAINST_ONE = {"float32": 4.0, "bfloat16": 8.0}


@dataclass(frozen=True, slots=True)
class Ratio:
    """One number over another of the same round.

    at_least, at_most  the bar; None: there is none on that side
    """

    name: str
    over: Measure
    under: Measure
    at_least: float | None = None
    at_most: float | None = None

    def met(self, found: Spread | None) -> bool | None:
        """Whether the median keeps to the bar; None where there is no bar, or no number."""
        if found is None or (self.at_least is None and self.at_most is None):
            return None
        return (self.at_least or 0.0) <= found.median and (self.at_most is None or found.median <= self.at_most)


def ratios(plan: Plan, dtype: str, device: str) -> list[Ratio]:
    """The ratios of a plan's measures, with the bars for a dtype; on other devices than the CPU there are none."""
    longest = plan.prompts[-1]
    one = of.decode(1, SHORT_PROMPT)

    def alone(name: str, unit: str, prompt: int = SHORT_PROMPT) -> Measure:
        return of.alone(name, prompt, unit)

    def for_long(bar: float) -> float | None:
        return bar if longest >= LONG_PROMPT else None

    found = [
        Ratio(
            "llmtui / generate, sampled",
            one,
            alone(probes.GENERATE, "tok/s"),
            at_least=SAMPLED_AGAINST_GENERATE.get(dtype),
        ),
        Ratio(
            "llmtui / generate, greedy",
            alone(probes.GREEDY, "tok/s"),
            alone(probes.GENERATE_GREEDY, "tok/s"),
            at_least=GREEDY_AGAINST_GENERATE.get(dtype),
        ),
        *(
            Ratio(
                f"{streams} streams / 1 stream",
                of.decode(streams, SHORT_PROMPT),
                one,
                at_least=STREAMS_AGAINST_ONE.get(dtype) if streams == MOST_STREAMS else None,
            )
            for streams in plan.streams
            if streams > 1
        ),
        Ratio(
            "10 candidates / none",
            alone(probes.WITH_CANDIDATES, "tok/s"),
            alone(probes.WITHOUT_CANDIDATES, "tok/s"),
            at_least=0.97,
        ),
        Ratio(
            "first token / one forward",
            of.first_token(longest),
            alone(probes.FORWARD, "s", longest),
            at_most=for_long(1.05),
        ),
        Ratio(
            "first token, known / new prompt",
            alone(probes.FIRST_AGAIN, "s", longest),
            of.first_token(longest),
            at_most=for_long(0.25),
        ),
        Ratio(
            "gap beside a prompt, p99 / median",
            alone(probes.GAP_P99, "s", longest),
            alone(probes.GAP_MEDIAN, "s", longest),
            at_most=for_long(4.0),
        ),
    ]
    if device == "cpu":
        return found
    return [Ratio(each.name, each.over, each.under) for each in found]
