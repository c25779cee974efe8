"""Models that write side by side: who computes when, what counts as a model's own time, and who shares the memory."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from compare_models import byte_model, large_byte_model, memory_for_a_small_model, no_memory

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Finished, Token
from llmtui.engine.loads import LoadProgress
from llmtui.insight.compare import Column, Comparison, ModelChoice, Standing, Step
from llmtui.insight.compare.process import ModelProcess
from llmtui.insight.compare.room import needed_bytes
from llmtui.insight.compare.turns import TURN_SECONDS, Turns
from llmtui.insight.process_memory import mapped_bytes

PROMPT = "Once upon a time there was a mouse."
LONG = SamplingParams(temperature=1.0, max_tokens=400, ignore_eos=True, seed=5, top_logprobs=0)
TWO = [ModelChoice("tiny-tales"), ModelChoice("tiny-tales", "float16")]


def writers(steps: Iterator[Step] | list[Step]) -> list[int]:
    """The places of the models that wrote, token by token."""
    return [step.place for step in steps if isinstance(step.progress, Token)]


def turns_of(places: list[int]) -> list[int]:
    """The places without repetitions: who had the turn, turn by turn."""
    return [place for before, place in zip([None, *places], places, strict=False) if place != before]


def processes_of(comparison: Comparison) -> dict[int, psutil.Process]:
    return {model.place: psutil.Process(model.pid) for model in comparison._processes}


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def test_texts_grow_by_turns_and_are_those_that_each_model_writes_alone(tiny_tales_engine: Engine) -> None:
    comparison = Comparison(PROMPT, LONG)
    places = writers(comparison.run(TWO))
    assert Counter(places) == {0: 400, 1: 400}
    turns = turns_of(places)
    # each has several turns, and they alternate until one text is there
    assert min(Counter(turns).values()) >= 2
    assert turns[:4] == [0, 1, 0, 1]
    alone = tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=LONG, clip=True)).result()
    first = comparison.columns[0].measured
    assert first is not None
    assert first.text == alone.text


def test_who_has_no_turn_does_not_compute() -> None:
    comparison = Comparison(PROMPT, LONG)
    used: dict[tuple[int, int], float] = Counter()
    before: dict[int, float] = {}
    for step in comparison.run(TWO):
        if not isinstance(step.progress, Token):
            continue
        now = {place: cpu_seconds(process) for place, process in processes_of(comparison).items()}
        for place, seconds in now.items():
            used[step.place, place] += seconds - before.get(place, seconds)
        before = now
    for place in (0, 1):
        own, others = used[place, place], used[1 - place, place]
        # what is left of a step when the turn's time is up is the most that lies on the wrong side
        assert own > 0
        assert others < own / 4


@pytest.mark.usefixtures("slow_steps")
def test_time_without_a_turn_is_no_part_of_the_models_own(tiny_tales_engine: Engine) -> None:
    slept: list[tuple[int, float]] = []
    tokens: list[Token] = []

    def wait_for_the_others() -> None:
        began = time.perf_counter()
        time.sleep(3 * TURN_SECONDS)
        slept.append((len(tokens), time.perf_counter() - began))

    turns = Turns(tiny_tales_engine, wait_for_the_others)
    # more than one block of prompt: turns end before the first token, too
    prompt = "the fox and the bear " * 90
    params = SamplingParams(max_tokens=60, ignore_eos=True, prompt_logprobs=True, top_logprobs=10)
    stream = tiny_tales_engine.submit(GenerationRequest(prompt=prompt, params=params, clip=True))
    for event in turns.events(stream):
        if isinstance(event, Token):
            tokens.append(event)
        if isinstance(event, Finished):
            raw = event.timings
    own = turns.own(raw)
    after_first = sum(seconds for written, seconds in slept if written)
    assert slept
    assert after_first > 0
    assert raw.decode - own.decode >= after_first
    assert raw.total - own.total >= sum(seconds for _, seconds in slept)
    assert own.first_token is not None
    assert raw.first_token is not None
    assert raw.first_token - own.first_token >= sum(seconds for written, seconds in slept if not written)
    # the steps themselves are the model's own, every one of them
    assert own.decode >= sum(token.step_ns for token in tokens[1:]) / 1e9
    assert own.first_token > 0


def test_the_speed_told_is_of_the_models_own_steps_and_not_of_the_others() -> None:
    comparison = Comparison(PROMPT, LONG)
    arrived: dict[int, list[tuple[float, float]]] = {0: [], 1: []}
    for step in comparison.run(TWO):
        if isinstance(step.progress, Token):
            arrived[step.place].append((time.perf_counter(), step.progress.step_ns / 1e9))
    for place, column in enumerate(comparison.columns):
        assert column.measured is not None
        assert column.measured.tokens_per_second is not None
        decode = (column.measured.tokens - 1) / column.measured.tokens_per_second
        own, others = arrived[place], arrived[1 - place]
        first, last = own[0][0], own[-1][0]
        of_others = sum(seconds for when, seconds in others if first < when < last)
        assert decode >= sum(seconds for _, seconds in own[1:])
        assert decode <= (last - first) - 0.7 * of_others


def test_models_that_do_not_fit_together_wait_until_the_memory_is_back() -> None:
    comparison = Comparison(PROMPT, SamplingParams(max_tokens=60, ignore_eos=True, seed=0), free_memory=no_memory)
    steps, alive = [], []
    for step in comparison.run(TWO):
        steps.append(step)
        alive.append({p.pid for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())})
    assert turns_of(writers(steps)) == [0, 1]
    assert Step(1, Standing.NO_ROOM) in steps
    assert max(len(pids) for pids in alive) == 1
    assert all(column.measured is not None for column in comparison.columns)
    # the second is compared with the first's text, although that is gone
    assert comparison.columns[1].differences is not None


def test_a_smaller_model_joins_those_in_memory_while_a_larger_one_waits(tmp_path: Path) -> None:
    large = str(large_byte_model(tmp_path / "large"))
    comparison = Comparison(PROMPT, LONG, free_memory=memory_for_a_small_model)
    steps = list(comparison.run([TWO[0], ModelChoice(large), TWO[1]]))
    assert [step.place for step in steps if step.progress == Standing.NO_ROOM] == [1]
    turns = turns_of(writers(steps))
    assert turns[:3] == [0, 2, 0]
    assert turns.index(1) == len(turns) - 1
    assert [column.choice.name for column in comparison.columns] == ["tiny-tales", large, "tiny-tales"]
    assert all(column.bits_per_byte is not None for column in comparison.columns)
    assert all(len(span.bits) == 3 for span in comparison.spans)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_no_process_takes_more_memory_than_it_was_thought_to_need(tmp_path: Path, dtype: str) -> None:
    choice = ModelChoice(str(large_byte_model(tmp_path)), dtype)
    comparison = Comparison(PROMPT, SamplingParams(max_tokens=4, ignore_eos=True))
    for step in comparison.run([choice]):
        if isinstance(step.progress, Token):
            lines = Path(f"/proc/{comparison._processes[0].pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    needed = needed_bytes(choice, "cpu")
    assert needed is not None
    assert peak <= needed


@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_is_killed_fills_its_column_and_the_other_writes_on(victim: int) -> None:
    """Killed in the first one's turn: once that one itself, once the one that waits."""
    comparison = Comparison(PROMPT, LONG)
    killed = False
    for step in comparison.run(TWO):
        if isinstance(step.progress, Token) and not killed:
            killed = True
            os.kill(processes_of(comparison)[victim].pid, signal.SIGKILL)
    dead, other = comparison.columns[victim], comparison.columns[1 - victim]
    assert dead.measured is None
    assert (dead.problem or "").startswith("its process ended with code -9")
    assert other.measured is not None
    assert other.measured.tokens == 400
    # whoever is left is what all are compared on
    assert other.bits_per_byte is not None
    assert (PROMPT + other.measured.text).startswith(comparison.text)


