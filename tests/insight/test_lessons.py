"""Each lesson's experiments, done on the embedded model as the page says: the checks notice, with true numbers."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.insight.lessons import checks
from llmtui.insight.lessons.course import COURSE, TASKS
from llmtui.insight.lessons.crowd import try_crowd
from llmtui.insight.lessons.observation import Crowd, Look, Observation, Run

Try = Callable[..., Run]

PARAGRAPH = "The old mill stood by the river, and the miller had a fox who could read. " * 8


@pytest.fixture(scope="module")
def run(tiny_tales_engine: Engine) -> Try:
    """One run as the screen makes it: the prompt scored, at most so many tokens."""

    def try_it(prompt: str, **fields: object) -> Run:
        params = SamplingParams(**({"max_tokens": 40, "prompt_logprobs": True, "seed": 1} | fields))  # type: ignore[arg-type]
        result = tiny_tales_engine.submit(GenerationRequest(prompt=prompt, params=params)).result()
        info = tiny_tales_engine.model
        assert info is not None
        return Run(
            params,
            info.name,
            info.dtype,
            info.weights_bytes,
            result.prompt,
            result.tokens,
            result.started.seed,
            result.finished.timings,
        )

    return try_it


def experiments(run: Try) -> Iterator[tuple[str, list[Observation]]]:
    """What each task asks for, by its id."""
    once = run("Once upon a time", temperature=0.0)
    yield "tokens.words", [once]
    yield "tokens.pieces", [run("The xylophonist")]
    yield "tokens.bytes", [run("A 🦊")]
    yield "block.diagram", [Look("architecture")]
    yield "block.causal", [run("The old mill stood by the river"), run("The old mill stood by the sea")]
    yield "logits.greedy", [once]
    yield "logits.inspector", [Look("token")]
    words = "Once upon a time there was a little girl"
    yield "logits.order", [run(words), run(" ".join(reversed(words.split())))]
    cold, warm = (run("Once upon a time", temperature=t, top_k=0) for t in (0.2, 1.5))
    yield "filters.temperature", [cold, warm]
    yield "filters.top_k", [run("Once upon a time", temperature=1.5, top_k=1)]
    yield "filters.top_p", [run("Once upon a time", temperature=0.7, top_k=0, top_p=0.5)]
    seven = {"temperature": 0.8, "seed": 7}
    yield "seeds.same", [run("The fox", **seven), run("The fox", **seven)]
    yield "seeds.other", [run("The fox", **seven), run("The fox", **(seven | {"seed": 8}))]
    yield "seeds.greedy", [run("The fox", temperature=0.0, seed=7), run("The fox", temperature=0.0, seed=9)]
    yield "cache.reading", [run(PARAGRAPH)]
    yield "cache.rows", [run("Once upon a time", max_tokens=60, ignore_eos=True)]
    rounded = replace(once, dtype="int8", weights_bytes=once.weights_bytes // 2)
    yield "dtype.two", [once, rounded]
    yield "serving.crowd", [Crowd(8, 8, 100.0, 400.0)]


def test_every_task_is_noticed_when_it_is_done_as_the_page_says(run: Try) -> None:
    tried = dict(experiments(run))
    assert tried.keys() == TASKS.keys()
    for name, seen in tried.items():
        assert TASKS[name].check(seen), name
        assert TASKS[name].check([]) is None


def test_a_run_that_shows_nothing_of_a_task_does_not_count(run: Try) -> None:
    plain = run("A fox sat", temperature=0.7)
    expected = {"tokens.words"}
    assert {name for name, task in TASKS.items() if task.check([plain])} <= expected


def test_shared_beginnings_have_equal_log_probabilities_as_the_sentence_says(run: Try) -> None:
    first, second = run("The old mill stood by the river"), run("The old mill stood by the sea")
    differences = [
        abs(a.logprob - b.logprob)
        for a, b in zip(first.prompt[1:-1], second.prompt[1:-1], strict=True)
        if a.id == b.id and a.logprob is not None and b.logprob is not None
    ]
    assert len(differences) >= 5
    sentence = checks.what_comes_later_changes_nothing([first, second])
    assert sentence is not None
    assert f"the first {len(differences) + 1} tokens" in sentence
    # one that differs by more than rounding is no evidence
    token = second.prompt[1]
    assert token.logprob is not None
    other = replace(second, prompt=(second.prompt[0], replace(token, logprob=token.logprob - 0.1), *second.prompt[2:]))
    assert checks.what_comes_later_changes_nothing([first, other]) is None


def test_the_numbers_of_a_sentence_are_those_of_the_runs(run: Try) -> None:
    cold, warm = (run("Once upon a time", temperature=t, top_k=0) for t in (0.2, 1.5))
    means = [sum(t.surprisal_bits or 0 for t in r.tokens) / len(r.tokens) for r in (cold, warm)]
    assert means[0] < means[1]
    assert (
        checks.warmer_is_more_surprising([warm, cold]) == f"{means[0]:.2f} bits a token at 0.2, {means[1]:.2f} at 1.5"
    )
    assert checks.warmer_is_more_surprising([cold, replace(warm, params=cold.params)]) is None


def test_the_token_where_two_seeds_part(run: Try) -> None:
    first, second = (run("The fox", temperature=0.8, seed=seed) for seed in (7, 8))
    place = next(n for n, (a, b) in enumerate(zip(first.ids, second.ids, strict=False)) if a != b)
    assert checks.another_seed_another_text([first, second]) == f"seeds 7 and 8: the same until new token {place + 1}"
    assert checks.same_seed_same_text([first, second]) is None


def test_greedy_runs_do_not_count_as_drawn_by_a_seed(run: Try) -> None:
    greedy = run("The fox", temperature=0.0, seed=7)
    assert checks.same_seed_same_text([greedy, greedy]) is None


def test_a_copied_story_that_ends_at_once_is_still_read_and_timed(run: Try) -> None:
    told = run("Once upon a time")
    read = replace(run(PARAGRAPH), tokens=())  # an answer put into the prompt may have come to its end there
    writing = (len(told.tokens) - 1) / told.timings.decode
    reading = len(read.prompt) / read.timings.prefill
    assert checks.prompts_are_read_side_by_side([read]) is None  # no writing to compare it with
    assert reading > writing
    expected = f"prompt: {reading:,.0f} tokens a second; new tokens: {writing:,.0f} a second"
    assert checks.prompts_are_read_side_by_side([told, read]) == expected
    assert checks.prompts_are_read_side_by_side([replace(told, dtype="int8"), read]) is None


def test_equal_log_probabilities_are_called_equal(run: Try) -> None:
    first = run("The old mill stood by the river")
    last = first.prompt[-1]
    second = replace(first, prompt=(*first.prompt[:-1], replace(last, id=last.id + 1)))
    sentence = checks.what_comes_later_changes_nothing([first, second])
    assert sentence == f"the first {len(first.prompt) - 1} tokens have the same log-probabilities in both, bit for bit"


def test_what_rounding_changed_is_not_rounded_away(run: Try) -> None:
    exact = run("Once upon a time")
    tokens = [replace(t, logprob=t.logprob and t.logprob - 2e-5 * math.log(2)) for t in exact.prompt]
    sentence = checks.fewer_bits_same_text([exact, replace(exact, dtype="float16", prompt=tuple(tokens))])
    assert sentence is not None
    before, after = re.findall(r"([\d.]+) bits a token", sentence)
    assert float(after) - float(before) == pytest.approx(2e-5, abs=1.1e-5)


def test_a_crowd_shares_forwards_and_is_measured(tiny_tales_engine: Engine) -> None:
    crowd = try_crowd(tiny_tales_engine, "Once upon a time", requests=4, tokens=20)
    assert crowd.requests == 4
    assert 2 <= crowd.rows <= 4
    assert crowd.alone > 0
    assert crowd.together > 0
    assert checks.a_crowd_is_faster([Crowd(4, 1, 50.0, 60.0)]) is None
    assert checks.a_crowd_is_faster([Crowd(4, 4, 50.0, 40.0)]) is None


def test_eight_short_lessons() -> None:
    assert len(COURSE) == 8
    for lesson in COURSE:
        assert len(" ".join(lesson.text).split()) < 120
        assert 1 <= len(lesson.tasks) <= 3
