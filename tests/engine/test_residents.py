"""Several models in memory at once: each serves its own requests, idle ones go in time, none is loaded without room."""

import gc
import json
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from architectures import copy_tokenizer, make_model
from model_folders import make_model_folder

from llmtui.engine import Engine, GenerationRequest, Resident, SamplingParams, live, loop, residents, sequence
from llmtui.engine.arrivals import Arrivals
from llmtui.engine.errors import EngineClosed, ModelNotReady
from llmtui.engine.events import Finished, Token
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.loads import ModelInfo
from llmtui.engine.residents import FIRST_USE_SECONDS, Place, Residents
from llmtui.engine.runner import PackedRunner
from llmtui.models.errors import LoadCancelled, ModelDoesNotFit, ModelNotFound

GREEDY = SamplingParams(temperature=0.0, max_tokens=12, ignore_eos=True)
ENDLESS = SamplingParams(max_tokens=200, ignore_eos=True, seed=1)
TALES = "tiny-tales"


def ask(model: str | None = None, params: SamplingParams = GREEDY, **fields: Any) -> GenerationRequest:
    return GenerationRequest(prompt="Once upon a time", model=model, params=params, **fields)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    waited = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        waited.wait(0.01)
    raise AssertionError("waited in vain")


def names(engine: Engine) -> list[str]:
    return [resident.info.name for resident in engine.models()]


def resident(engine: Engine, name: str) -> Resident:
    return next(r for r in engine.models() if r.info.name == name)


@pytest.fixture
def llama(model_folder: Callable[[str], Path]) -> str:
    return str(model_folder("llama"))


@pytest.fixture
def qwen(model_folder: Callable[[str], Path]) -> str:
    return str(model_folder("qwen2"))


@pytest.fixture
def tales() -> Iterator[Engine]:
    with Engine(TALES) as engine:
        engine.wait_until_loaded(60)
        yield engine


def test_requests_run_on_the_model_they_name(tales: Engine, llama: str) -> None:
    alone = tales.submit(ask()).result().text
    info = tales.load_beside(llama).wait(60)
    assert tales.model is not None
    assert (tales.model.name, tales.info_of(llama), tales.info_of("gpt2")) == (TALES, info, None)
    streams = [tales.submit(ask(name)) for name in (llama, TALES, None)]
    results = [stream.result() for stream in streams]
    assert [result.started.model for result in results] == [llama, TALES, TALES]
    assert results[1].text == results[2].text == alone
    assert results[0].text != alone


def test_text_and_ids_are_of_the_model_that_is_named(tales: Engine, llama: str) -> None:
    tales.load_beside(llama).wait(60)
    ids = tales.tokenize("a cat", model=llama)
    assert tales.detokenize(ids, model=llama) == "a cat"
    assert b"".join(tales.token_bytes(ids, model=llama)) == b"a cat"
    assert tales.run_job(lambda loaded: loaded.info.name, model=llama).result(10) == llama
    assert tales.run_job(lambda loaded: loaded.info.name).result(10) == TALES


@pytest.mark.parametrize("ask_for", ["tokenize", "submit", "run_job", "unload", "keep_alive"])
def test_a_model_that_is_not_resident_is_named_in_the_refusal(tales: Engine, ask_for: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "tokenize": lambda: tales.tokenize("a", model="gpt2"),
        "submit": lambda: tales.submit(ask("gpt2")),
        "run_job": lambda: tales.run_job(lambda _: None, model="gpt2"),
        "unload": lambda: tales.unload("gpt2"),
        "keep_alive": lambda: tales.keep_alive("gpt2", 3),
    }
    with pytest.raises(ModelNotReady, match="gpt2 is not loaded"):
        calls[ask_for]()


def test_loading_beside_twice_is_one_load_and_a_resident_model_is_ready_at_once(engine: Engine, llama: str) -> None:
    first, second = engine.load_beside(llama, keep_alive=100), engine.load_beside(llama)
    assert first is second
    with pytest.raises(ModelNotReady, match="still loading"):
        engine.submit(ask(llama))
    info = first.wait(60)
    assert (engine.model, engine.state, names(engine)) == (None, "empty", [llama])
    third = engine.load_beside(llama, keep_alive=500)
    assert (third.ended, third.wait(0)) == (True, info)
    assert resident(engine, llama).expires_in == pytest.approx(500, abs=5)


