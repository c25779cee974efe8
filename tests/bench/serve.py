"""What clients get from a server: speed, waits, memory, and what a crowd does to it.

    python tests/bench/serve.py [--model tiny-tales] [--tokens 100] [--requests 1000] [--rounds 3] [--json]

The server is the program itself in a process of its own; the clients are bare sockets in this one. Bars: one client
over HTTP gets 90 % of the engine's own speed, memory after 1,000 requests is within 5 % of that after 100, the bounded
caches included, and of 100 clients that connect at once to a server with room for 8 each gets an answer or a
429, while /health answers within 50 ms and nothing is left behind.
"""

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import queue
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psutil

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token

PROMPT = "Once upon a time"
SAMPLING = {"temperature": 0.8, "ignore_eos": True}
CLIENTS = (1, 4, 16)
BAR_SHARE, BAR_GROWTH, BAR_HEALTH_MS = 0.9, 0.05, 50.0
ROOM = {"MAX_RUNNING": "4", "MAX_WAITING": "4"}
CROWD = 100
ATONCE = 8  # of the many short requests


@dataclass
class Stream:
    """One answer as its client saw it. Times in seconds of time.perf_counter()."""

    status: int
    began: float
    arrivals: list[float] = field(default_factory=list)
    tokens: int = 0

    @property
    def first(self) -> float:
        return self.arrivals[0] - self.began

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in pairwise(self.arrivals)]


@contextmanager
def server(model: str, **variables: str) -> Iterator[tuple[psutil.Process, int]]:
    """The program, ready to be asked, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "llmtui", "--serve", "--headless", "--model", model],
            cwd=folder,
            env=os.environ | {"PORT": "0", "XDG_STATE_HOME": folder} | variables,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = ""
        while " is ready on " not in said:
            line = process.stderr.readline()
            assert line, f"the server ended: {said}"
            said += line
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", said)
        assert found
        try:
            yield psutil.Process(process.pid), int(found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stderr.close()


async def request(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """The status, and a reader of what follows the headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
    return status, (reader, writer)


def watch_health(port: int, crowd_is_there: Any, waits: Any) -> None:
    """What /health takes, in seconds, the connection's own included; in a process of its own, which has no crowd."""
    while crowd_is_there.is_set():
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        waits.put(time.perf_counter() - began)
        time.sleep(0.01)


async def stream(port: int, tokens: int) -> Stream:
    """A streamed completion, read to its end."""
    began = time.perf_counter()
    body = {"prompt": PROMPT, "max_tokens": tokens, "stream": True, "stream_options": {"include_usage": True}}
    status, (reader, writer) = await request(port, "POST", "/v1/completions", body | SAMPLING)
    seen = Stream(status, began)
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            frame = json.loads(line.removeprefix(b"data: "))
            assert "error" not in frame, frame
            if frame["choices"]:
                seen.arrivals.append(time.perf_counter())
            else:
                seen.tokens = frame["usage"]["completion_tokens"]
    writer.close()
    return seen


async def together(port: int, clients: int, tokens: int) -> list[Stream]:
    return await asyncio.gather(*(stream(port, tokens) for _ in range(clients)))


def speed(streams: list[Stream]) -> float:
    """Tokens per second of all together, from the first to the last arrival."""
    begin, end = (f(t for s in streams for t in s.arrivals) for f in (min, max))
    return (sum(s.tokens for s in streams) - len(streams)) / (end - begin)


def engine_speed(engine: Engine, tokens: int) -> float:
    """Tokens per second of the engine alone, read in this process."""
    params = SamplingParams(max_tokens=tokens, top_k=0, top_logprobs=0, **SAMPLING)  # type: ignore[arg-type]
    times = [
        time.perf_counter()
        for event in engine.submit(GenerationRequest(prompt=PROMPT, params=params))
        if isinstance(event, Token)
    ]
    return (len(times) - 1) / (times[-1] - times[0])


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def loads(options: argparse.Namespace, port: int) -> list[dict[str, float]]:
    """Each number of clients: medians over the rounds."""
    rows = []
    for clients in CLIENTS:
        asyncio.run(together(port, clients, 8))
        rounds = [asyncio.run(together(port, clients, options.tokens)) for _ in range(options.rounds)]
        every = [s for streams in rounds for s in streams]
        rows.append(
            {
                "clients": clients,
                "tokens_per_second": statistics.median(speed(streams) for streams in rounds),
                "first_p50_ms": 1e3 * percentile([s.first for s in every], 50),
                "first_p95_ms": 1e3 * percentile([s.first for s in every], 95),
                "gap_p95_ms": 1e3 * percentile([gap for s in every for gap in s.gaps], 95),
            }
        )
    return rows


def share_of_engine(options: argparse.Namespace, port: int) -> dict[str, float]:
    """One client over HTTP against the engine alone, in turns, so that a busy moment meets both."""
    ratios, over_http, own = [], [], []
    with Engine(options.model) as engine:
        engine.wait_until_loaded()
        engine_speed(engine, 8)
        for _ in range(options.rounds + 4):
            own.append(engine_speed(engine, options.tokens))
            over_http.append(speed(asyncio.run(together(port, 1, options.tokens))))
            ratios.append(over_http[-1] / own[-1])
    return {
        "engine_tokens_per_second": statistics.median(own),
        "http_tokens_per_second": statistics.median(over_http),
        "share": statistics.median(ratios),
    }


