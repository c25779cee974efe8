"""How fast tokens come, however many come at once."""

import pytest

from llmtui.engine import speed
from llmtui.engine.speed import Speedometer


@pytest.mark.parametrize("at_once", [1, 3, 16, 200])
def test_tokens_that_come_together_are_all_counted_and_take_one_steps_time(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now)
    meter = Speedometer()
    assert meter.tokens_per_second() == 0.0
    for step in range(100):
        now = 100.0 + 0.01 * step
        meter.count(at_once)
        meter.count(0)
        if step:
            assert meter.tokens_per_second() == pytest.approx(at_once / 0.01)
    assert meter.tokens == 100 * at_once
    now += 1.5 * Speedometer.STALE_SECONDS
    assert meter.tokens_per_second() == 0.0
    meter.count(at_once)
    assert meter.tokens_per_second() == 0.0
