"""llmtui monitor from outside."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import environment, llmtui


def test_json_lines_and_csv_hold_the_same_samples(tmp_path: Path) -> None:
    done = llmtui("monitor", "--interval", "0.1", "--count", "3", "--json", "--csv", "out.csv", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = {"time", "cpu_percent", "core_percents", "load", "ram_used_bytes", "ram_total_bytes"}
    assert set(lines[0]) == keys | {"process_cpu_percent", "process_rss_bytes", "gpus"}
    assert [float(row["time"]) for row in rows] == [line["time"] for line in lines]
    assert [float(row["core0_percent"]) for row in rows] == [line["core_percents"][0] for line in lines]
    assert [float(row["load5"]) for row in rows] == [line["load"][1] for line in lines]


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
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: tuple[str, ...], code: int, named: str) -> None:
    done = llmtui("monitor", *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert named in done.stderr.decode()