def test_stopping_in_the_middle_of_a_turn_ends_all_and_keeps_what_was_measured(tmp_path: Path) -> None:
    short = byte_model(tmp_path, n_positions=64)
    comparison = Comparison(PROMPT, LONG)
    loaded: list[int] = []
    for step in comparison.run([*TWO, ModelChoice(str(short))]):
        loaded += [step.place] if step.progress == Standing.LOADED else []
        if isinstance(step.progress, Column) and step.progress.measured is not None:
            done = step.place
        elif isinstance(step.progress, Token) and done_by(comparison) and not comparison._stopped:
            comparison.stop()
    assert loaded == [0, 1, 2]
    assert done == 2
    kept = comparison.columns[2]
    assert kept.measured is not None
    assert kept.measured.tokens == 64 - len(PROMPT)
    assert kept.bits_per_byte is None
    assert [column.problem for column in comparison.columns] == ["stopped", "stopped", None]
    assert not comparison.complete
    assert multiprocessing.active_children() == []


def done_by(comparison: Comparison) -> list[Column]:
    return [column for column in comparison.columns if column.measured is not None]


def test_stopping_while_a_model_loads_begins_no_other() -> None:
    comparison = Comparison(PROMPT, LONG)
    begun: set[int] = set()
    for step in comparison.run(TWO):
        begun |= {model.place for model in comparison._processes}
        if isinstance(step.progress, LoadProgress) or step.progress == Standing.LOADED:
            comparison.stop()
    assert begun == {0}
    assert [column.problem for column in comparison.columns] == ["stopped", "stopped"]
    assert multiprocessing.active_children() == []