async def many(port: int, count: int) -> None:
    """Short requests, a few at a time."""
    left = iter(range(count))

    async def client() -> None:
        for _ in left:
            assert (await stream(port, 8)).status == 200

    await asyncio.gather(*(client() for _ in range(ATONCE)))


async def kept(port: int) -> float:
    """Bytes in the bounded caches of answers and of beginnings, which fill for a while."""
    _, (reader, writer) = await request(port, "GET", "/metrics")
    text = (await reader.read()).decode()
    writer.close()
    return sum(float(found) for found in re.findall(r"^llmtui_(?:prefix|answer)_cache_bytes (\S+)", text, re.MULTILINE))


def memory(options: argparse.Namespace, process: psutil.Process, port: int) -> dict[str, float]:
    """Resident memory, and what of its growth is not that of the bounded caches."""
    sizes = []
    for count in (100, options.requests - 100):
        asyncio.run(many(port, count))
        sizes.append((process.memory_info().rss, asyncio.run(kept(port))))
    (before, kept_before), (after, kept_after) = sizes
    return {
        "requests": options.requests,
        "after_100_mb": before / 1e6,
        "after_mb": after / 1e6,
        "growth": after / before - 1,
        "caches_grew_mb": (kept_after - kept_before) / 1e6,
        "growth_beside_caches": (after - kept_after) / (before - kept_before) - 1,
    }


def rush(port: int, tokens: int) -> tuple[list[Stream], list[float]]:
    """The crowd at once, and what /health took meanwhile."""
    spawn = multiprocessing.get_context("spawn")
    crowd_is_there, waits = spawn.Event(), spawn.Queue()
    crowd_is_there.set()
    watching = spawn.Process(target=watch_health, args=(port, crowd_is_there, waits))
    watching.start()
    seconds = [waits.get()]  # from here on it watches
    streams = asyncio.run(together(port, CROWD, tokens))
    crowd_is_there.clear()
    while watching.is_alive() or not waits.empty():
        with suppress(queue.Empty):
            seconds.append(waits.get(timeout=0.1))
    return streams, seconds


def crowd(options: argparse.Namespace) -> dict[str, Any]:
    with server(options.model, **ROOM) as (process, port):
        asyncio.run(many(port, 50))
        before = (process.num_threads(), process.num_fds())
        results = [rush(port, 30) for _ in range(options.rounds)]
        time.sleep(1.0)
        after = (process.num_threads(), process.num_fds())
        ready = asyncio.run(status_of(port, "/ready"))
    statuses = [s.status for streams, _ in results for s in streams]
    waits = [wait for _, seconds in results for wait in seconds]
    return {
        "answered": statuses.count(200),
        "refused_429": statuses.count(429),
        "other": len(statuses) - statuses.count(200) - statuses.count(429),
        "health_asked": len(waits),
        "health_p50_ms": 1e3 * percentile(waits, 50),
        "health_max_ms": 1e3 * max(waits),
        "threads": (before[0], after[0]),
        "descriptors": (before[1], after[1]),
        "ready_afterwards": ready == 200,
    }


async def status_of(port: int, path: str) -> int:
    status, (_, writer) = await request(port, "GET", path)
    writer.close()
    return status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny-tales")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server(options.model) as (process, port):
        result: dict[str, Any] = {"loads": loads(options, port), "one": share_of_engine(options, port)}
        result["memory"] = memory(options, process, port)
    result["crowd"] = crowd(options)
    print(json.dumps(result)) if options.json else report(result)


def report(result: dict[str, Any]) -> None:
    print("clients    tok/s   first p50   first p95   gap p95")
    for row in result["loads"]:
        print(
            f"{row['clients']:7} {row['tokens_per_second']:8.1f} {row['first_p50_ms']:8.1f} ms "
            f"{row['first_p95_ms']:8.1f} ms {row['gap_p95_ms']:6.1f} ms"
        )
    one, used, rushed = result["one"], result["memory"], result["crowd"]
    print(
        f"one client {one['http_tokens_per_second']:.1f} tok/s, the engine {one['engine_tokens_per_second']:.1f}: "
        f"{one['share']:.1%} {verdict(one['share'] >= BAR_SHARE)}"
    )
    print(
        f"memory {used['after_100_mb']:.1f} MB after 100 requests, {used['after_mb']:.1f} MB after {used['requests']}: "
        f"{used['growth']:+.1%} {verdict(used['growth'] < BAR_GROWTH)}; of that the caches "
        f"{used['caches_grew_mb']:+.1f} MB, the rest {used['growth_beside_caches']:+.1%}"
    )
    whole = not rushed["other"] and rushed["ready_afterwards"]
    left = rushed["threads"][1] <= rushed["threads"][0] and rushed["descriptors"][1] <= rushed["descriptors"][0]
    print(
        f"{CROWD} at once, room for 8: {rushed['answered']} answered, {rushed['refused_429']} refused, "
        f"{rushed['other']} otherwise {verdict(whole)}"
    )
    print(
        f"/health meanwhile, asked {rushed['health_asked']} times: median {rushed['health_p50_ms']:.1f} ms, "
        f"longest {rushed['health_max_ms']:.1f} ms "
        f"{verdict(rushed['health_max_ms'] < BAR_HEALTH_MS)}"
    )
    print(f"threads {rushed['threads']}, descriptors {rushed['descriptors']} before and after {verdict(left)}")


def verdict(holds: bool) -> str:
    return "within the bar" if holds else "OUTSIDE THE BAR"


if __name__ == "__main__":
    main()
