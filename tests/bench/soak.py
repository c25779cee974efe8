"""Many requests of mixed length, some cancelled at a random moment: does memory grow, does every stream end once?

    python tests/bench/soak.py [--model tiny-tales] [--requests 1000] [--cancel 0.25] [--seed 1] [--json]

Five clients keep the engine full. Prompts begin alike or differ, some requests fork others, run alone or have a
deadline. The process's resident memory is taken after each end; its growth is the median of the last twentieth over
that of the twentieth in the middle. Exit code 1 where it grew by 3 % or more, or a stream did not end exactly once.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psutil

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.stream import Stream

CLIENTS = 5
MOST_GROWTH = 0.03
# of all requests
FORKED, EXACT, HURRIED, SCORED = 0.2, 0.1, 0.05, 0.1


@dataclass
class Open:
    """A request under way, and after how many tokens its reader leaves."""

    stream: Stream
    leaves_after: int | None
    tokens: int = 0
    ends: list[str] = field(default_factory=list)


@dataclass
class Soak:
    """What is made and what is seen."""

    engine: Engine
    rng: random.Random
    cancelled_share: float
    context: int
    memory: list[int] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    not_once: int = 0
    tokens: int = 0
    latest: dict[str, tuple[str, list[int]]] = field(default_factory=dict)

    def begin(self) -> Open:
        rng = self.rng
        client = f"client {rng.randrange(CLIENTS)}"
        parent, known = self.latest.get(client, (None, []))
        if rng.random() >= FORKED:
            parent, known = None, [(7 * i + 5) % 4000 for i in range(rng.choice((0, 0, 64, 130)))]
        ids = known[: rng.randint(0, len(known))] + [rng.randrange(5, 4000) for _ in range(rng.randint(1, 200))]
        ids = ids[: self.context - 130]
        request = GenerationRequest(
            prompt_ids=ids,
            params=SamplingParams(
                max_tokens=rng.choice((1, 5, 20, 60, 120)),
                temperature=rng.choice((0.0, 0.8)),
                stop=("the",) if rng.random() < 0.1 else (),
                exact=rng.random() < EXACT,
                prompt_logprobs=rng.random() < SCORED,
            ),
            client=client,
            parent=parent,
            deadline=0.2 if rng.random() < HURRIED else None,
        )
        self.latest[client] = (request.request_id, ids)
        leaves = rng.choice((0, 0, 1, 3, 30)) if rng.random() < self.cancelled_share else None
        opened = Open(self.engine.submit(request), leaves)
        if leaves == 0:
            opened.stream.cancel()
        return opened

    def read(self, opened: Open) -> None:
        """Take what is there."""
        for event in opened.stream.drain():
            if isinstance(event, Token):
                opened.tokens += 1
                if opened.tokens == opened.leaves_after:
                    opened.stream.cancel()
            elif isinstance(event, Finished):
                opened.ends.append(event.reason)
            elif isinstance(event, Failed):
                opened.ends.append("failed")

    def count(self, opened: Open) -> None:
        """One has ended."""
        self.not_once += len(opened.ends) != 1
        self.ends.update(opened.ends)
        self.tokens += opened.tokens

    def run(self, count: int) -> float:
        """So many requests; how many seconds they took."""
        began = time.perf_counter()
        process = psutil.Process()
        under_way: list[Open] = []
        # not the streams themselves, which keep what they told for those who watch
        queues: list[Any] = []
        begun = 0
        while len(queues) < count:
            while begun < count and not self.engine.full:
                under_way.append(self.begin())
                begun += 1
            for opened in under_way:
                self.read(opened)
            over = [opened for opened in under_way if opened.stream.ended]
            if not over:
                time.sleep(0.002)
                continue
            under_way = [opened for opened in under_way if not opened.stream.ended]
            for opened in over:
                self.count(opened)
                queues.append(opened.stream._events)
            self.memory += [process.memory_info().rss] * len(over)
        # a stream gives nothing after its last event: look behind it
        self.not_once += sum(queue.qsize() > 0 for queue in queues)
        return time.perf_counter() - began

    @property
    def curve(self) -> list[float]:
        """The median of resident memory over each twentieth of the requests, in bytes."""
        width = max(1, len(self.memory) // 20)
        return [statistics.median(self.memory[i : i + width]) for i in range(0, len(self.memory), width)]

    @property
    def growth(self) -> float:
        """Of resident memory over the second half, as a share."""
        width = max(1, len(self.memory) // 20)
        middle = len(self.memory) // 2
        before = statistics.median(self.memory[middle : middle + width])
        return statistics.median(self.memory[-width:]) / before - 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny-tales")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--cancel", type=float, default=0.25, help="the share of requests whose reader leaves")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with Engine(options.model) as engine:
        info = engine.wait_until_loaded(300)
        soak = Soak(engine, random.Random(options.seed), options.cancel, info.context)
        seconds = soak.run(options.requests)
        stats = engine.stats()
        facts = {
            "model": info.name,
            "requests": options.requests,
            "seconds": seconds,
            "tokens": soak.tokens,
            "ends": dict(soak.ends),
            "not_ended_exactly_once": soak.not_once,
            "rss_bytes": {
                "first": soak.memory[0],
                "middle": soak.memory[len(soak.memory) // 2],
                "last": soak.memory[-1],
                "highest": max(soak.memory),
            },
            "rss_bytes_by_twentieth": soak.curve,
            "rss_growth_second_half": soak.growth,
            "kv_bytes_at_rest": stats.kv_bytes,
            "prefix_cache_bytes": stats.prefix_cache_bytes,
            "prefix_hit_tokens": stats.prefix_hit_tokens,
        }
    good = soak.not_once == 0 and soak.growth < MOST_GROWTH and stats.kv_bytes == 0
    if options.json:
        print(json.dumps(facts | {"good": good}))
        return 0 if good else 1
    ends = ", ".join(f"{count} {reason}" for reason, count in sorted(soak.ends.items()))
    mib = {name: value / 2**20 for name, value in facts["rss_bytes"].items()}
    print(f"{info.name}: {options.requests} requests, {soak.tokens} tokens in {seconds:.0f} s")
    print(f"  ended                 {ends}; {soak.not_once} not exactly once")
    print(f"  resident memory       {mib['first']:.0f} MiB first, {mib['middle']:.0f} middle, {mib['last']:.0f} last")
    print(f"  by twentieths, MiB    {' '.join(f'{bytes_ / 2**20:.0f}' for bytes_ in soak.curve)}")
    print(f"  growth, second half   {100 * soak.growth:+.2f} % (less than {100 * MOST_GROWTH:.0f} %)")
    print(
        f"  prefix cache          {stats.prefix_cache_bytes / 2**20:.0f} MiB, {stats.prefix_hit_tokens} tokens reused"
    )
    print(f"  keys and values left  {stats.kv_bytes} bytes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
