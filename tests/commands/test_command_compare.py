"""llmtui compare from outside."""

import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from running import environment, llmtui

from llmtui.commands.compare import Board, column_fields
from llmtui.engine.loads import LoadProgress, LoadStage
from llmtui.insight.compare import Column, ModelChoice, Standing, Step, parse_choice
from llmtui.insight.divergence import PositionDifference

KEYS = {"model", "dtype", "problem", "parameters", "context", "disk_bytes", "memory_bytes", "peak_bytes"}
KEYS |= {"load_seconds", "first_token_seconds", "tokens_per_second", "tokens", "text", "bits_per_byte"}
KEYS |= {"mean_kl_bits", "top1_agreement", "positions"}


def test_json_has_a_model_for_each_option_whatever_became_of_it(tmp_path: Path) -> None:
    models = ["--model", "./nowhere", "--model", "tiny-tales@float16"]
    done = llmtui("compare", "Once", *models, "--max-new-tokens", "2", "--json", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert set(answer) == {"prompt", "complete", "models", "spans"}
    assert all(set(span) == {"start", "end", "bits"} and len(span["bits"]) == 1 for span in answer["spans"])
    assert answer["complete"]
    assert all(set(model) == KEYS for model in answer["models"])
    assert [model["dtype"] for model in answer["models"]] == ["auto", "float16"]
    assert [model["problem"] is None for model in answer["models"]] == [False, True]


def test_infinite_divergence_is_no_json_number() -> None:
    at = PositionDifference(index=1, id=2, kl_bits=math.inf, top1=2, top1_other=3, rank=1, rank_other=9)
    fields = column_fields(Column(ModelChoice("a"), problem=None, differences=(at,)))
    assert json.loads(json.dumps(fields, allow_nan=False))["positions"] == [
        {"index": 1, "id": 2, "kl_bits": None, "top1": 2, "top1_other": 3, "rank": 1, "rank_other": 9}
    ]
    assert (fields["mean_kl_bits"], fields["top1_agreement"]) == (None, 0.0)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("tiny-tales", ModelChoice("tiny-tales", "auto")),
        ("org/name@bfloat16", ModelChoice("org/name", "bfloat16")),
        ("./a@home/model", ModelChoice("./a@home/model", "auto")),
        ("@float32", ModelChoice("@float32", "auto")),
    ],
)
def test_dtype_after_an_at_sign_is_a_model_of_its_own(text: str, choice: ModelChoice) -> None:
    assert parse_choice(text, "auto") == choice


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "--model"),
        (("--model", "tiny-tales"), "--model"),
        (("--model", "a", "--model", "b", "--temperature", "9"), "--temperature"),
        (("--model", "a", "--model", "b", "--dtype", "float8"), "--dtype"),
    ],
)
def test_wrong_arguments_exit_2_and_name_the_option(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    done = llmtui("compare", "Once", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert named in done.stderr.decode()


def test_empty_prompt_exits_2_before_anything_is_loaded(tmp_path: Path) -> None:
    done = llmtui("compare", "", "--model", "a", "--model", "b", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "PROMPT" in done.stderr.decode()


def test_no_model_at_all_exits_3_and_says_why(tmp_path: Path) -> None:
    done = llmtui("compare", "Once", "--model", "./a\x1b[1m", "--model", "./b", home=tmp_path)
    assert done.returncode == 3
    assert b"not a folder" in done.stdout
    assert b"\x1b" not in done.stdout


def test_ctrl_c_ends_the_models_process_and_exits_130(tmp_path: Path) -> None:
    arguments = ["compare", "Once", "--model", "tiny-tales", "--model", "tiny-tales@float16", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        parent = psutil.Process(process.pid)
        end = time.monotonic() + 60
        # the first of the children only tracks resources
        while not (children := [c for c in parent.children() if "spawn_main" in " ".join(c.cmdline())]):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, b"")
    answer = json.loads(output)
    assert (answer["prompt"], answer["complete"], answer["spans"]) == ("Once", False, [])
    assert {(model["problem"], model["text"]) for model in answer["models"]} == {("stopped", None)}
    psutil.wait_procs(children, timeout=20)
    assert not any(child.is_running() for child in children)


def test_all_columns_that_write_are_in_the_line_of_progress_and_ctrl_c_ends_them(tmp_path: Path) -> None:
    watched, stderr = pty.openpty()
    models = ["--model", "tiny-tales", "--model", "tiny-tales@float16", "--model", "./nowhere"]
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", "compare", "Once", *models, "--max-new-tokens", "500", "--json"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        os.close(stderr)
        progress = ""
        both = re.compile(r"tiny-tales: \d+ tokens · tiny-tales@float16: \d+ tokens")
        while not both.search(progress) and (read := os.read(watched, 4096)):
            progress += read.decode()
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    os.close(watched)
    assert process.returncode == 130
    answer = json.loads(output)
    assert not answer["complete"]
    first, second, nowhere = answer["models"]
    for model in (first, second):
        assert model["problem"] == "stopped"
        assert model["text"]
        assert model["tokens"] is None
    assert nowhere["text"] is None
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert "tiny-tales: starts" in progress
    assert max(len(line) for line in re.split(r"\r\x1b\[K", progress)) < 80


def test_line_of_progress_says_what_each_model_does_that_is_not_done() -> None:
    board = Board(["a", "b@int8"])
    board.take(Step(0, LoadProgress(LoadStage.DOWNLOAD, 12_000_000, 24_000_000)))
    assert board.text == "a: downloads, 12.0 MB of 24.0 MB"
    board.take(Step(0, Standing.LOADED))
    board.take(Step(1, Standing.NO_ROOM))
    assert board.text == "a: loaded · b@int8: waits for memory"
    board.take(Step(0, Column(ModelChoice("a"), problem="no")))
    assert board.text == "b@int8: waits for memory"
