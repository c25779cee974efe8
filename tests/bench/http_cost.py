"""What HTTP and JSON add to each streamed token, in every dialect: the bar is 0.3 ms.

    python tests/bench/http_cost.py

The tokens are made once, by the real engine, and handed to the server as fast as it takes them. A bare client over a
real socket reads the answers in the same process, so its own reading counts, too.
"""

import http.client
import json
import statistics
import time
from typing import Any

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Event, Token
from llmtui.engine.stream import Stream
from llmtui.server import Server, create_app
from llmtui.settings import Settings

TOKENS = 400
ROUNDS = 7
BAR_MS = 0.3
USER = [{"role": "user", "content": "Hi"}]
ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("native", "/generate", {"prompt": "Once", "max_length": 500, "stream": True}),
    ("native, 5 candidates", "/generate", {"prompt": "Once", "max_length": 500, "stream": True, "top_logprobs": 5}),
    ("completions", "/v1/completions", {"prompt": "Once", "max_tokens": TOKENS, "stream": True}),
    ("chat", "/v1/chat/completions", {"messages": USER, "stream": True}),
    (
        "chat, 5 candidates",
        "/v1/chat/completions",
        {"messages": USER, "stream": True, "logprobs": True, "top_logprobs": 5},
    ),
    ("ollama generate", "/api/generate", {"model": "tiny-tales", "prompt": "Once"}),
]


class Replaying:
    """The engine, but a request's events are those of a recording, all there at once."""

    def __init__(self, engine: Engine, recording: list[Event]) -> None:
        self._engine = engine
        self._recording = recording

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def submit(self, request: GenerationRequest) -> Stream:
        stream = Stream(request.request_id, lambda: None)
        for event in self._recording:
            stream.put(event)
        return stream


def record(engine: Engine) -> list[Event]:
    params = SamplingParams(seed=1, ignore_eos=True, max_tokens=TOKENS, top_logprobs=5)
    return list(engine.submit(GenerationRequest(prompt="Once upon a time", params=params)))


def seconds_of(port: int, path: str, body: dict[str, Any]) -> float:
    """From the first byte of the request to the last one of the answer."""
    data = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("POST", path, data)
    answer = connection.getresponse()
    answer.read()
    seconds = time.perf_counter() - began
    assert answer.status == 200
    connection.close()
    return seconds


def main() -> None:
    settings = Settings(_env_file=None, port=0, max_length_limit=500)
    with Engine() as engine:
        engine.load("tiny-tales", device="cpu").wait(timeout=120)
        recording = record(engine)
        tokens = sum(isinstance(event, Token) for event in recording)
        server = Server(create_app(Replaying(engine, recording), settings), settings)  # type: ignore[arg-type]
        server.start()
        seconds: dict[str, list[float]] = {name: [] for name, _, _ in ROUTES}
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine meets all alike
            for name, path, body in ROUTES:
                seconds[name].append(seconds_of(server.port, path, body))
        server.close()
    print(f"{tokens} tokens, {ROUNDS} rounds, ms per token: best, median")
    for name, taken in seconds.items():
        best, median = (1000 * value / tokens for value in (min(taken), statistics.median(taken)))
        print(f"{name:24} {best:6.3f} {median:6.3f}  {'within' if median < BAR_MS else 'ABOVE'} {BAR_MS}")


if __name__ == "__main__":
    main()
