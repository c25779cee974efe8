"""How many threads compute while other programs take cores."""

from collections.abc import Iterator

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.imports import most_threads
from llmtui.engine.threads import ComputingThreads, CpuTime, fitting_threads

BEGIN = CpuTime(clock=5.0, own=70.0, idle=900.0)
MOST = 4


def after(seconds: float, own: float, idle: float) -> CpuTime:
    """A moment so many seconds later, of which this process and nobody had so many cores."""
    return CpuTime(BEGIN.clock + seconds, BEGIN.own + own * seconds, BEGIN.idle + idle * seconds)


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr("llmtui.engine.threads.most_threads", lambda: MOST)
    yield
    torch.set_num_threads(before)


class Machine:
    """Cores of which others take some, as this process sees them. A second goes by at each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int = MOST) -> None:
        self.others = 0.0
        self.looks = 0
        self._cores = cores
        # long ago, so that no look comes too early
        self._time = CpuTime(-1e6, 0.0, 0.0)
        monkeypatch.setattr(CpuTime, "now", self._look)

    def _look(self) -> CpuTime:
        self.looks += 1
        then = self._time
        self._time = CpuTime(then.clock + 1.0, then.own + self._cores - self.others, then.idle)
        return then


@pytest.mark.parametrize(
    ("own", "idle", "fitting"),
    [
        (2.0, 0.0, 2),  # nobody else
        (0.3, 1.7, 2),
        (1.8, 0.0, 2),  # others now and then
        (1.7, 0.0, 1),
        (1.33, 0.0, 1),  # three want two cores
        (1.0, 0.0, 1),  # one of two is another's
        (1.0, 1.0, 2),  # it was, a moment ago
        (0.4, 0.0, 1),  # there is always one
        (0.0, -0.05, 1),  # idle time may go back by a tick
        (16.0, 0.0, 2),  # other cores than those it may use
    ],
)
def test_as_many_threads_as_had_a_core_of_their_own(own: float, idle: float, fitting: int) -> None:
    assert fitting_threads(BEGIN, after(0.2, own, idle), most=2) == fitting


@given(
    seconds=st.floats(0.2, 10),
    own=st.floats(0, 64),
    idle=st.floats(0, 64),
    more=st.floats(0, 8),
    most=st.integers(1, 64),
)
def test_more_room_is_never_fewer_threads(seconds: float, own: float, idle: float, more: float, most: int) -> None:
    fitting = fitting_threads(BEGIN, after(seconds, own, idle), most)
    assert 1 <= fitting <= fitting_threads(BEGIN, after(seconds, own, idle + more), most) <= most


def test_the_clocks_run_in_seconds() -> None:
    begin = CpuTime.now()
    while (end := CpuTime.now()).own - begin.own < 0.05:
        pass
    assert end.clock - begin.clock >= 0.04
    assert -0.05 <= end.idle - begin.idle <= (end.clock - begin.clock + 0.02) * (psutil.cpu_count() or 1)


@pytest.mark.usefixtures("four_threads")
def test_a_step_gives_up_a_thread_for_each_core_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, threads = Machine(monkeypatch), ComputingThreads()
    assert threads.count == 0
    for others, expected in [(0.0, MOST), (1.0, 3), (2.5, 1), (9.0, 1), (0.2, MOST)]:
        threads.pause()
        machine.others = others
        threads.before_step()
        threads.before_step()
        assert threads.count == torch.get_num_threads() == expected


@pytest.mark.usefixtures("four_threads")
def test_exact_steps_are_computed_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, threads = Machine(monkeypatch), ComputingThreads()
    machine.others = 3.0
    for exact, expected in [(False, MOST), (False, 1), (True, MOST), (False, 1)]:
        threads.before_step(exact=exact)
        assert torch.get_num_threads() == expected


@pytest.mark.usefixtures("four_threads")
def test_what_others_do_in_a_pause_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, threads = Machine(monkeypatch), ComputingThreads()
    machine.others = 3.0
    for _ in range(5):
        threads.before_step()
        threads.pause()
    assert machine.looks == 5
    assert threads.count == MOST


def test_the_next_engine_begins_with_all_whatever_the_last_one_left(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch)
    before = torch.get_num_threads()
    most = most_threads()
    torch.set_num_threads(1)  # beside another program
    try:
        ComputingThreads().before_step()
        assert torch.get_num_threads() == most_threads() == most
    finally:
        torch.set_num_threads(before)


def test_one_thread_needs_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setattr("llmtui.engine.threads.most_threads", lambda: 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    threads = ComputingThreads()
    threads.before_step()
    assert (threads.count, machine.looks) == (1, 0)


def test_an_engine_beside_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()

    def write(engine: Engine, *, exact: bool) -> tuple[list[tuple[int, float | None]], int]:
        params = SamplingParams(seed=3, max_tokens=30, ignore_eos=True, exact=exact)
        result = engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
        return [(token.id, token.logprob) for token in result.tokens], engine.stats().computing_threads

    try:
        with Engine("tiny-tales") as engine:
            engine.wait_until_loaded()
            monkeypatch.setattr("llmtui.engine.threads.most_threads", lambda: 2)
            assert engine.stats().computing_threads == 0
            machine = Machine(monkeypatch, cores=2)
            alone, exact_alone = write(engine, exact=False), write(engine, exact=True)
            machine.others = 1.0
            beside, exact_beside = write(engine, exact=False), write(engine, exact=True)
    finally:
        torch.set_num_threads(before)
    assert alone[1] == 2
    assert beside[1] == 1
    assert exact_alone == exact_beside
    assert exact_beside[1] == 2
    assert [logprob for _, logprob in beside[0]] == pytest.approx([logprob for _, logprob in alone[0]], abs=1e-4)
