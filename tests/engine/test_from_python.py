"""The engine in a plain script: calls that wait, results in order, nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmtui import Engine, SamplingParams
from llmtui.engine.errors import ContextOverflow, EngineBusy, EngineClosed, ModelNotReady
from llmtui.engine.events import Started
from llmtui.engine.stream import GenerationResult, Stream
from llmtui.models.catalog import embedded_path
from llmtui.models.errors import ModelNotFound

EXAMPLE = """
from llmtui import Engine, SamplingParams

with Engine("tiny-tales") as engine:
    params = SamplingParams(temperature=0.8, max_tokens=20, seed=1)
    for result in engine.generate(["Hello, my name is", "Once upon a time"], params):
        print(result.text.strip() != "", len(result.tokens) <= 20)
    print(all(0 < token.prob <= 1 for token in engine.stream("Once upon a time", params)))
"""


def test_the_example_runs_as_a_script() -> None:
    done = subprocess.run([sys.executable, "-c", EXAMPLE], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.split() == ["True"] * 5


TWO_AT_ONCE = """
from llmtui import Engine, SamplingParams

engines = [Engine("tiny-tales") for _ in range(2)]
for engine in engines:
    print(len(engine.generate("Once upon a time", SamplingParams(max_tokens=3, ignore_eos=True))[0].tokens))
    engine.close()
"""


def test_two_engines_of_one_script_may_begin_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.split() == ["3", "3"]


def test_a_model_may_be_named_by_the_path_of_its_folder() -> None:
    with Engine(embedded_path()) as engine:
        assert engine.wait_until_loaded(60).path == str(embedded_path())
    with pytest.raises(TypeError, match="not int"):
        Engine(5)  # type: ignore[arg-type]


FORKED = """
import os
from llmtui import Engine, SamplingParams
from llmtui.engine.errors import OtherProcess
with Engine("tiny-tales") as engine:
    engine.generate("Once", SamplingParams(max_tokens=1))
    child = os.fork()
    if child == 0:
        try:
            engine.generate("Once", SamplingParams(max_tokens=1))
        except OtherProcess:
            os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_is_told_to_make_an_engine_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "7\n"


LEFT_OPEN = """
import atexit, threading
names = lambda: [thread.name for thread in threading.enumerate()]
atexit.register(lambda: print("llmtui-engine" in names()))
from llmtui import Engine, SamplingParams
engine = Engine("tiny-tales")
tokens = engine.stream("Once upon a time", SamplingParams(max_tokens=400, ignore_eos=True))
next(tokens)
print("llmtui-engine" in names())
"""


def test_an_engine_that_was_left_open_ends_before_the_interpreter_does() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["True", "False"]


GARBAGE = """
import gc, weakref
from llmtui import Engine
class Node: pass
node = Node()
node.itself, gone = node, weakref.ref(node)
gc.disable()
del node
with Engine("tiny-tales") as engine:
    engine.wait_until_loaded()
assert gone() is not None
gc.collect()
print(gone() is None, gc.get_freeze_count())
"""


def test_the_garbage_of_a_program_that_loads_a_model_still_goes() -> None:
    done = subprocess.run([sys.executable, "-c", GARBAGE], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.split() == ["True", "0"]


def test_results_come_in_the_order_of_the_prompts(tiny_tales_engine: Engine) -> None:
    prompts = ["Once upon a time", "The old mill", "A small brown mouse"]
    params = SamplingParams(temperature=0.0, max_tokens=8, ignore_eos=True)
    together = tiny_tales_engine.generate(prompts, params)
    alone = [tiny_tales_engine.generate(prompt, params)[0] for prompt in prompts]
    assert [result.text for result in together] == [result.text for result in alone]
    assert all(len(result.tokens) == 8 and result.tokens[0].candidates for result in together)
    assert tiny_tales_engine.generate([], params) == []


def test_more_prompts_than_the_engine_holds_are_all_answered() -> None:
    with Engine("tiny-tales", max_waiting=2, max_running=2) as engine:
        results = engine.generate(["Once upon a time"] * 11, SamplingParams(max_tokens=3, ignore_eos=True))
        assert [len(result.tokens) for result in results] == [3] * 11


def test_one_prompt_that_cannot_run_stops_the_others(tiny_tales_engine: Engine) -> None:
    with pytest.raises(ContextOverflow):
        tiny_tales_engine.generate(["Once", "word " * 600], SamplingParams(max_tokens=400, ignore_eos=True))
    tiny_tales_engine.generate("Once", SamplingParams(max_tokens=1))
    assert tiny_tales_engine.stats().waiting == 0


def test_leaving_the_loop_stops_the_generation(tiny_tales_engine: Engine) -> None:
    before = tiny_tales_engine.stats().generated_tokens
    tokens = tiny_tales_engine.stream("Once upon a time", SamplingParams(max_tokens=400, ignore_eos=True))
    first, second = next(tokens), next(tokens)
    assert second.index == first.index + 1
    tokens.close()  # type: ignore[attr-defined]
    tiny_tales_engine.generate("Once", SamplingParams(max_tokens=1))
    assert tiny_tales_engine.stats().generated_tokens - before < 100


def test_ctrl_c_while_it_waits_stops_every_request(tiny_tales_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Stream] = []

    def interrupted(stream: Stream) -> GenerationResult:
        begun.append(stream)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Stream, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny_tales_engine.generate("Once upon a time", SamplingParams(max_tokens=400, ignore_eos=True))
    assert [stream.result().finished.reason for stream in begun] == ["cancelled"]


def test_a_text_that_an_engine_does_not_finish_is_told_from_one_that_is_whole() -> None:
    with Engine("tiny-tales") as engine:
        tokens = engine.stream("Once upon a time", SamplingParams(max_tokens=400, ignore_eos=True))
        next(tokens)
    with pytest.raises(EngineClosed):
        list(tokens)


def test_a_model_that_cannot_be_loaded_is_told_at_first_use(tmp_path: Path) -> None:
    with Engine(str(tmp_path / "nowhere")) as engine, pytest.raises(ModelNotFound):
        engine.generate("Hello")


def test_without_a_model_and_after_closing_one_is_told_so() -> None:
    engine = Engine()
    with pytest.raises(ModelNotReady):
        engine.generate("Hello")
    engine.close()
    with pytest.raises(EngineClosed):
        engine.generate("Hello")


def test_prompts_that_wait_are_bounded_in_tokens() -> None:
    from llmtui import GenerationRequest

    with Engine("tiny-tales", max_running=1, max_waiting=20, max_waiting_tokens=200) as engine:
        engine.wait_until_loaded(60)
        params = SamplingParams(max_tokens=100, ignore_eos=True)
        ask = [GenerationRequest(prompt_ids=[7] * 150, params=params) for _ in range(3)]
        streams = [engine.submit(request) for request in ask[:2]]
        with pytest.raises(EngineBusy):
            engine.submit(ask[2])
        next(event for event in streams[0] if isinstance(event, Started))
        assert not engine.full
        short = GenerationRequest(prompt_ids=[7] * 50, params=params)
        streams.append(engine.submit(short))
        assert engine.full
        for stream in streams:
            stream.cancel()
