"""What is done to a model in every round, by llmtui and by its yardsticks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmtui.engine import Engine
from llmtui.insight.bench import plan as of
from llmtui.insight.bench.plan import SHORT_PROMPT, Measure, Plan
from llmtui.insight.bench.rounds import Values
from llmtui.insight.bench.workloads import (
    Requests,
    engine_seconds,
    first_token_twice,
    gaps_beside_a_prompt,
    prefill_seconds,
    speeds_in_turn,
    streams_speed,
)
from llmtui.insight.bench.yardsticks import forward_seconds, generate_seconds, on_engine

GREEDY = "decode, greedy"
WITH_CANDIDATES = "decode, 10 candidates"
WITHOUT_CANDIDATES = "decode, no candidates"
GENERATE = "generate"
GENERATE_GREEDY = "generate, greedy"
FORWARD = "one forward"
FIRST_AGAIN = "first token, known prompt"
GAP_MEDIAN = "gap beside a prompt, median"
GAP_P99 = "gap beside a prompt, p99"


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to do, and what the numbers are that come of it."""

    measures: tuple[Measure, ...]
    work: Callable[[], tuple[float, ...]]

    @property
    def name(self) -> str:
        return self.measures[0].key

    def __call__(self) -> Values:
        return {measure.key: value for measure, value in zip(self.measures, self.work(), strict=True)}


def probes(engine: Engine, plan: Plan, vocabulary: int, plain: Any | None) -> list[Probe]:
    """Everything of a round; plain: the yardsticks' model, None leaves them out."""
    requests = Requests(min(vocabulary, 5000))
    found = [_decode(engine, requests, plan, streams, SHORT_PROMPT) for streams in plan.streams]
    found += [_decode(engine, requests, plan, 1, prompt) for prompt in plan.prompts if prompt != SHORT_PROMPT]
    found += [_prefill(engine, requests, 1, prompt) for prompt in plan.prompts]
    middle = plan.prompts[len(plan.prompts) // 2]
    found += [_prefill(engine, requests, streams, middle) for streams in plan.streams if streams > 1]
    found += [_candidates(engine, requests, plan), _greedy(engine, plan)]
    found += [_first_tokens(engine, requests, plan.prompts[-1])]
    if plan.gap_tokens:
        found.append(_gaps(engine, requests, plan))
    if plain is not None:
        found += [_generate(engine, plain, plan, greedy=greedy) for greedy in (False, True)]
        found.append(_forward(engine, plain, requests, plan.prompts[-1]))
    return found


def _decode(engine: Engine, requests: Requests, plan: Plan, streams: int, prompt: int) -> Probe:
    return Probe(
        (of.decode(streams, prompt),), lambda: (streams_speed(engine, requests, streams, plan.tokens, prompt),)
    )


def _prefill(engine: Engine, requests: Requests, streams: int, prompt: int) -> Probe:
    return Probe(
        (of.prefill(streams, prompt),),
        lambda: (streams * prompt / prefill_seconds(engine, requests, streams, prompt),),
    )


def _greedy(engine: Engine, plan: Plan) -> Probe:
    return Probe(
        (of.alone(GREEDY, SHORT_PROMPT, "tok/s"),),
        lambda: ((plan.tokens - 1) / engine_seconds(engine, plan.tokens, greedy=True),),
    )


def _candidates(engine: Engine, requests: Requests, plan: Plan) -> Probe:
    measures = tuple(of.alone(name, SHORT_PROMPT, "tok/s") for name in (WITH_CANDIDATES, WITHOUT_CANDIDATES))
    ways = {"top_logprobs": 10}, {"top_logprobs": 0}
    return Probe(measures, lambda: speeds_in_turn(engine, requests, plan.tokens, ways))


def _first_tokens(engine: Engine, requests: Requests, prompt: int) -> Probe:
    measures = (of.first_token(prompt), of.alone(FIRST_AGAIN, prompt, "s"))
    return Probe(measures, lambda: first_token_twice(engine, requests, prompt))


def _gaps(engine: Engine, requests: Requests, plan: Plan) -> Probe:
    prompt = plan.prompts[-1]
    measures = (of.alone(GAP_MEDIAN, prompt, "s"), of.alone(GAP_P99, prompt, "s"))
    return Probe(measures, lambda: gaps_beside_a_prompt(engine, requests, prompt, plan.gap_tokens))


def _generate(engine: Engine, plain: Any, plan: Plan, *, greedy: bool) -> Probe:
    return Probe(
        (of.alone(GENERATE_GREEDY if greedy else GENERATE, SHORT_PROMPT, "tok/s"),),
        lambda: ((plan.tokens - 1) / on_engine(engine, lambda: generate_seconds(plain, plan.tokens, greedy=greedy)),),
    )


def _forward(engine: Engine, plain: Any, requests: Requests, prompt: int) -> Probe:
    return Probe(
        (of.alone(FORWARD, prompt, "s"),),
        lambda: (on_engine(engine, lambda: forward_seconds(plain, requests.ids(prompt))),),
    )