def test_a_choice_under_way_is_joined_and_one_beside_becomes_the_choice_without_reading(
    engine: Engine, llama: str
) -> None:
    choice = engine.load(TALES)
    assert engine.load_beside(TALES) is choice
    choice.wait(60)
    info = engine.load_beside(llama, keep_alive=None).wait(60)
    assert engine.load(llama).wait(0) == info
    assert engine.model == info
    until(lambda: names(engine) == [llama])


def test_the_latest_wish_counts_though_the_one_before_arrives_meanwhile(
    tales: Engine, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_arrive, arrived = threading.Event(), threading.Event()
    install, prefer = Arrivals._install, Residents.prefer

    def late(self: Arrivals, arrival: Any, loaded: Any) -> None:
        if arrival.task.name == TALES:
            assert may_arrive.wait(60)
        install(self, arrival, loaded)
        arrived.set()

    def preferring(self: Residents, *args: Any) -> Any:
        info = prefer(self, *args)
        if info is not None:
            may_arrive.set()
            arrived.wait(1)
        return info

    tales.load_beside(llama).wait(60)
    monkeypatch.setattr(Arrivals, "_install", late)
    monkeypatch.setattr(Residents, "prefer", preferring)
    first = tales.load(TALES, dtype="float32")
    info = tales.load(llama).wait(60)
    with pytest.raises(LoadCancelled):
        first.wait(60)
    assert tales.model == info


def test_a_load_that_others_wait_for_survives_another_choice(
    tales: Engine, llama: str, qwen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmtui.engine import loading

    find_runner, gate = loading.find_runner, threading.Event()

    def late(*args: Any, **kwargs: Any) -> Any:
        assert gate.wait(30)
        return find_runner(*args, **kwargs)

    tales.load_beside(qwen).wait(60)
    monkeypatch.setattr(loading, "find_runner", late)
    first = tales.load(llama)
    assert tales.load_beside(llama, keep_alive=500) is first
    tales.load(qwen).wait(0)
    gate.set()
    first.wait(60)
    assert tales.model is not None
    assert tales.model.name == qwen
    assert resident(tales, llama).keep_alive == 500


def test_the_previous_choice_goes_unless_it_is_kept_alive(tales: Engine, llama: str, qwen: str) -> None:
    tales.keep_alive(TALES, 300)
    tales.load(llama).wait(60)
    assert names(tales) == [llama, TALES]
    tales.load(qwen).wait(60)
    until(lambda: names(tales) == [qwen, TALES])
    assert resident(tales, TALES).expires_in is not None
    assert resident(tales, qwen).expires_in is None


def test_an_idle_model_goes_when_its_time_is_up_and_not_before_its_last_request_ends(tales: Engine, llama: str) -> None:
    tales.load_beside(llama, keep_alive=0).wait(60)
    assert resident(tales, llama).expires_in == pytest.approx(FIRST_USE_SECONDS, abs=2)
    stream = tales.submit(ask(llama, ENDLESS))
    next(event for event in stream if isinstance(event, Token))
    view = resident(tales, llama)
    assert (view.running, view.waiting, view.expires_in, view.chosen) == (1, 0, None, False)
    assert view.kv_bytes > 0
    stream.cancel()
    assert stream.result().finished.reason == "cancelled"
    until(lambda: names(tales) == [TALES])


def test_keep_alive_counts_from_the_last_use(tales: Engine, llama: str) -> None:
    tales.load_beside(llama, keep_alive=600).wait(60)
    tales.submit(ask(llama)).result()
    until(lambda: (resident(tales, llama).expires_in or 0) > 595)
    tales.keep_alive(llama, 0.05)
    until(lambda: names(tales) == [TALES])


def test_a_shorter_keep_alive_takes_effect_while_the_engine_sleeps(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds_left, sleeps = Residents.seconds_left, threading.Event()

    def telling(self: Residents) -> float | None:
        seconds = seconds_left(self)
        sleeps.set()
        return seconds

    monkeypatch.setattr(residents, "FIRST_USE_SECONDS", 0.0)
    monkeypatch.setattr(Residents, "seconds_left", telling)
    engine.load_beside(TALES, keep_alive=None).wait(60)
    engine.run_job(lambda _: sleeps.clear(), model=TALES).result(10)
    assert sleeps.wait(10)
    engine.load_beside(TALES, keep_alive=0.0).wait(0)
    until(lambda: names(engine) == [])


def test_unloading_lets_what_runs_end_and_takes_nothing_new(tales: Engine, llama: str) -> None:
    tales.load_beside(llama).wait(60)
    stream = tales.submit(ask(llama, ENDLESS))
    next(event for event in stream if isinstance(event, Token))
    tales.unload(llama)
    with pytest.raises(ModelNotReady):
        tales.submit(ask(llama))
    assert names(tales) == [TALES, llama]
    assert len(stream.result().tokens) == 199
    until(lambda: names(tales) == [TALES])


def test_the_chosen_model_can_be_unloaded_and_loaded_again(tales: Engine) -> None:
    tales.unload(TALES)
    until(lambda: not tales.models())
    assert (tales.model, tales.state) == (None, "empty")
    with pytest.raises(ModelNotReady, match="no model is loaded"):
        tales.submit(ask())
    tales.load(TALES).wait(60)
    assert tales.submit(ask()).result().text


def test_unloading_a_model_on_its_way_stops_its_load(engine: Engine) -> None:
    task = engine.load_beside(TALES)
    engine.unload(TALES)
    with pytest.raises(LoadCancelled):
        task.wait(60)
    assert engine.models() == ()


def test_a_failed_load_beside_leaves_everything_as_it_was(tales: Engine, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(ModelNotFound):
        tales.load_beside(nowhere).wait(60)
    assert (tales.state, names(tales)) == ("ready", [TALES])
    with pytest.raises(ModelNotFound):
        tales.load_beside(nowhere).wait(60)


def test_closing_stops_every_load(llama: str) -> None:
    engine = Engine(TALES)
    task = engine.load_beside(llama)
    engine.close()
    with pytest.raises(LoadCancelled):
        task.wait(60)
    with pytest.raises(EngineClosed):
        engine.load_beside(llama)


def test_loading_a_model_does_not_stop_another(tales: Engine, llama: str) -> None:
    stream = tales.submit(ask(params=SamplingParams(max_tokens=450, ignore_eos=True, seed=1)))
    next(event for event in stream if isinstance(event, Token))
    task = tales.load_beside(llama)
    during = 0
    while not task.ended:
        event = stream.poll(timeout=5)
        assert event is not None
        during += isinstance(event, Token)
        if isinstance(event, Finished):
            break
    stream.cancel()
    task.wait(60)
    assert during >= 5


def test_models_take_turns_however_many_requests_one_of_them_has(tales: Engine, llama: str) -> None:
    tales.load_beside(llama).wait(60)
    gate = threading.Event()
    held = tales.run_job(lambda _: gate.wait(30))
    params = SamplingParams(max_tokens=30, ignore_eos=True, seed=1, exact=True)
    many = [tales.submit(ask(TALES, params, client="many")) for _ in range(10)]
    single = tales.submit(ask(llama, params, client="single"))
    gate.set()
    assert held.result(30)
    assert len(single.result().tokens) == 30
    meanwhile = sum(isinstance(event, Token) for stream in many for event in stream.drain())
    for stream in many:
        stream.cancel()
    # exact requests have a step each: if each took its turn before the other model did, it would be 300
    assert meanwhile <= 100


def test_a_model_of_long_steps_leaves_the_time_of_as_long_to_one_of_short_steps(
    tales: Engine, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tales.load_beside(llama).wait(60)
    forward = PackedRunner.forward

    def slow_for_one(self: PackedRunner, work: Any) -> Any:
        if work[0].sequence.model.info.name == llama:
            time.sleep(0.3)
        return forward(self, work)

    monkeypatch.setattr(PackedRunner, "forward", slow_for_one)
    quick = tales.submit(ask(TALES, SamplingParams(max_tokens=400, ignore_eos=True, seed=1)))
    slow = tales.submit(ask(llama, SamplingParams(max_tokens=6, ignore_eos=True, seed=1)))
    assert len(slow.result().tokens) == 6
    meanwhile = sum(isinstance(event, Token) for event in quick.drain())
    quick.cancel()
    # step by step it would be six
    assert meanwhile >= 20


def test_what_was_read_of_one_model_is_never_taken_for_another(tales: Engine, tmp_path: Path) -> None:
    """Two folders of one architecture and tokenizer, of other weights, as two revisions of a model are."""
    first, second = (str(make_model_folder("llama", tmp_path / str(seed), seed)) for seed in (1, 2))
    prompt = {"prompt_ids": [7 + n for n in range(150)]}
    for name in (first, second):
        tales.load_beside(name).wait(60)
    fresh = [tales.submit(GenerationRequest(**prompt, model=name, params=GREEDY)).result() for name in (first, second)]
    again = [tales.submit(GenerationRequest(**prompt, model=name, params=GREEDY)).result() for name in (first, second)]
    assert [result.started.cached_tokens for result in fresh + again] == [0, 0, 149, 149]
    assert [r.text for r in fresh] == [r.text for r in again]
    assert fresh[0].text != fresh[1].text


def test_a_model_loaded_again_in_another_dtype_begins_with_nothing_remembered(engine: Engine, llama: str) -> None:
    prompt = {"prompt_ids": [7 + n for n in range(150)], "params": GREEDY}
    cached = []
    for dtype in ("float32", "float16"):
        engine.load(llama, dtype=dtype).wait(60)
        cached += [engine.submit(GenerationRequest(**prompt)).result().started.cached_tokens for _ in range(2)]
    assert cached == [0, 149, 0, 149]
    until(lambda: len(engine.models()) == 1)


def test_an_unloaded_models_weights_are_gone_without_waiting_for_the_garbage_collector(
    tales: Engine, llama: str
) -> None:
    tales.load_beside(llama).wait(60)
    tales.submit(ask(llama)).result()
    weights = tales.run_job(lambda loaded: weakref.ref(loaded.model), model=llama).result(10)
    gc.collect()
    gc.disable()
    try:
        tales.unload(llama)
        until(lambda: weights() is None)
    finally:
        gc.enable()


FIRST_LOAD = """
import gc, time, weakref
from llmtui.engine import Engine

with Engine() as engine:
    engine.load_beside("tiny-tales").wait(60)
    weights = engine.run_job(lambda loaded: weakref.ref(loaded.model), model="tiny-tales").result(30)
    engine.unload("tiny-tales")
    until = time.monotonic() + 20
    while weights() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    print(weights() is None)
"""


def test_the_model_whose_load_imported_torch_can_be_unloaded_like_any_other() -> None:
    """In a process of its own: what an import leaves behind is never collected, nor what the import's thread held."""
    done = subprocess.run([sys.executable, "-c", FIRST_LOAD], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "True"


def test_loading_and_unloading_again_and_again_takes_no_more_memory(tmp_path: Path) -> None:
    program = [sys.executable, str(Path(__file__).with_name("memory_process.py")), str(make_wide_folder(tmp_path))]
    done = subprocess.run(program, capture_output=True, text=True, timeout=100, check=True)
    loaded, after = zip(*json.loads(done.stdout), strict=True)
    assert max(loaded) - min(after) > 60e6
    # glibc keeps up to 64 MB at the end of an arena; models that stayed would be 630 MB
    assert after[-1] - after[0] < 128e6


def make_wide_folder(folder: Path) -> Path:
    """A model of some 90 MB."""
    from architectures import copy_tokenizer
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=5120,
        hidden_size=512,
        intermediate_size=2048,
        num_hidden_layers=4,
        num_attention_heads=8,
        max_position_embeddings=256,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    copy_tokenizer(folder)
    return folder


class TestBudget:
    """Of three small models, each some 1.3 MiB of weights, a budget of 3.5 MiB holds two."""

    @pytest.fixture
    def folders(self, tmp_path: Path) -> list[str]:
        return [str(make_model_folder("llama", tmp_path / str(seed), seed)) for seed in range(3)]

    @pytest.fixture
    def size(self, engine: Engine, folders: list[str]) -> int:
        return engine.load(folders[0]).wait(60).weights_bytes

    def test_the_least_recently_used_idle_model_goes_first(self, folders: list[str], size: int) -> None:
        first, second, third = folders
        with Engine(memory_budget=int(2.6 * size)) as engine:
            engine.load_beside(first).wait(60)
            engine.load_beside(second).wait(60)
            engine.submit(ask(first)).result()
            engine.load_beside(third).wait(60)
            assert names(engine) == [first, third]

    def test_neither_the_chosen_model_nor_one_in_use_goes(self, folders: list[str], size: int) -> None:
        first, second, third = folders
        with Engine(first, memory_budget=int(2.6 * size)) as engine:
            engine.wait_until_loaded(60)
            engine.load_beside(second).wait(60)
            stream = engine.submit(ask(second, ENDLESS))
            next(event for event in stream if isinstance(event, Token))
            with pytest.raises(ModelDoesNotFit, match=r"needs .* MiB.*MEMORY_BUDGET") as refused:
                engine.load_beside(third).wait(60)
            assert (refused.value.needed, refused.value.budget) == (size, int(2.6 * size))
            assert 0 < refused.value.free < size
            assert stream.result().finished.reason == "length"
            engine.load_beside(third).wait(60)
            assert names(engine) == [first, third]

    def test_a_new_choice_takes_the_room_of_the_old_one_if_it_must(self, folders: list[str], size: int) -> None:
        with Engine(folders[0], memory_budget=int(1.6 * size)) as engine:
            engine.wait_until_loaded(60)
            with pytest.raises(ModelDoesNotFit):
                engine.load_beside(folders[1]).wait(60)
            assert engine.load(folders[1]).wait(60).name == folders[1]
            assert names(engine) == [folders[1]]

    def test_a_model_above_the_whole_budget_sends_nobody_away(self, folders: list[str], size: int) -> None:
        with Engine(folders[0], memory_budget=int(1.6 * size)) as engine:
            engine.wait_until_loaded(60)
            with pytest.raises(ModelDoesNotFit):
                engine.load(TALES).wait(60)
            assert (engine.state, names(engine)) == ("ready", [folders[0]])

    def test_what_is_remembered_of_ended_requests_makes_room_when_nothing_else_does(
        self, folders: list[str], size: int
    ) -> None:
        with Engine(folders[0], memory_budget=int(2.2 * size)) as engine:
            engine.wait_until_loaded(60)
            prompt = [5 + n for n in range(200)]
            for salt in range(12):
                request = GenerationRequest(prompt_ids=prompt, params=GREEDY, client=f"client {salt}")
                engine.submit(request).result()
            remembered = engine.stats().prefix_cache_bytes
            assert remembered > 0.2 * size
            engine.load_beside(folders[1]).wait(60)
            assert engine.stats().prefix_cache_bytes == 0

    def test_memory_that_a_request_left_makes_room_when_nothing_else_does(self, folders: list[str], size: int) -> None:
        with Engine(folders[0], memory_budget=int(2.02 * size), prefix_cache_bytes=0) as engine:
            engine.wait_until_loaded(60)
            engine.submit(GenerationRequest(prompt_ids=[5 + n for n in range(200)], params=GREEDY)).result()
            until(lambda: resident(engine, folders[0]).spare_bytes > 0.02 * size)
            engine.load_beside(folders[1]).wait(60)
            assert resident(engine, folders[0]).spare_bytes == 0

    def test_two_loads_at_once_share_the_room(self, folders: list[str], size: int) -> None:
        with Engine(memory_budget=int(1.6 * size)) as engine:
            tasks = [engine.load_beside(folder) for folder in folders[:2]]
            refused = 0
            for task in tasks:
                try:
                    task.wait(60)
                except ModelDoesNotFit:
                    refused += 1
            assert sum(r.weights_bytes for r in engine.models()) <= 1.6 * size
            assert (refused, len(engine.models())) in ((1, 1), (0, 1))


def test_stats_tell_what_is_kept_and_what_it_saved(tales: Engine) -> None:
    before = tales.stats()
    request = {"prompt_ids": [9 + n for n in range(200)], "params": GREEDY, "client": "stats"}
    tales.submit(GenerationRequest(**request)).result()
    filled = tales.stats()
    assert filled.prefix_cache_bytes > before.prefix_cache_bytes
    assert filled.prefix_hit_tokens == before.prefix_hit_tokens
    tales.submit(GenerationRequest(**request)).result()
    assert tales.stats().prefix_hit_tokens == before.prefix_hit_tokens + 199
    stream = tales.submit(ask(params=ENDLESS))
    next(event for event in stream if isinstance(event, Token))
    during = tales.stats()
    assert during.kv_bytes == resident(tales, TALES).kv_bytes > 0
    stream.cancel()
    stream.result()
    until(lambda: tales.stats().kv_bytes == 0)


def test_kv_bytes_are_those_of_the_tensors(tales: Engine) -> None:
    stream = tales.submit(ask(params=ENDLESS))
    next(event for event in stream if isinstance(event, Token))

    def measured(loaded: Any) -> tuple[int, int]:
        config = loaded.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_dim = config.hidden_size // config.num_attention_heads
        return tales.stats().kv_bytes, 2 * config.num_hidden_layers * heads * head_dim * 4 * 128

    counted, expected = tales.run_job(measured).result(10)
    stream.cancel()
    # 128 tokens are the first slab's capacity
    assert counted in (expected, 2 * expected)


@pytest.mark.parametrize("runner", ["packed", "plain"])
def test_only_the_engines_thread_touches_keys_and_values_whoever_asks_how_much_they_take(
    tales: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    """Whoever holds them when their request ends gives their memory back, which others are about to take."""
    name = TALES
    if runner == "plain":
        name = str(tmp_path)
        make_model("bloom", vocab_size=5120).save_pretrained(tmp_path)
        copy_tokenizer(tmp_path)
    tales.load_beside(name).wait(60)
    weigh, threads = live.cache_bytes, set()
    compute, sizes = LoadedModel.compute, []

    def telling(cache: Any) -> int:
        threads.add(threading.current_thread().name)
        return weigh(cache)

    def asked_in_a_step(self: LoadedModel, work: Any) -> Any:
        asking = threading.Thread(target=lambda: sizes.append((tales.stats().kv_bytes, weigh(work[0].sequence.cache))))
        asking.start()
        asking.join()
        return compute(self, work)

    for module in (live, loop, residents, sequence):
        monkeypatch.setattr(module, "cache_bytes", telling, raising=False)
    monkeypatch.setattr(LoadedModel, "compute", asked_in_a_step)
    tales.submit(ask(name, SamplingParams(max_tokens=300, ignore_eos=True, seed=1), clip=True)).result()
    assert threads == {"llmtui-engine"}
    # transformers' own cache grows with every token, by less than a block until it is weighed again
    least = 0.5 if runner == "plain" else 1.0
    assert all(least * weighed <= published <= weighed for published, weighed in sizes[70:])
    assert sizes[70:]
    assert tales.stats().kv_bytes == 0


def place(name: str, keep_alive: float | None) -> Place:
    info = ModelInfo(name, "", "", 0, 0, 0, "", "", 0, False, "", 0.0, False)
    loaded: Any = type("Loaded", (), {"info": info})()
    return Place(loaded, ("auto", "auto"), keep_alive)


def test_a_kept_model_has_no_time_to_go_while_it_is_used() -> None:
    kept = place("a", 5.0)
    kept.was_used = True
    assert kept.goes_at == kept.last_used + 5.0
    kept.users = 1
    assert kept.goes_at is None
    kept.leaving = True
    assert kept.goes_at is None
    kept.users = 0
    assert kept.goes_at is not None
    assert kept.goes_at < 0


def test_with_nobody_resident_no_time_runs() -> None:
    residents = Residents()
    assert residents.seconds_left() is None
    assert residents.hold(None) is None
    assert not residents.drop_expired()
