"""The limits that operators set reach the engine."""

import pytest

from llmtui.commands.shared_engine import shared_engine
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import EngineBusy
from llmtui.settings import Settings

PROMPT = tuple(9 + n for n in range(200))


def loaded(**chosen: object) -> Engine:
    engine = shared_engine(Settings(_env_file=None, **chosen))
    engine.load("tiny-tales", device="cpu").wait(60)
    return engine


def ask(engine: Engine, tokens: int) -> None:
    params = SamplingParams(max_tokens=tokens, temperature=0, ignore_eos=True)
    engine.submit(GenerationRequest(prompt_ids=PROMPT, params=params)).result()


def test_prompts_that_wait_have_so_many_tokens_together() -> None:
    with loaded(max_running=1, max_waiting_tokens=300) as engine:
        params = SamplingParams(max_tokens=300, ignore_eos=True)
        first, second, third = (GenerationRequest(prompt_ids=PROMPT, params=params) for _ in range(3))
        streams = [engine.submit(first), engine.submit(second)]
        with pytest.raises(EngineBusy):
            engine.submit(third)
        for stream in streams:
            stream.cancel()


@pytest.mark.parametrize("room", [0, 1_700_000])
def test_no_more_than_the_room_for_beginnings_is_kept(room: int) -> None:
    with loaded(prefix_cache_bytes=room) as engine:
        for _ in range(2):
            ask(engine, 2)
        stats = engine.stats()
    assert stats.prefix_cache_bytes <= room
    assert bool(stats.prefix_cache_bytes) == bool(stats.prefix_hit_tokens) == bool(room)


def test_the_default_room_keeps_all_of_a_short_prompt() -> None:
    with loaded() as engine:
        for _ in range(2):
            ask(engine, 2)
        assert engine.stats().prefix_hit_tokens == len(PROMPT) - 1
