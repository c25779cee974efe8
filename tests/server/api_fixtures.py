"""One engine with the embedded model and one server for all API tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from api_client import Api, serving, until

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.settings import Settings

MAX_RUNNING = 4
MAX_WAITING = 8


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(max_waiting=MAX_WAITING, max_running=MAX_RUNNING) as engine:
        engine.load("tiny-tales", device="cpu").wait(timeout=120)
        yield engine


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(
        _env_file=None,
        port=0,
        max_waiting=MAX_WAITING,
        max_running=MAX_RUNNING,
        max_length_limit=500,
        max_body_bytes=65_536,
        allowed_models="tiny-tales",  # whatever else is on this machine
        answer_cache_bytes=0,  # here every answer is to be computed
    )


@pytest.fixture(scope="session")
def api(engine: Engine, settings: Settings) -> Iterator[Api]:
    with serving(engine, settings) as api:
        yield api


@pytest.fixture(scope="session")
def model_folder(engine: Engine) -> Path:
    assert engine.model is not None
    return Path(engine.model.path)


@pytest.fixture
def occupied(
    engine: Engine,
    slow_steps: None,  # noqa: ARG001
) -> Callable[[int], AbstractContextManager[None]]:
    """`with occupied(n)`: n long generations of someone else are in the engine."""

    @contextmanager
    def occupy(count: int) -> Iterator[None]:
        params = SamplingParams(ignore_eos=True, max_length=500, top_logprobs=0)
        streams = [
            engine.submit(GenerationRequest(prompt="Once upon a time", params=params, client="someone else"))
            for _ in range(count)
        ]
        until(lambda: engine.stats().running == min(count, MAX_RUNNING))
        try:
            yield
            ended = sum(any(type(e).__name__ == "Finished" for e in s.drain()) for s in streams)
            assert not ended, "the other generations ended before the test did: it proves nothing"
        finally:
            for stream in streams:
                stream.cancel()
            until(lambda: engine.stats().running + engine.stats().waiting == 0)

    return occupy
