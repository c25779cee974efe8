"""llmtui doctor from outside."""

import json
import socket
from pathlib import Path

import pytest
from running import llmtui

from llmtui.commands.doctor import check_company
from llmtui.engine.company import CompanyEffect


def test_healthy_machine_exits_0_and_the_model_really_ran(tmp_path: Path) -> None:
    done = llmtui("doctor", "--json", home=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["ok"]
    assert done.returncode == 0
    assert set(answer["checks"][0]) == {"name", "status", "found", "advice"}
    assert "tok/s" in answer["checks"][-2]["found"]
    assert (answer["checks"][-1]["name"], answer["checks"][-1]["status"]) == ("alone or not", "ok")


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


def effect(others: int, largest: float, *, same_top: bool = True) -> CompanyEffect:
    return CompanyEffect(others, largest == 0.0, largest, same_top)


@pytest.mark.parametrize(
    ("effects", "status", "found"),
    [
        ((), "ok", "one request in a forward: others change nothing"),
        ((effect(1, 0.0), effect(4, 0.0), effect(16, 0.0)), "ok", "equal bits beside 1, 4 and 16 others"),
        (
            (effect(1, 0.0), effect(4, 1.23e-5), effect(16, 3e-5)),
            "ok",
            "logits have equal bits beside 1 other, differ by 1e-05 beside 4, differ by 3e-05 beside 16; "
            "same top tokens",
        ),
        (
            (effect(1, 2.0, same_top=False), effect(4, 0.0)),
            "warn",
            "logits differ by 2 beside 1 other, have equal bits beside 4; other top tokens",
        ),
    ],
)
def test_what_others_do_to_a_request_is_said_as_measured(
    effects: tuple[CompanyEffect, ...], status: str, found: str
) -> None:
    check = check_company(effects)
    assert (check.status, check.found) == (status, found)
    assert (check.advice is None) == (not effects or all(effect.equal_bits for effect in effects))
