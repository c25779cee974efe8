"""llmtui bench from outside."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import environment, llmtui


def test_what_is_measured_is_json_and_stands_in_llmtui_models_afterwards(tmp_path: Path) -> None:
    done = llmtui("bench", "--quick", "--rounds", "1", "--json", home=tmp_path, timeout=110)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert (answer["model"], answer["dtype"], answer["device"], answer["complete"]) == (
        "tiny-tales",
        "float32",
        "cpu",
        True,
    )
    assert answer["bandwidth"]["buffer_bytes"] >= 1 << 28
    speed = next(m for m in answer["measures"] if (m["name"], m["streams"], m["prompt_tokens"]) == ("decode", 1, 32))
    listed = json.loads(llmtui("models", "--json", home=tmp_path).stdout)
    kept = listed[0]["measured"]
    assert [(k["dtype"], k["device"], k["tokens_per_second"]) for k in kept] == [("float32", "cpu", speed["median"])]
    table = llmtui("models", home=tmp_path).stdout.decode().splitlines()
    assert "tok/s here" in table[0]
    assert f"{speed['median']:.1f} float32" in table[1]


def test_ctrl_c_writes_what_was_measured_and_exits_130(tmp_path: Path) -> None:
    watched, stderr = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "llmtui", "bench", "--quick", "--rounds", "20"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as process:
        os.close(stderr)
        progress = b""
        # a tenth of the rounds: one has ended by then, after the one that does not count
        while "██".encode() not in progress and (read := os.read(watched, 4096)):
            progress += read
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    os.close(watched)
    assert process.returncode == 130
    lines = output.decode().splitlines()
    assert lines[0].startswith("tiny-tales · 6.2M · float32 · cpu")
    assert any(line.startswith("memory read at ") for line in lines)
    assert any(line.startswith("decode ") and "tok/s" in line for line in lines)
    assert any(line.startswith("stopped; medians of ") for line in lines)
    assert "██" in progress.decode(errors="replace")


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--rounds", "0"), 2, "--rounds"),
        (("--rounds", "many"), 2, "--rounds"),
        (("--dtype", "int3"), 2, "dtype"),
        (("--device", "moon"), 2, "device"),
        (("--slow",), 2, "--slow"),
        (("--model", "./nothing"), 3, "./nothing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, arguments: tuple[str, ...], code: int, named: str) -> None:
    done = llmtui("bench", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert named in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
