"""Blocks of prompts as large as those who decode beside them can bear, on any machine."""

from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmtui.engine.pace import FIRST_SHARE, GRAIN, LARGEST_STEP, PATIENCE, QUIET_SECONDS, SMALLEST_SHARE, Pace


@dataclass(frozen=True)
class Machine:
    """Seconds: of any step, of each row that decodes, of mixing a prompt in at all, of each token of one."""

    step: float
    row: float
    mixing: float
    token: float

    def decode(self, rows: int) -> float:
        return self.step + rows * self.row

    def mixed(self, rows: int, tokens: int) -> float:
        return self.decode(rows) + self.mixing + tokens * self.token


machines = st.builds(Machine, st.floats(1e-3, 1e-1), st.floats(0, 1e-2), st.floats(0, 1e-2), st.floats(1e-6, 1e-2))
records = st.tuples(st.integers(0, 16), st.integers(0, 512), st.floats(1e-6, 100), st.booleans())


def paced(machine: Machine, rows: int = 1) -> Pace:
    """One that knows what decoding takes and what a prompt alone takes."""
    pace = Pace()
    for _ in range(3):
        pace.record(0, LARGEST_STEP, machine.mixed(0, LARGEST_STEP))
        pace.record(rows, 0, machine.decode(rows))
    return pace


@given(machines, st.integers(1, 16))
def test_steps_with_a_prompt_come_to_last_as_long_as_those_beside_it_bear(machine: Machine, rows: int) -> None:
    pace = paced(machine, rows)
    for _ in range(60):
        size = pace.beside(rows)
        pace.record(rows, size, machine.mixed(rows, size))
    size, bearable = pace.beside(rows), PATIENCE * machine.decode(rows)
    assert size == SMALLEST_SHARE or machine.mixed(rows, size) <= bearable * (1 + 1e-9)
    # and no smaller than they need be; where mixing itself is dear, two sizes may take turns
    larger = size + machine.mixing / machine.token + 2 * GRAIN
    assert size == LARGEST_STEP or machine.mixed(rows, round(larger)) >= bearable * (1 - 1e-9)


@given(machines)
def test_the_first_step_beside_others_is_no_larger_than_prompts_alone_let_expect(machine: Machine) -> None:
    pace, unknowing = paced(machine), Pace()
    assert pace.beside(1) <= FIRST_SHARE == unknowing.beside(1)
    if machine.mixing <= 1e-4 and pace.beside(1) > SMALLEST_SHARE:
        assert machine.mixed(1, pace.beside(1)) <= PATIENCE * machine.decode(1) + machine.mixing


@given(machines)
def test_a_size_grows_by_no_more_than_twice_what_was_tried(machine: Machine) -> None:
    pace, tried = paced(machine), FIRST_SHARE // 2
    for _ in range(20):
        size = pace.beside(1)
        assert size <= 2 * tried
        tried = max(tried, size)
        pace.record(1, size, machine.mixed(1, size))


@example([(0, 512, 1.0, False), (0, 0, 1.0, False)], 1, False)
@given(st.lists(records), st.integers(1, 64), st.booleans())
def test_a_prompt_always_gets_on_and_never_takes_all(
    steps: list[tuple[int, int, float, bool]], rows: int, scored: bool
) -> None:
    pace = Pace()
    for decoding, tokens, seconds, was_scored in steps:
        pace.record(decoding, tokens, seconds, scored=was_scored)
        for size in (pace.beside(rows, scored=scored), pace.quiet):
            assert SMALLEST_SHARE <= size <= LARGEST_STEP
            assert size % GRAIN == 0


@given(machines, st.integers(0, 3), st.floats(1, 1e4))
def test_steps_that_something_else_held_up_change_nothing(machine: Machine, held_up: int, times: float) -> None:
    pace, undisturbed = paced(machine), paced(machine)
    for number in range(9):
        late = times if number < held_up else 1.0
        for one, factor in ((pace, late), (undisturbed, 1.0)):
            one.record(1, 0, machine.decode(1) * factor)
            one.record(1, SMALLEST_SHARE, machine.mixed(1, SMALLEST_SHARE) * factor)
    assert pace.beside(1) == undisturbed.beside(1)


def test_what_sixteen_rows_take_does_not_make_one_wait_as_long() -> None:
    machine = Machine(step=0.004, row=0.001, mixing=0.0, token=0.0001)
    pace = paced(machine, rows=16)
    for _ in range(20):
        pace.record(16, pace.beside(16), machine.mixed(16, pace.beside(16)))
    assert machine.mixed(1, pace.beside(1)) <= PATIENCE * machine.decode(1) or pace.beside(1) == SMALLEST_SHARE
    assert pace.beside(16) > 2 * pace.beside(1)


def test_scored_prompts_are_sized_by_what_scoring_takes() -> None:
    pace = paced(Machine(step=0.01, row=0, mixing=0, token=0.0001))
    for _ in range(9):
        pace.record(1, 32, 0.01 + 32 * 0.0001)
        pace.record(1, 32, 0.01 + 32 * 0.0005, scored=True)
    assert pace.beside(1) == 64
    assert pace.beside(1, scored=True) == 24


def test_a_slow_machine_reads_a_lone_prompt_in_steps_that_can_be_stopped() -> None:
    pace = Pace()
    assert pace.quiet == LARGEST_STEP
    pace.record(decoding=0, prompt_tokens=512, seconds=10.0)
    assert 0.8 * QUIET_SECONDS <= pace.quiet * 10.0 / 512 <= QUIET_SECONDS
    pace.record(decoding=0, prompt_tokens=8, seconds=10.0)
    assert pace.quiet == pytest.approx(51, abs=GRAIN)
