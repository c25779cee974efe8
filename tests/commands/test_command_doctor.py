"""llmtui doctor from outside."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from running import llmtui

from llmtui.commands.doctor import check_company, lines_for_people
from llmtui.engine.company import CompanyEffect
from llmtui.models.catalog import embedded_path
from llmtui.system.doctor import Check


def test_healthy_machine_exits_0_and_the_model_really_ran(tmp_path: Path) -> None:
    done = llmtui("doctor", "--json", home=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["ok"]
    assert done.returncode == 0
    assert set(answer["checks"][0]) == {"name", "status", "found", "advice"}
    assert "tok/s" in answer["checks"][-2]["found"]
    assert (answer["checks"][-1]["name"], answer["checks"][-1]["status"]) == ("alone or not tiny-tales", "ok")


def test_every_model_on_this_machine_is_measured_and_with_a_name_that_one_alone(tmp_path: Path) -> None:
    snapshot = tmp_path / "hf" / "hub" / "models--org--second" / "snapshots" / ("a" * 40)
    shutil.copytree(embedded_path(), snapshot)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("a" * 40)
    broken = tmp_path / "hf" / "hub" / "models--org--third" / "snapshots" / ("b" * 40)
    shutil.copytree(embedded_path(), broken, ignore=shutil.ignore_patterns("*.safetensors"))
    (broken.parents[1] / "refs").mkdir()
    (broken.parents[1] / "refs" / "main").write_text("b" * 40)

    def checked(*arguments: str) -> dict[str, str]:
        done = llmtui("doctor", "--json", *arguments, home=tmp_path)
        checks = {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
        return {name: status for name, status in checks.items() if name.startswith(("model ", "alone"))}

    one = {"model tiny-tales": "ok", "alone or not tiny-tales": "ok"}
    assert checked() == one | {"model org/second": "ok", "alone or not org/second": "ok", "model org/third": "warn"}
    assert checked("--model", "tiny-tales") == one


def test_a_narrow_terminal_breaks_lines_and_loses_nothing() -> None:
    checks = [Check("model folder", "ok", "/some/where/" + "deep/" * 12 + "hub, 76.4 GB free", "make room " * 9)]
    lines = lines_for_people(checks, 60)
    assert max(map(len, lines)) <= 60
    text = "".join(line.strip().removeprefix("→") for line in lines).replace(" ", "")
    assert checks[0].found.replace(" ", "") in text
    assert text.endswith("makeroom" * 9)
    assert lines_for_people(checks, None)[0] == f"ok  model folder  {checks[0].found}"


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
    check = check_company(effects, "m")
    assert (check.status, check.found) == (status, found)
    assert (check.advice is None) == (not effects or all(effect.equal_bits for effect in effects))
