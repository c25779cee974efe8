"""Comparisons of real models in processes of their own."""

import math
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from compare_models import byte_model, large_byte_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmtui.engine import Engine, SamplingParams
from llmtui.engine.events import Token
from llmtui.insight.compare import Comparison, ModelChoice, Standing, Step, parse_choice
from llmtui.models.catalog import embedded_path

PROMPT = "Once upon a time there was a mouse."
PARAMS = SamplingParams(temperature=0.0, max_tokens=4, ignore_eos=True, top_logprobs=0)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[Step]]:
    """tiny-tales, the same in bfloat16, one that is not there, and a byte model; with all that was told of them."""
    other = byte_model(tmp_path_factory.mktemp("bytes"))
    comparison = Comparison(PROMPT, PARAMS)
    names = ["tiny-tales", "tiny-tales@bfloat16", "./nowhere", str(other)]
    return comparison, list(comparison.run([parse_choice(name, "auto") for name in names]))


@pytest.fixture(scope="module")
def comparison(ran: tuple[Comparison, list[Step]]) -> Comparison:
    return ran[0]


def test_every_token_is_told_as_it_comes_and_together_they_are_the_texts(ran: tuple[Comparison, list[Step]]) -> None:
    comparison, steps = ran
    assert comparison.complete
    for place, column in enumerate(comparison.columns):
        written = [step.progress for step in steps if step.place == place and isinstance(step.progress, Token)]
        assert len(written) == (0 if column.measured is None else 4)
        assert column.measured is None or "".join(token.text for token in written) == column.measured.text


def own_logits(ids: list[int], dtype: str) -> torch.Tensor:
    """What tiny-tales thinks of the tokens from the second on, as it generates in the engine."""
    with Engine() as engine:
        engine.load("tiny-tales", dtype=dtype).wait(timeout=120)
        return engine.run_job(lambda loaded: loaded.runner.read(ids)[:-1].double()).result(timeout=60)


