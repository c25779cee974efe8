"""Several clients at once: each its own text, and a clear answer where there is no room."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from api_client import Api, read_reply, until

from llmtui.engine import Engine

PROMPTS = [
    "Once upon a time",
    "The cat",
    "One winter morning",
    "A little girl",
    "The old man",
    "In the garden",
]


def test_six_clients_at_once_each_get_their_own_text(api: Api) -> None:
    def ask(prompt: str, stream: bool) -> str:
        reply = api.generate(prompt=prompt, temperature=0, max_length=60, stream=stream)
        assert reply.status == 200
        last = reply.events[-1] if stream else reply.json
        return str(last["generated_text"])

    alone = [ask(prompt, False) for prompt in PROMPTS]
    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        together = list(pool.map(ask, PROMPTS, [True, False] * 3))
    assert together == alone
    assert len(set(together)) == len(PROMPTS)


def test_a_full_queue_tells_when_to_come_back_and_works_again_afterwards(api: Api, occupied: Callable) -> None:
    with occupied(12):
        for stream in (False, True):
            reply = api.generate(prompt="Once", stream=stream)
            assert (reply.status, reply.error["code"]) == (429, "queue_full")
            assert int(reply.headers["retry-after"]) >= 1
    assert api.generate(prompt="Once", max_new_tokens=1).status == 200


def test_requests_that_fill_the_queue_leave_threads_for_health_and_refusals(
    api: Api, engine: Engine, occupied: Callable
) -> None:
    with occupied(4):
        waiting = [api.begin(prompt="Once", max_new_tokens=1) for _ in range(8)]
        until(lambda: engine.stats().waiting == 8)
        assert api.get("/health").status == 200
        assert api.generate(prompt="Once").status == 429
    assert [read_reply(connection).status for connection in waiting] == [200] * 8


def test_of_sixty_clients_at_once_each_gets_an_answer_or_a_429_and_nothing_is_left(api: Api, engine: Engine) -> None:
    def ask(number: int) -> int:
        reply = api.generate(prompt="Once upon a time", max_length=40, seed=number, stream=number % 2 == 0)
        if reply.status == 429:
            assert 1 <= int(reply.headers["retry-after"]) <= 60
        elif number % 2:
            assert reply.json["success"]
        else:
            assert reply.events[-1]["event"] == "finished"
        return reply.status

    with ThreadPoolExecutor(60) as pool:
        statuses = list(pool.map(ask, range(60)))
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 12
    until(lambda: engine.requests() == [])
    assert api.get("/ready").json == {"status": "ready", "running": 0, "waiting": 0}


def test_one_connection_serves_request_after_request(api: Api) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    try:
        connection.connect()
        sock = connection.sock
        for body, status in ((b'{"prompt": "Once", "max_new_tokens": 1}', 200), (b"bad", 400), (b"{}", 400)):
            connection.request("POST", "/generate", body)
            response = connection.getresponse()
            response.read()
            assert response.status == status
            assert connection.sock is sock
    finally:
        connection.close()
