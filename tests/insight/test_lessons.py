"""Each lesson's experiments, done on the embedded model as the page says: the checks notice, with true numbers."""

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