def test_text_is_transformers_own_and_every_figure_is_there(comparison: Comparison) -> None:
    measured = comparison.columns[0].measured
    assert measured is not None
    model = AutoModelForCausalLM.from_pretrained(embedded_path(), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    generated = model.generate(ids, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    assert measured.text == tokenizer.decode(generated[0, ids.shape[1] :])
    assert measured.tokens == 4
    assert measured.disk_bytes == (embedded_path() / "model.safetensors").stat().st_size
    assert measured.first_token is not None
    assert measured.tokens_per_second is not None
    assert measured.peak_bytes >= measured.memory_bytes > 0


def test_divergence_of_a_dtype_is_that_of_its_own_logits_on_the_same_ids(comparison: Comparison) -> None:
    reference, other, *_ = comparison.columns
    assert reference.measured is not None
    assert other.differences is not None
    assert reference.differences is None
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    ids = tokenizer(PROMPT + reference.measured.text).input_ids
    p = torch.log_softmax(own_logits(ids, "float32"), dim=-1)
    q = torch.log_softmax(own_logits(ids, "bfloat16"), dim=-1)
    expected = torch.nn.functional.kl_div(q, p, log_target=True, reduction="none").sum(-1) / math.log(2)
    assert len(other.differences) == len(ids) - 1
    assert [at.kl_bits for at in other.differences] == pytest.approx(expected.tolist(), rel=0.05, abs=1e-4)
    assert other.mean_kl_bits is not None
    assert 0 < other.mean_kl_bits < 0.01
    assert other.top1_agreement is not None
    assert other.top1_agreement > 0.5


def test_models_of_other_tokens_share_bits_per_byte_alone(comparison: Comparison) -> None:
    reference, other, _, of_bytes = comparison.columns
    assert of_bytes.differences is None
    assert of_bytes.mean_kl_bits is None
    assert reference.measured is not None
    text = PROMPT + reference.measured.text
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    ids = tokenizer(text).input_ids
    first = len(tokenizer.decode(ids[:1]).encode())
    logits = own_logits(ids, "float32")
    bits = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum") / math.log(2)
    assert reference.bits_per_byte == pytest.approx(float(bits) / (len(text.encode()) - first), rel=1e-3)
    assert other.bits_per_byte == pytest.approx(reference.bits_per_byte, rel=0.05)
    # a random byte model knows nothing: eight bits a byte, about
    assert of_bytes.bits_per_byte == pytest.approx(8.0, abs=0.3)


def test_model_that_cannot_be_loaded_fills_its_column_and_the_others_go_on(comparison: Comparison) -> None:
    missing = comparison.columns[2]
    assert missing.measured is None
    assert missing.problem == "./nowhere is not a folder on this machine: check the path"
    assert missing.bits_per_byte is None
    assert comparison.columns[3].measured is not None


def test_each_model_sees_every_token_of_the_text_and_ranks_agree_with_the_difference(comparison: Comparison) -> None:
    reference, other, _, of_bytes = comparison.columns
    assert reference.measured is not None
    assert other.differences is not None
    assert comparison.text == PROMPT + reference.measured.text
    ids = AutoTokenizer.from_pretrained(embedded_path())(comparison.text).input_ids
    for column in (reference, other):
        assert [token.id for token in column.trace] == ids
        assert column.trace[0].logprob is None
    p = torch.log_softmax(own_logits(ids, "float32"), dim=-1)
    for at in other.differences:
        first, second = reference.trace[at.index], other.trace[at.index]
        assert first.logprob == pytest.approx(float(p[at.index - 1, ids[at.index]]), abs=1e-3)
        assert first.candidates[0].id == at.top1
        # the same forward gives both
        assert (second.rank, second.candidates[0].id) == (at.rank_other, at.top1_other)
    assert of_bytes.trace == ()


def test_spans_end_where_tokens_of_all_models_end_and_hold_all_bits(comparison: Comparison) -> None:
    measured = [column for column in comparison.columns if column.measured is not None]
    data = comparison.text.encode()
    ends, place = {0}, 0
    for token in comparison.columns[0].trace:
        place += len(token.bytes)
        ends.add(place)
    assert place == len(data)
    assert comparison.spans
    assert {end for span in comparison.spans for end in (span.start, span.end)} <= ends
    assert [one.end for one in comparison.spans[:-1]] == [one.start for one in comparison.spans[1:]]
    size = comparison.spans[-1].end - comparison.spans[0].start
    for number, column in enumerate(measured):
        total = sum(span.bits[number] for span in comparison.spans)
        assert total / size == pytest.approx(column.bits_per_byte)


PARENT = """
import os, sys, threading
from llmtui.engine import SamplingParams
from llmtui.insight.compare import Comparison, ModelChoice
if __name__ == "__main__":
    comparison = Comparison("Once", SamplingParams(max_tokens=500, ignore_eos=True))
    for step in comparison.run([ModelChoice("tiny-tales"), ModelChoice("tiny-tales", "float16")]):
        print(*(model.pid for model in comparison._processes), flush=True)
"""


def test_the_models_processes_end_with_the_program_however_that_ends(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children: list[psutil.Process] = []
        while len(children) < 2:
            children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive


OUTSIDE = """
import gc, os, sys
from pathlib import Path
from llmtui import own_process
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.imports import import_heavy_libraries
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
own_process.claim()
import_heavy_libraries()
import torch
from llmtui.insight.meta_model import read_config, without_weights
without_weights(read_config(Path(sys.argv[2])), torch.float32)
gc.collect()
before = resident()
engine = Engine()
engine.load(sys.argv[1]).wait(100)
open("/proc/self/clear_refs", "w").write("5")
stream = engine.submit(GenerationRequest(prompt="Once", params=SamplingParams(max_tokens=4, ignore_eos=True)))
memory = next(resident() - before for event in stream if isinstance(event, Token))
stream.result()
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(memory, 1024 * peak - before, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_is_what_a_fresh_process_takes_whatever_else_is_in_memory(tmp_path: Path) -> None:
    names = ["tiny-tales", str(large_byte_model(tmp_path / "large"))]
    small = byte_model(tmp_path / "small")
    comparison = Comparison("Once", PARAMS)
    steps = list(comparison.run([ModelChoice(name) for name in names]))
    assert not any(step.progress == Standing.NO_ROOM for step in steps)
    for name, column in zip(names, comparison.columns, strict=True):
        done = subprocess.run(
            [sys.executable, "-c", OUTSIDE, name, str(small)], capture_output=True, text=True, timeout=100, check=True
        )
        memory, peak = map(int, done.stdout.split())
        assert column.measured is not None
        assert column.measured.memory_bytes == pytest.approx(memory, rel=0.1)
        assert column.measured.peak_bytes == pytest.approx(peak, rel=0.1)
