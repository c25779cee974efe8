"""llmtui monitor from outside."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from api_client import Api, serving
from running import environment, llmtui

from llmtui.commands.monitor import columns_that_fit
from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.settings import Settings


def test_json_lines_and_csv_hold_the_same_samples(tmp_path: Path) -> None:
    done = llmtui("monitor", "--interval", "0.1", "--count", "3", "--json", "--csv", "out.csv", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = {"time", "cpu_percent", "core_percents", "load", "ram_used_bytes", "ram_total_bytes"}
    process = {"process_cpu_percent", "process_rss_bytes", "gpus"}
    assert set(lines[0]) == keys | process | {"engine", "tokens_per_second", "problem"}
    assert (lines[0]["engine"], lines[0]["tokens_per_second"], lines[0]["problem"]) == (None, None, None)
    assert [float(row["time"]) for row in rows] == [line["time"] for line in lines]
    assert [float(row["core0_percent"]) for row in rows] == [line["core_percents"][0] for line in lines]
    assert [float(row["load5"]) for row in rows] == [line["load"][1] for line in lines]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_shows_whole_columns(tmp_path: Path, width: int) -> None:
    done = llmtui("monitor", "--interval", "0.1", "--count", "2", home=tmp_path, COLUMNS=str(width))
    header, *lines = done.stdout.decode().splitlines()
    assert len(lines) == 2
    assert max(map(len, (header, *lines))) <= width
    assert header.split()[:4] == ["time", "cpu", "load", "ram"][: len(header.split())]
    assert header.split()[-1] in ("load", "ram", "process", "rss", "%")
    assert all(len(line) >= len(header.rstrip()) - len("cores %") for line in lines)


def test_as_many_cores_are_shown_as_there_is_room_for() -> None:
    columns = [("time", "20:03:29", 8), ("cores %", " ".join(f"{core:3.0f}" for core in range(64)), 0)]
    assert columns_that_fit(columns, None) == columns
    assert columns_that_fit(columns, 9) == columns[:1]
    _, (_, cores, _) = columns_that_fit(columns, 40)
    assert 30 - 4 <= len(cores) <= 30
    assert cores.endswith(" …")
    assert columns[1][1].startswith(cores.removesuffix(" …"))


def test_interval_is_kept(tmp_path: Path) -> None:
    done = llmtui("monitor", "--interval", "0.2", "--count", "5", "--json", home=tmp_path)
    times = [json.loads(line)["time"] for line in done.stdout.splitlines()]
    assert times[-1] - times[0] == pytest.approx(0.8, abs=0.4)


def test_ctrl_c_keeps_what_was_measured_and_exits_130(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "llmtui", "monitor", "--interval", "0.1", "--csv", "out.csv"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(tmp_path)
    ) as process:
        assert process.stdout is not None
        assert b"cores %" in process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, b"")
    assert len((tmp_path / "out.csv").read_text().splitlines()) >= 2


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--interval", "0"), 2, "--interval"),
        (("--interval", "x"), 2, "--interval"),
        (("--count", "0"), 2, "--count"),
        (("--pid", "0"), 2, "--pid"),
        (("--pid", "4194999"), 1, "4194999"),
        (("--csv", "no/such/folder/x.csv"), 1, "--csv"),
        (("--url", "http://127.0.0.1:1", "--pid", "1"), 2, "--pid"),
        (("--url", "http://127.0.0.1:1"), 1, "http://127.0.0.1:1 does not answer: Connection refused"),
        (("--url", "ftp://127.0.0.1"), 2, "no address of a server"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: tuple[str, ...], code: int, named: str) -> None:
    done = llmtui("monitor", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert named in done.stderr.decode()


KEY = "a-key-of-alice"


def test_a_servers_machine_and_engine_are_watched_through_its_metrics(
    tiny_tales_engine: Engine, tmp_path: Path
) -> None:
    tiny_tales_engine.submit(GenerationRequest(prompt="Once", params=SamplingParams(max_tokens=3))).result()
    with serving(tiny_tales_engine, Settings(_env_file=None, port=0)) as api:
        address = f"127.0.0.1:{api.port}"
        done = llmtui("monitor", "--url", address, "--interval", "0.2", "--count", "2", "--json", home=tmp_path)
        assert (done.returncode, done.stderr) == (0, b"")
        people = llmtui("monitor", "--url", address, "--interval", "0.2", "--count", "1", home=tmp_path)
    line = json.loads(done.stdout.splitlines()[-1])
    stats = tiny_tales_engine.stats()
    engine = line["engine"]
    assert engine["state"] == "ready"
    assert [model["name"] for model in engine["models"]] == ["tiny-tales"]
    assert (engine["running"], engine["waiting"], engine["generated_tokens"]) == (0, 0, stats.generated_tokens)
    assert line["tokens_per_second"] == 0.0
    assert len(line["core_percents"]) == os.cpu_count()
    assert 0 < line["process_rss_bytes"] < line["ram_used_bytes"] < line["ram_total_bytes"]
    heading, numbers = people.stdout.decode().splitlines()
    assert heading.split()[:7] == ["time", "tok/s", "run", "wait", "kv", "prefixes", "hit"]
    assert numbers.split()[1:4] == ["0.0", "0", "0"]


def test_the_key_is_shown_and_a_wrong_one_is_told(tiny_tales_engine: Engine, tmp_path: Path) -> None:
    with serving(tiny_tales_engine, Settings(_env_file=None, port=0, api_keys=f"alice:{KEY}")) as api:
        arguments = ("monitor", "--url", f"http://127.0.0.1:{api.port}/", "--interval", "0.1", "--count", "1", "--json")
        assert llmtui(*arguments, home=tmp_path, LLMTUI_API_KEY=KEY).returncode == 0
        assert llmtui(*arguments, "--api-key", KEY, home=tmp_path).returncode == 0
        refused = llmtui(*arguments, home=tmp_path)
        wrong = llmtui(*arguments, home=tmp_path, LLMTUI_API_KEY="another-key")
    for done in (refused, wrong):
        assert (done.returncode, done.stdout) == (1, b"")
        assert "LLMTUI_API_KEY" in done.stderr.decode()
        assert len(done.stderr.decode().splitlines()) == 1


def test_a_server_that_goes_away_and_comes_back_is_shown_as_such(tiny_tales_engine: Engine, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, port=0)

    def next_line(process: "subprocess.Popen[bytes]", problem: bool) -> dict[str, object]:
        assert process.stdout is not None
        for _ in range(200):
            line = json.loads(process.stdout.readline())
            if (line["problem"] is not None) == problem:
                return dict(line)
        raise AssertionError("it never said so")

    def watch(api: Api) -> "subprocess.Popen[bytes]":
        url = f"http://127.0.0.1:{api.port}"
        arguments = [sys.executable, "-m", "llmtui", "monitor", "--url", url, "--interval", "0.1", "--json"]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=tmp_path, env=environment(tmp_path))

    with serving(tiny_tales_engine, settings) as api:
        process = watch(api)
        first = next_line(process, problem=False)
    with process:
        gone = next_line(process, problem=True)
        with serving(tiny_tales_engine, settings.model_copy(update={"port": api.port})):
            back = next_line(process, problem=False)
        process.send_signal(signal.SIGINT)
    assert first["engine"] is not None
    assert "does not answer" in str(gone["problem"])
    assert (gone["engine"], gone["cpu_percent"]) == (None, None)
    assert back["engine"] is not None
