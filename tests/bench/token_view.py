"""What the token view costs: CPU and bytes to the terminal for each token, with few and with many on the pane.

    python tests/bench/token_view.py

Tokens arrive one at a time at 50 a second on a pane of 100x30, in 256 colours. The CPU time is that of the whole
process, so that Textual's own share counts, too.
"""

import asyncio
import os
import sys
import time

os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")

from counting_driver import CountingDriver
from textual.app import App, ComposeResult

from llmtui.engine.events import Token
from llmtui.tui.widgets.token_view import TokenView

RATE = 50
SAMPLE = 200
SIZES = (300, 8000)


class Pane(App[None]):
    def compose(self) -> ComposeResult:
        yield TokenView()


def token(index: int) -> Token:
    """Token number `index`: words of different length and surprisal, now and then a new line."""
    data = b"\n" if index % 40 == 39 else b" " + b"tokenised"[: 1 + index * 7 % 9]
    return Token(
        index=index,
        id=index,
        bytes=data,
        text=data.decode(),
        delta=data.decode(),
        is_prompt=False,
        is_special=False,
        logprob=-float(index * 13 % 7),
        rank=1,
        ties=0,
        entropy_bits=2.0,
        candidates=(),
        stages=(),
        u=0.5,
        sampled_prob=0.5,
        rows=1,
        step_ns=0,
    )


async def measure(before: int) -> tuple[float, float, float]:
    """CPU milliseconds and bytes for each token, and the share of a core, with `before` tokens on the pane."""
    app = Pane(driver_class=CountingDriver)
    result = (0.0, 0.0, 0.0)

    async def drive(_: object) -> None:
        nonlocal result
        view = app.query_one(TokenView)
        view.append([token(index) for index in range(before)])
        await asyncio.sleep(0.5)
        written, cpu, start = CountingDriver.written, time.process_time(), time.perf_counter()
        for number in range(SAMPLE):
            view.append([token(before + number)])
            await asyncio.sleep(max(0.0, start + (number + 1) / RATE - time.perf_counter()))
        cpu = time.process_time() - cpu
        wall = time.perf_counter() - start
        result = cpu / SAMPLE * 1e3, (CountingDriver.written - written) / SAMPLE, cpu / wall
        app.exit()

    await app.run_async(size=(100, 30), auto_pilot=drive)
    return result


def main() -> None:
    for before in SIZES:
        cpu_ms, written, share = asyncio.run(measure(before))
        sys.stdout.write(
            f"{before:>5} tokens: {cpu_ms:5.2f} ms CPU and {written:6.0f} bytes a token, "
            f"{share:5.1%} of a core at {RATE} tok/s\n"
        )


if __name__ == "__main__":
    main()
