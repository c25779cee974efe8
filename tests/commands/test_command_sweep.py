"""llmtui sweep from outside."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from running import environment, llmtui

from llmtui.commands.sweep_output import HEADER, with_texts

CELL = {"temperature", "top_k", "top_p", "seed", "text", "ids", "finish_reason", "tokens", "mean_surprisal"}
CELL |= {"mean_entropy", "distinct_1", "distinct_2", "longest_repeat", "tokens_per_second", "diverges_at"}


def test_json_has_a_cell_for_each_setting_and_seed(tmp_path: Path) -> None:
    arguments = ["--temperature", "0.2,1.2", "--top-k", "0, 50", "--seeds", "2", "--max-new-tokens", "3", "--json"]
    done = llmtui("sweep", "-", *arguments, home=tmp_path, stdin="Once upon\n")
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert set(answer) == {"model", "prompt", "complete", "seeds", "tokens", "seconds", "cells"}
    assert (answer["prompt"], answer["complete"], answer["seeds"]) == ("Once upon", True, [0, 1])
    assert [(c["temperature"], c["top_k"], c["seed"]) for c in answer["cells"]] == [
        (t, k, seed) for t in (0.2, 1.2) for k in (0, 50) for seed in (0, 1)
    ]
    assert all(set(cell) == CELL and cell["top_p"] == 1.0 for cell in answer["cells"])


def test_position_shows_settings_without_generating(tmp_path: Path) -> None:
    done = llmtui("sweep", "Once upon a time", "--at", "2", "--temperature", "0,1", "--json", home=tmp_path)
    answer = json.loads(done.stdout)
    assert set(answer) == {"model", "prompt", "at", "context", "raw_entropy_bits", "actual", "settings"}
    assert answer["context"] == "Once upon"
    assert answer["actual"]["text"] == " a"
    assert [row["kept"] for row in answer["settings"]] == [1, 50]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--temperature", ""), "--temperature"),
        (("--temperature", "0.2,,1"), "--temperature"),
        (("--temperature", "hot"), "--temperature"),
        (("--temperature", "0.5,2.5"), "--temperature"),
        (("--temperature", "nan"), "--temperature"),
        (("--top-k", "1.5"), "--top-k"),
        (("--top-k", "-1"), "--top-k"),
        (("--top-p", "0"), "--top-p"),
        (("--seeds", "0"), "--seeds"),
        (("--at", "0"), "--at"),
        (("--seeds", "300"), "--yes"),
        (("--max-new-tokens", "0"), "--max-new-tokens"),
    ],
)
def test_wrong_ranges_exit_2_and_name_the_option(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    done = llmtui("sweep", "Once", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert named in done.stderr.decode()


def test_table_has_every_number_of_a_cell_and_texts_that_can_be_read_on_a_narrow_terminal() -> None:
    numbers = ["T  seed", "0    1", "1    22"]
    texts = ["Once upon a time, and a very good time it was", "a\x1b[2J"]
    assert with_texts(numbers, texts, None) == [
        "T  seed  text",
        "0    1   Once upon a time, and a very good time it was",
        "1    22  a‹ESC›[2J",
    ]
    assert with_texts(numbers, texts, 40)[1] == "0    1   Once upon a tim…ood time it was"
    assert with_texts(numbers, texts, 30) == [
        "T  seed",
        "0    1",
        "  Once upon a ti…d time it was",
        "1    22",
        "  a‹ESC›[2J",
    ]


def test_table_has_a_column_for_each_number_and_for_speed(tmp_path: Path) -> None:
    done = llmtui("sweep", "Once", "--temperature", "0,1", "--seeds", "1", "--max-new-tokens", "3", home=tmp_path)
    heading, first, second, total = done.stdout.decode().splitlines()
    assert heading.split() == [*HEADER, "text"]
    assert first.split()[:5] == ["0", "50", "1", "0", "3"]
    assert float(second.split()[10]) > 0
    assert total.startswith("6 tokens in ")


def test_ctrl_c_writes_the_cells_that_are_done_and_exits_130(tmp_path: Path) -> None:
    arguments = ["sweep", "Once", "--seeds", "200", "--max-new-tokens", "400", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", *arguments, "--debug"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        until_busy(process)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, b"")
    answer = json.loads(output)
    assert answer["complete"] is False
    assert len(answer["cells"]) < 200
    reasons = [cell["finish_reason"] for cell in answer["cells"]]
    assert reasons.count("cancelled") > 0


def until_busy(process: "subprocess.Popen[bytes]") -> None:
    """Wait until the model is loaded and works: its threads have used a few seconds of processor time."""
    end = time.monotonic() + 60
    while psutil.Process(process.pid).cpu_times().user < 5:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
