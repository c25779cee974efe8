"""The line that tells how far a generation is."""

import re

import pytest
from driving import Opened, app_of, send, until
from scripted_engine import token

from llmtui.engine.events import Finished, Started, Timings, Usage
from llmtui.tui.progress import Progress


def test_the_time_of_the_first_token_is_said_alike_while_it_runs_and_afterwards() -> None:
    progress = Progress(context=512)
    progress.take(Started("r", "m", 4, 20, 1), 0.001)
    progress.take(token(4, " a"), 0.0121)
    progress.take(token(5, " b"), 0.4121)
    assert progress.line() == "generating 2/20 · 2.5 tok/s · first 12 ms · ctx 6/512 · seed 1"
    timings = Timings(queued=0.0, prefill=0.012, first_token=0.012, decode=0.4, total=0.4121)
    progress.take(Finished("stop", "", " a b", 2, None, Usage(4, 2), timings), 0.413)
    assert progress.line() == "done 2/20 · 2.5 tok/s · first 12 ms · ctx 6/512 · seed 1"


async def test_the_screen_tells_the_engines_own_times_while_a_text_is_written(
    really: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    take = Progress.take

    def note(progress: Progress, event: object, seconds: float) -> None:
        take(progress, event, seconds)  # type: ignore[arg-type]
        lines.append(progress.line())

    monkeypatch.setattr(Progress, "take", note)
    async with really(knobs={"max_new_tokens": 30, "seed": 1}) as pilot:
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: app_of(pilot).main.status.text.startswith("done"))
    firsts = [float(found[1]) for line in lines if (found := re.search(r"first ([0-9.]+) ms", line))]
    assert len(firsts) > 20
    assert max(firsts) - min(firsts) <= 2
