"""llmtui doctor from outside."""

import json
import socket
from pathlib import Path

from running import llmtui


def test_healthy_machine_exits_0_and_the_model_really_ran(tmp_path: Path) -> None:
    done = llmtui("doctor", "--json", home=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["ok"]
    assert done.returncode == 0
    assert set(answer["checks"][0]) == {"name", "status", "found", "advice"}
    assert "tok/s" in answer["checks"][-1]["found"]


def test_model_that_cannot_be_loaded_is_a_fail_and_exit_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = llmtui("doctor", "--model", "./nowhere\x1b[31m", "--port", port, home=tmp_path)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert lines[-2].startswith("fail  model ./nowhere")
    assert b"\x1b" not in done.stdout
    assert any(line.startswith("warn  port") and port in line for line in lines)
