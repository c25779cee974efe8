"""A few requests are read at a time; those that wait hold nobody up."""

import threading

from api_client import Api, until
from flask import Flask

from llmtui.engine import Engine
from llmtui.server import turnstile
from llmtui.server.turnstile import WIDTH, Turnstile, step_aside


def test_so_many_compute_at_a_time_and_one_that_steps_aside_lets_the_next_one_in(monkeypatch) -> None:
    monkeypatch.setattr(turnstile, "LONGEST_SECONDS", 60.0)
    app = Flask("test")
    Turnstile().install(app)
    inside, finish = [], threading.Event()

    @app.post("/compute")
    def compute() -> str:
        inside.append("computing")
        finish.wait(30)
        return ""

    @app.post("/wait")
    def wait() -> str:
        step_aside()
        step_aside()
        inside.append("waiting")
        finish.wait(30)
        return ""

    def ask(path: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: app.test_client().post(path))
        thread.start()
        return thread

    threads = [ask("/wait") for _ in range(2 * WIDTH)]
    until(lambda: inside.count("waiting") == 2 * WIDTH)
    threads += [ask("/compute") for _ in range(WIDTH)]
    until(lambda: inside.count("computing") == WIDTH)
    threads.append(ask("/compute"))
    assert app.test_client().get("/nothing").status_code == 404, "only what is sent has to pass"
    assert inside.count("computing") == WIDTH
    finish.set()
    for thread in threads:
        thread.join(timeout=30)
    assert inside.count("computing") == WIDTH + 1


def test_requests_that_wait_in_the_queue_hold_nobody_up(api: Api, engine: Engine, occupied, monkeypatch) -> None:
    monkeypatch.setattr(turnstile, "LONGEST_SECONDS", 60.0)
    with occupied(4):
        connections = [api.begin(prompt="Once", max_new_tokens=1) for _ in range(2 * WIDTH)]
        until(lambda: engine.stats().waiting == 2 * WIDTH)
        assert api.request("POST", "/tokenize", b'{"text": "Once"}').status == 200
        for connection in connections:
            connection.close()
        until(lambda: engine.stats().waiting == 0)
    assert api.request("POST", "/generate", b"{}").status == 400
