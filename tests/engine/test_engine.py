"""The engine as a whole: its door, its thread, loading, cancelling, failing, closing."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from llmtui.engine import ChatMessage, Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import (
    ContextOverflow,
    EngineBusy,
    EngineClosed,
    GenerationFailed,
    ModelNotReady,
    ParameterError,
)
from llmtui.engine.events import Failed, Finished, Queued, Started, Token
from llmtui.engine.loaded import LoadedModel
from llmtui.models.errors import LoadCancelled, ModelError, ModelNotFound

ENDLESS = SamplingParams(max_tokens=500, ignore_eos=True, seed=1)


def ask(prompt: str = "Once upon a time", **fields: Any) -> GenerationRequest:
    return GenerationRequest(prompt=prompt, **fields)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.005)


def test_importing_the_engine_imports_neither_torch_nor_a_screen() -> None:
    code = (
        "import sys; from llmtui import Engine, GenerationRequest, SamplingParams; Engine().close();"
        "print([m for m in ('torch', 'transformers', 'textual', 'flask') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cancelling_takes_at_most_a_step_and_keeps_the_text(tiny_tales_engine: Engine) -> None:
    stream = tiny_tales_engine.submit(ask(params=ENDLESS))
    text = ""
    tokens = 0
    for event in stream:
        if isinstance(event, Token):
            text += event.delta
            tokens += 1
            if tokens == 5:
                stream.cancel()
        if isinstance(event, Finished):
            assert event.reason == "cancelled"
            assert event.text == text + event.delta
    assert stream.ended
    # the cancel races with the step under way, and no more
    assert tokens < 60


def test_cancelling_one_request_leaves_the_others_alone(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_tokens=60, seed=3, ignore_eos=True)
    alone = tiny_tales_engine.submit(ask(params=params)).result().text
    doomed = tiny_tales_engine.submit(ask(params=ENDLESS))
    kept = tiny_tales_engine.submit(ask(params=params))
    doomed.cancel()
    assert kept.result().text == alone
    assert doomed.result().finished.reason == "cancelled"


def test_cancelling_while_queued_ends_without_a_start(tiny_tales_engine: Engine) -> None:
    running = [tiny_tales_engine.submit(ask(params=ENDLESS)) for _ in range(4)]
    waiting = tiny_tales_engine.submit(ask(params=ENDLESS))
    assert isinstance(waiting.poll(timeout=5), Queued)
    waiting.cancel()
    last = list(waiting)[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.completion_tokens) == ("cancelled", 0)
    for stream in running:
        stream.cancel()
        assert stream.result().finished.reason == "cancelled"


def test_a_full_queue_says_when_to_come_back() -> None:
    with Engine(max_waiting=1, max_running=1) as engine:
        engine.load("tiny-tales").wait(60)
        streams = [engine.submit(ask(params=ENDLESS)) for _ in range(2)]
        with pytest.raises(EngineBusy) as refused:
            engine.submit(ask(params=ENDLESS))
        assert 1 <= refused.value.retry_after <= 60
        for stream in streams:
            stream.cancel()
            stream.result()
        engine.submit(ask(params=SamplingParams(max_tokens=1))).result()


def test_clients_take_turns_however_many_requests_one_of_them_has() -> None:
    with Engine(max_running=1) as engine:
        engine.load("tiny-tales").wait(60)
        params = SamplingParams(max_tokens=3, seed=1, ignore_eos=True)
        all_are_there = threading.Event()
        held = engine.run_job(lambda _: all_are_there.wait(60))
        many = [engine.submit(ask(params=params, client="many")) for _ in range(12)]
        single = engine.submit(ask(params=params, client="single"))
        all_are_there.set()
        assert held.result(60)
        for stream in (single, *many):
            stream.result()
        assert sum(stream.told_at > single.told_at for stream in many) >= 9


def test_a_failing_step_fails_its_own_request_and_no_other(
    tiny_tales_engine: Engine, tiny_tales: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = type(tiny_tales.runner).forward

    def failing(self: Any, work: Any) -> Any:
        if any(part.sequence.request.client == "unlucky" for part in work):
            raise RuntimeError("out of memory")
        return forward(self, work)

    monkeypatch.setattr(type(tiny_tales.runner), "forward", failing)
    good = tiny_tales_engine.submit(ask(params=SamplingParams(max_tokens=20, seed=1)))
    bad = tiny_tales_engine.submit(ask(params=ENDLESS, client="unlucky"))
    events = list(bad)
    assert isinstance(events[-1], Failed)
    assert "out of memory" in events[-1].error
    assert sum(isinstance(e, (Failed, Finished)) for e in events) == 1
    assert good.result().text
    with pytest.raises(GenerationFailed):
        tiny_tales_engine.submit(ask(params=ENDLESS, client="unlucky")).result()


def test_logits_that_are_no_numbers_fail_with_advice(
    tiny_tales_engine: Engine, tiny_tales: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(tiny_tales.runner), "forward", lambda _self, _work: (torch.full((1, 5120), torch.nan), [1])
    )
    with pytest.raises(GenerationFailed, match="float32"):
        tiny_tales_engine.submit(ask()).result()


def test_a_prompt_longer_than_the_context_is_refused_and_never_cut(tiny_tales_engine: Engine) -> None:
    with pytest.raises(ContextOverflow, match="shorten the prompt"):
        tiny_tales_engine.submit(ask("word " * 600))
    with pytest.raises(ContextOverflow, match="512 new tokens and the prompt's"):
        tiny_tales_engine.submit(ask(params=SamplingParams(max_tokens=512)))
    stream = tiny_tales_engine.submit(ask(params=SamplingParams(max_tokens=100_000), clip=True))
    started = next(event for event in stream if isinstance(event, Started))
    stream.cancel()
    assert started.prompt_tokens + started.max_tokens == 512


def test_a_generation_can_fill_the_context_to_its_last_token(tiny_tales_engine: Engine) -> None:
    prompt = "word " * 500
    result = tiny_tales_engine.submit(ask(prompt, params=SamplingParams(ignore_eos=True))).result()
    assert result.finished.usage.total_tokens == 512
    assert result.finished.reason == "length"


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"prompt": "a", "params": SamplingParams(max_length=1)}, "max_length"),
        ({"prompt_ids": [1, 99_999]}, "prompt"),
        ({"prompt_ids": [True]}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"prompt": "a", "params": SamplingParams(logit_bias={99_999: 1.0})}, "logit_bias"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_by_name(
    tiny_tales_engine: Engine, request_fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ParameterError) as refused:
        tiny_tales_engine.submit(GenerationRequest(**request_fields))
    assert refused.value.field == field


def test_max_length_counts_the_prompt(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_length=20, ignore_eos=True)
    usage = tiny_tales_engine.submit(ask(params=params)).result().finished.usage
    assert usage.total_tokens == 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_running", 0),
        ("max_running", 1.5),
        ("max_running", True),
        ("max_waiting", -1),
        ("max_waiting_tokens", -1),
        ("prefix_cache_bytes", -1),
        ("memory_budget", 0),
        ("memory_budget", "8G"),
    ],
)
def test_limits_with_which_nothing_could_run_are_refused_by_name(field: str, value: Any) -> None:
    threads = threading.active_count()
    with pytest.raises(ParameterError, match="whole number") as refused:
        Engine(**{field: value})
    assert refused.value.field == field
    assert threading.active_count() == threads


def test_without_a_model_a_request_is_told_so(engine: Engine) -> None:
    assert engine.state == "empty"
    with pytest.raises(ModelNotReady, match="no model"):
        engine.submit(ask())


def test_a_failed_load_says_why_and_leaves_the_previous_model_running(engine: Engine, tmp_path: Path) -> None:
    task = engine.load(str(tmp_path / "nowhere"))
    with pytest.raises(ModelNotFound):
        task.wait(60)
    assert engine.state == "degraded"
    engine.load("tiny-tales").wait(60)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "gpt2"}')
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError) as failure:
        engine.load(str(broken)).wait(60)
    assert "\n" not in str(failure.value)
    assert engine.state == "ready"
    assert engine.model is not None
    assert engine.model.name == "tiny-tales"
    assert engine.submit(ask(params=SamplingParams(max_tokens=2))).result().text


def test_loading_another_model_lets_running_requests_finish_on_theirs(
    engine: Engine, model_folder: Callable[[str], Path]
) -> None:
    engine.load("tiny-tales").wait(60)
    stream = engine.submit(ask(params=SamplingParams(max_tokens=300, seed=2, ignore_eos=True)))
    folder = str(model_folder("llama"))
    engine.load(folder).wait(60)
    assert engine.model is not None
    assert engine.model.architecture == "LlamaForCausalLM"
    result = stream.result()
    assert (result.started.model, result.finished.usage.completion_tokens) == ("tiny-tales", 300)
    assert engine.submit(ask(params=SamplingParams(max_tokens=2))).result().started.model == folder


def test_a_stopped_load_ends_cancelled_and_installs_nothing(engine: Engine) -> None:
    task = engine.load("tiny-tales")
    task.cancel()
    with pytest.raises(LoadCancelled):
        task.wait(60)
    assert engine.model is None


def test_the_latest_load_wins(engine: Engine, model_folder: Callable[[str], Path]) -> None:
    first = engine.load("tiny-tales")
    second = engine.load(str(model_folder("qwen2")))
    info = second.wait(60)
    wait_for(lambda: first.ended)
    assert engine.model == info


def test_loads_at_the_same_time_leave_each_others_models_whole(model_folder: Callable[[str], Path]) -> None:
    folders = ["tiny-tales", str(model_folder("gpt2")), "tiny-tales", str(model_folder("llama"))]
    engines = [Engine() for _ in range(4)]
    try:
        for _ in range(3):
            tasks = [engine.load(folder) for engine, folder in zip(engines, folders, strict=True)]
            infos = [task.wait(60) for task in tasks]
            assert infos[0].parameters == infos[2].parameters == 6_180_864
        first, third = (engines[i].submit(ask(params=SamplingParams(temperature=0.0))).result() for i in (0, 2))
        assert first.text == third.text
    finally:
        for engine in engines:
            engine.close()


def test_an_unknown_gpu_is_one_sentence(engine: Engine) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ModelError, match="--device cpu"):
        engine.load("tiny-tales", device="cuda:3").wait(60)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_weights_take_the_dtype_asked_for(engine: Engine, dtype: str) -> None:
    info = engine.load("tiny-tales", device="cpu", dtype=dtype).wait(60)
    # what this CPU cannot run fast becomes float32, with a reason
    assert info.dtype == dtype or (info.dtype == "float32" and info.linears.startswith(f"{dtype} needs"))
    assert info.parameters == 6_180_864
    assert engine.submit(ask(params=SamplingParams(max_tokens=3))).result().tokens


def test_a_job_runs_on_the_engines_thread_between_steps(tiny_tales_engine: Engine) -> None:
    stream = tiny_tales_engine.submit(ask(params=ENDLESS))
    name = tiny_tales_engine.run_job(lambda _: threading.current_thread().name).result(timeout=10)
    assert name == "llmtui-engine"
    failing = tiny_tales_engine.run_job(lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failing.result(timeout=10)
    stream.cancel()
    assert stream.result().finished.reason == "cancelled"


def test_closing_while_generating_cuts_every_stream_short() -> None:
    engine = Engine(max_running=1)
    engine.load("tiny-tales").wait(60)
    streams = [engine.submit(ask(params=ENDLESS)) for _ in range(3)]
    engine.close()
    assert [stream.result().finished.reason for stream in streams] == ["cancelled"] * 3
    with pytest.raises(EngineClosed):
        engine.submit(ask())


def test_closing_while_loading_does_not_wait_for_the_load() -> None:
    engine = Engine()
    task = engine.load("tiny-tales")
    engine.close()
    with pytest.raises(LoadCancelled):
        task.wait(60)


def test_stats_count_what_runs(tiny_tales_engine: Engine) -> None:
    before = tiny_tales_engine.stats().generated_tokens
    stream = tiny_tales_engine.submit(ask(params=SamplingParams(max_tokens=30, ignore_eos=True)))
    wait_for(lambda: tiny_tales_engine.stats().tokens_per_second > 0)
    stream.result()
    assert tiny_tales_engine.stats().generated_tokens == before + 30
    wait_for(lambda: tiny_tales_engine.stats().running == 0)


def test_tokenize_and_detokenize_are_inverse_in_any_thread(tiny_tales_engine: Engine) -> None:
    text = "Naïve cats — 日本 — \x1b[31m ran."
    results: list[bool] = []

    def work() -> None:
        results.extend(
            tiny_tales_engine.detokenize(tiny_tales_engine.tokenize(text * n)) == text * n for n in range(1, 40)
        )

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 39 * 6


def test_messages_need_a_chat_template(engine: Engine, model_folder: Callable[[str], Path], tmp_path: Path) -> None:
    import json
    import shutil

    plain = tmp_path / "plain"
    shutil.copytree(model_folder("gpt2"), plain)
    tokenizer_config = json.loads((plain / "tokenizer_config.json").read_text())
    del tokenizer_config["chat_template"]
    (plain / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    engine.load(str(plain)).wait(60)
    with pytest.raises(ParameterError, match="chat template"):
        engine.submit(GenerationRequest(messages=[ChatMessage(role="user", content="hi")]))