def test_leaving_the_loop_ends_all_processes_and_keeps_what_was_measured(tmp_path: Path) -> None:
    short = byte_model(tmp_path, n_positions=64)
    comparison = Comparison(PROMPT, LONG)
    steps = comparison.run([ModelChoice(str(short)), TWO[0]])
    for step in steps:
        if isinstance(step.progress, Column):
            break
    steps.close()
    measured, stopped = comparison.columns
    assert (measured.choice.name, measured.problem) == (str(short), None)
    assert (stopped.choice, stopped.problem, stopped.measured) == (TWO[0], "stopped", None)
    assert not comparison.complete
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_is_mapped_of_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(1 << 20))
    link = tmp_path / "link"
    link.symlink_to(file)
    assert mapped_bytes([link]) == 0
    mapped = np.memmap(file, mode="r")
    assert mapped_bytes([link]) == mapped.nbytes == 1 << 20


def test_nothing_is_known_of_what_is_no_model() -> None:
    assert needed_bytes(ModelChoice("./nowhere"), "cpu") is None


def test_a_process_of_a_model_that_is_not_there_answers_with_a_sentence() -> None:
    from llmtui.insight.compare.messages import Order

    process = ModelProcess(0, Order(ModelChoice("./nowhere"), "Once", LONG, "cpu", tuple, no_memory))
    try:
        turn = process.turn()
        with pytest.raises(StopIteration) as end:
            next(turn)
        assert end.value.value == "./nowhere is not a folder on this machine: check the path"
    finally:
        process.end()


INTERRUPTED_WHILE_ONE_BEGINS = """
import multiprocessing.util as util, os, signal
from llmtui.engine import SamplingParams
from llmtui.insight.compare import ModelChoice
from llmtui.insight.compare.messages import Order
from llmtui.insight.compare.process import ModelProcess

begin, begun = util.spawnv_passfds, []

def begin_and_interrupt(*arguments):
    begun.append(begin(*arguments))
    if len(begun) == 2:  # the first is multiprocessing's own helper
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(begun[1], signal.SIGINT)
    return begun[-1]

util.spawnv_passfds = begin_and_interrupt
try:
    ModelProcess(0, Order(ModelChoice("./nowhere"), "Once", SamplingParams(), "cpu", tuple, int))
except KeyboardInterrupt:
    print(len(begun), "interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no masks of signals")
def test_ctrl_c_while_a_models_process_begins_comes_once_it_has_and_never_reaches_it() -> None:
    told = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_ONE_BEGINS], capture_output=True, text=True, timeout=60, check=False
    )
    assert (told.stdout, told.stderr, told.returncode) == ("2 interrupted\n", "", 0)
