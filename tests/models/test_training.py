"""The making of tiny-tales: the text stays the same, and the whole way from text to a model runs."""

import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from llmtui.models.training.corpus import mix, tales
from llmtui.models.training.corpus.grammar import Grammar, tidy
from llmtui.models.training.dataset import read_documents, rows, write_documents
from llmtui.models.training.model import make_model
from llmtui.models.training.recipe import Recipe, TrainingError
from llmtui.models.training.train import learning_rate


def text_of(seed: int, size: int, name: str = "main") -> str:
    return "".join(f"{part}\0{text}\n\f\n" for part, text in mix.documents(seed, size, mix.MIXES[name]))


def command(*arguments: str | Path, module: str = "llmtui.models.training") -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", module, *map(str, arguments)]
    # two threads that share a core are slower than one on a model this small
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120, env=environment)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of one whole run in the smoke size."""
    folder = tmp_path_factory.mktemp("training")
    done = command("--work", folder, "--smoke")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def tokenizer(work: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(work / "model", trust_remote_code=False)


# ---- the text


@pytest.mark.parametrize(
    ("name", "seed", "size", "digest"),
    [
        ("main", 1, 60_000, "0f1fa82ae1fab7303eb257b32c8e80c7e864894ce2e238c73232cf9b350a0371"),
        ("chat", 123, 500_000, "74f51f5bc817afbd9318d57fb263bc7ad12ab1145940d19fd27f1042af0efdaf"),
    ],
)
def test_the_text_is_the_one_that_the_embedded_model_was_trained_on(
    name: str, seed: int, size: int, digest: str
) -> None:
    assert hashlib.sha256(text_of(seed, size, name).encode()).hexdigest() == digest


def test_a_seed_gives_the_same_text_again_and_another_seed_another_text() -> None:
    assert text_of(5, 200_000) == text_of(5, 200_000)
    five, six = ({text for _, text in mix.documents(seed, 200_000) if len(text) > 300} for seed in (5, 6))
    assert len(five) > 100
    # a recipe or an explanation may come twice, a tale hardly ever
    assert len(five & six) < len(five) / 20


@pytest.mark.parametrize("name", ["main", "chat"])
def test_every_part_keeps_its_share_of_the_bytes(name: str) -> None:
    sizes = dict.fromkeys(mix.MIXES[name], 0)
    for part, text in mix.documents(3, 400_000, mix.MIXES[name]):
        sizes[part] += len(text.encode())
    total = sum(sizes.values())
    assert 400_000 <= total < 410_000
    assert {part: size / total for part, size in sizes.items()} == pytest.approx(mix.MIXES[name], abs=0.02)


def test_no_hole_of_a_template_is_left_in_the_text() -> None:
    left = []
    for part, text in mix.documents(11, 1_000_000):
        plain = re.sub(r"<\|(system|user|assistant|end)\|>", "", text)
        # patterns are about brackets, too
        if part != "patterns" and re.search(r"[\[\]{}<>]|¶|  ", plain):
            left.append(text)
    assert left == []


def test_every_plot_can_be_told_and_keeps_its_first_character() -> None:
    for seed, plot in enumerate(tales.PLOT_NAMES * 3):
        rng = Random(seed)
        tale = tales.tell(rng, plot, tales.state(rng), title=True, moral=True)
        assert tale.plot == plot
        assert tale.state["A"] in tale.text
        assert not re.search(r"[\[\]{}<>]", tale.text)


def test_a_template_draws_fills_and_capitalises() -> None:
    grammar = Grammar({"drink": ["tea", "[cold|cold] milk"]})
    said = {grammar("{name} [likes|has] a <drink>[|, too].", Random(seed), {"name": "ada"}) for seed in range(200)}
    verbs, drinks, ends = ("likes", "has"), ("tea", "cold milk"), ("", ", too")
    assert said == {f"Ada {verb} a {drink}{end}." for verb in verbs for drink in drinks for end in ends}


@pytest.mark.parametrize(
    ("template", "error"), [("a [b|c", ValueError), ("{nobody}", KeyError), ("<nothing>", KeyError)]
)
def test_a_broken_template_is_an_error_and_not_a_text(template: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Grammar()(template, Random(1))


@pytest.mark.parametrize(
    ("rough", "right"),
    [
        ("a owl and an unicorn", "An owl and a unicorn"),
        ("a hour ago , he left .", "An hour ago, he left."),
        ('stop. "go. run."', 'Stop. "go. Run."'),
        ("one \n two", "One\nTwo"),
    ],
)
def test_articles_spaces_and_capitals_are_put_right(rough: str, right: str) -> None:
    assert tidy(rough) == right


# ---- rows and schedule


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_every_document_that_fits_is_whole_in_some_row(lengths: list[int]) -> None:
    length = 20
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    total = sum(lengths)
    begins = rows(torch.zeros(total).short().numpy().astype("uint16"), torch.tensor(starts).numpy(), length)
    assert set(begins) <= set(starts)
    assert all(begin + length + 1 <= total for begin in begins)
    reached = begins[-1] + length if begins else 0
    for start, size in zip(starts, lengths, strict=True):
        if size <= length and start + size <= reached:
            assert any(begin <= start and start + size <= begin + length for begin in begins)


def test_documents_come_back_as_they_were_written(tmp_path: Path) -> None:
    texts = ["one\n\ntwo", "ünïcode 🦊", "", "three\n"]
    write_documents(tmp_path / "text.txt", texts)
    assert read_documents(tmp_path / "text.txt") == texts
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_the_learning_rate_rises_and_falls_to_two_percent(tmp_path: Path) -> None:
    recipe = Recipe(work=tmp_path, lr=1.0, warmup=10, steps=110)
    rates = [learning_rate(recipe, step) for step in range(111)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[60] == pytest.approx(0.51)
    assert rates[110] == pytest.approx(0.02)
    assert rates[10:] == sorted(rates[10:], reverse=True)


# ---- the ordered start


def test_ordered_weights_look_at_the_token_before_and_copy_what_followed(tmp_path: Path) -> None:
    model = make_model(Recipe(work=tmp_path, n_layer=3), 600)
    model.set_attn_implementation("eager")
    half = torch.randperm(600, generator=torch.Generator().manual_seed(1))[:60]
    ids = torch.cat([half, half])[None]
    with torch.no_grad():
        first, second, *_ = model(ids, output_attentions=True).attentions
    before = first[0, 0].argmax(-1)
    assert (before[1:] == torch.arange(119)).float().mean() > 0.9
    followed = second[0, 0, 60:].argmax(-1)
    assert (followed == torch.arange(60) + 1).float().mean() > 0.9


def test_ordered_weights_of_another_size_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--structured 0"):
        Recipe(work=tmp_path, n_embd=128)


# ---- the whole way


def test_training_lowers_the_loss_on_text_it_has_not_seen(work: Path) -> None:
    progress = json.loads((work / "progress.json").read_text())
    steps, losses = zip(*progress["held_out"], strict=True)
    assert steps == (0, 10, 20)
    assert losses[0] == pytest.approx(math.log(512), abs=0.1)
    assert losses[2] < losses[1] < losses[0] - 0.3


def test_the_exported_folder_loads_as_any_other_model_and_writes(
    work: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    model = AutoModelForCausalLM.from_pretrained(
        work / "model", dtype=torch.float32, trust_remote_code=False, use_safetensors=True
    )
    ids = tokenizer("Once upon a time", return_tensors="pt")["input_ids"]
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=5, min_new_tokens=5, do_sample=False)
    assert out.shape[1] == ids.shape[1] + 5
    valid = tokenizer(read_documents(work / "valid.txt")[0], return_tensors="pt")["input_ids"][:, :512]
    with torch.no_grad():
        logits = model(valid).logits[0, :-1]
    assert torch.nn.functional.cross_entropy(logits, valid[0, 1:]).item() < math.log(512) - 0.3
    names = {path.name for path in (work / "model").iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".part"))]


@given(st.text())
def test_the_tokenizer_gives_back_any_text(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text), clean_up_tokenization_spaces=False) == text


def test_digits_and_chat_marks_are_single_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.tokenize("1234") == ["1", "2", "3", "4"]
    chat = [{"role": "user", "content": " Hi "}, {"role": "assistant", "content": "Hello!"}]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert prompt == "<|user|>\nHi<|end|>\n<|assistant|>\nHello!<|end|>\n<|assistant|>\n"
    marks = [i for i in tokenizer.encode(prompt) if i in tokenizer.all_special_ids]
    assert tokenizer.convert_ids_to_tokens(marks) == [
        "<|user|>",
        "<|end|>",
        "<|assistant|>",
        "<|end|>",
        "<|assistant|>",
    ]


def test_interrupted_training_goes_on_and_ends_as_if_never_interrupted(work: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(work, again, ignore=shutil.ignore_patterns("checkpoint.pt", "progress.json", "model"))
    first = command("--work", again, "--smoke", "--stage", "train", "--stop", "10")
    assert first.returncode == 0, first.stderr
    assert json.loads((again / "progress.json").read_text())["step"] == 10
    # what a process leaves that was killed while it saved
    (again / "checkpoint.pt.part").write_bytes(b"half a checkpoint")
    second = command("--work", again, "--smoke", "--stage", "train")
    assert second.returncode == 0, second.stderr
    assert "resumed at step 10" in second.stderr
    whole, resumed = (torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (work, again))
    assert resumed["progress"]["held_out"] == whole["progress"]["held_out"]
    for name, weight in whole["model"].items():
        torch.testing.assert_close(resumed["model"][name], weight, rtol=0, atol=0)


def test_a_stage_without_the_one_before_says_what_to_run(tmp_path: Path) -> None:
    done = command("--work", tmp_path, "--smoke", "--stage", "tokenizer")
    assert done.returncode == 1
    assert "run --stage corpus first" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_evaluation_reports_on_a_model(work: Path) -> None:
    few = ["--tales", "1", "--documents", "3", "--questions", "1"]
    done = command("--model", work / "model", "--work", work, *few, module="llmtui.models.training.evaluate")
    assert done.returncode == 0, done.stderr
    assert re.search(r"parameters: 165,\d{3};", done.stdout)
    assert re.search(r"all: loss \d\.\d{3}, perplexity \d+\.\d\d", done.stdout)
    assert re.search(r"Right \(greedy, by keyword\): \d of 1", done.stdout)


def test_looking_for_models_needs_no_torch() -> None:
    code = "import sys, llmtui.models, llmtui.models.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
