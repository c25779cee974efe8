"""A server that stops: what runs may finish, what comes is turned away, and nobody is cut off without a word."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from api_client import Api, read_reply, until

from llmtui.engine import Engine
from llmtui.server import Lifecycle, Server, create_app
from llmtui.settings import Settings

pytestmark = pytest.mark.usefixtures("slow_steps")

PROMPT = "Once upon a time"
GENERATE = {"prompt": PROMPT, "temperature": 0}
SHORT, LONG = GENERATE | {"max_length": 120, "stream": True}, GENERATE | {"max_length": 500, "stream": True}
STARTED = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


class Draining:
    """A server whose draining runs in a thread beside the test."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.lifecycle = Lifecycle()
        self.server = Server(create_app(engine, settings, lifecycle=self.lifecycle), settings)
        self.server.start()
        self.api = Api(self.server.port)
        self.hurry = threading.Event()
        self.finished: list[bool] = []

    def begin(self, seconds: float) -> None:
        def drain() -> None:
            self.finished.append(self.lifecycle.drain(self.engine, seconds, self.hurry.is_set))

        threading.Thread(target=drain).start()
        until(lambda: self.lifecycle.draining)


@pytest.fixture
def draining(engine: Engine, settings: Settings) -> Iterator[Draining]:
    draining = Draining(engine, settings)
    yield draining
    draining.hurry.set()
    until(lambda: bool(draining.finished))
    draining.server.close()


def test_what_runs_finishes_and_what_comes_is_turned_away(draining: Draining) -> None:
    with_connection = draining.api.begin(**SHORT)
    until(lambda: draining.engine.stats().running == 1)
    draining.begin(seconds=60)
    ready, refused = draining.api.get("/ready"), draining.api.generate(prompt="Once")
    assert (ready.status, ready.json["status"]) == (503, "draining")
    assert (refused.status, refused.error["code"]) == (503, "shutting_down")
    assert draining.api.get("/health").status == 200
    assert read_reply(with_connection).events[-1]["event"] == "finished"
    until(lambda: draining.finished == [True])


def test_an_answer_that_is_not_streamed_finishes_too(draining: Draining) -> None:
    with_connection = draining.api.begin(**SHORT | {"stream": False})
    until(lambda: draining.engine.stats().running == 1)
    draining.begin(seconds=60)
    assert draining.lifecycle.open_answers == 1
    assert draining.finished == []
    assert read_reply(with_connection).json["metadata"]["total_tokens"] == 120
    until(lambda: draining.finished == [True])
    assert draining.lifecycle.open_answers == 0


def test_what_does_not_finish_in_time_is_cancelled_with_a_proper_last_event(draining: Draining) -> None:
    native = draining.api.begin(**LONG)
    chat = {"messages": [{"role": "user", "content": "Hi"}], "ignore_eos": True, "temperature": 0, "stream": True}
    openai = post(draining.api, "/v1/chat/completions", chat)
    ollama = post(draining.api, "/api/generate", {"model": "tiny-tales", "prompt": PROMPT, "raw": True})
    until(lambda: draining.engine.stats().running == 3)
    draining.begin(seconds=0)
    assert read_reply(native).events[-1]["error"]["code"] == "cancelled"
    last = read_reply(openai).body.decode().split("\n\n")[-2]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "cancelled"
    assert "cancelled" in json.loads(read_reply(ollama).body.splitlines()[-1])["error"]
    until(lambda: draining.finished == [False])


def test_hurrying_ends_the_wait_at_once(draining: Draining) -> None:
    with draining.api.begin(**LONG):
        until(lambda: draining.engine.stats().running == 1)
        draining.begin(seconds=60)
        assert not draining.finished
        draining.hurry.set()
        until(lambda: draining.finished == [False], 1.0)


def test_a_server_without_work_is_drained_at_once(draining: Draining) -> None:
    assert draining.api.generate(prompt="Once", max_new_tokens=1).status == 200
    draining.begin(seconds=60)
    until(lambda: draining.finished == [True])


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen, Api, list[str]]]:
    """`llmtui --serve --headless`, ready to be asked; and what it says."""
    environment = os.environ | {"PORT": "0", "MAX_LENGTH_LIMIT": "500", "DRAIN_SECONDS": "60"}
    process = subprocess.Popen(
        [sys.executable, "-m", "llmtui", "--serve", "--headless"],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said: list[str] = []
    reading = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reading.start()
    until(lambda: bool(said) and " is ready on " in said[-1])
    yield process, Api(int(STARTED.search("".join(said))[1])), said
    process.kill()
    process.wait(timeout=60)
    reading.join(timeout=60)
    process.stderr.close()


def test_the_first_signal_lets_answers_finish_and_they_arrive_whole(program) -> None:
    process, api, said = program
    connection = api.begin(**SHORT)
    until(lambda: api.get("/ready").json["running"] == 1)
    process.send_signal(signal.SIGTERM)
    events = read_reply(connection).events
    assert (events[-1]["event"], events[-1]["metadata"]["total_tokens"]) == ("finished", 120)
    assert process.wait(timeout=60) == 0
    assert "finishing what runs, for 60 s at most" in "".join(said)


def test_the_second_signal_ends_the_program_at_once(program) -> None:
    process, api, said = program
    with api.begin(**LONG) as connection:
        until(lambda: api.get("/ready").json["running"] == 1)
        process.send_signal(signal.SIGTERM)
        until(lambda: any("finishing what runs" in line for line in said))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        with suppress(ConnectionError):
            assert b'"finish_reason":"length"' not in b"".join(iter(lambda: connection.recv(65536), b""))


def post(api: Api, path: str, body: dict) -> object:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    return api.raw(head + data)
