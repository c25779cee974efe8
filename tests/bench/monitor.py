"""What watching costs: processor time of the whole program over a minute in which nobody does anything.

    python tests/bench/monitor.py [SECONDS]

Three times, one after the other, on the same program with the embedded model loaded: the main screen alone with its
gauges, the Monitor screen, the Requests screen. The terminal is one that counts the bytes it is sent. The bar for the
Monitor screen is 1 % of a core.
"""

import asyncio
import sys
import time

from counting_driver import CountingDriver

from llmtui.engine import Engine
from llmtui.settings import Settings
from llmtui.tui.app import LlmTui

BAR = 0.01
SECONDS = 60.0


async def measure(engine: Engine, key: str | None, seconds: float) -> tuple[float, float]:
    """The share of a core and the bytes for each second with one window open."""
    app = LlmTui(engine, Settings(_env_file=None))
    app.driver_class = CountingDriver
    result = (0.0, 0.0)

    async def drive(_: object) -> None:
        nonlocal result
        while not app.main.status.text.startswith("ready") or not app.main.monitoring.history:
            await asyncio.sleep(0.1)
        if key is not None:
            app.simulate_key(key)
        await asyncio.sleep(3.0)
        written, cpu, start = CountingDriver.written, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        wall = time.perf_counter() - start
        result = (time.process_time() - cpu) / wall, (CountingDriver.written - written) / wall
        app.exit()

    await app.run_async(size=(120, 40), auto_pilot=drive)
    return result


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with Engine() as engine:
        engine.load("tiny-tales", device="cpu").wait(timeout=120)
        for name, key in (("main screen", None), ("monitor", "alt+m"), ("requests", "f4")):
            share, written = asyncio.run(measure(engine, key, seconds))
            verdict = f"{'within' if share < BAR else 'ABOVE'} {BAR:.0%}"
            print(f"{name:12} {share:6.2%} of a core, {verdict}; {written:5.0f} bytes a second, over {seconds:g} s")


if __name__ == "__main__":
    main()
