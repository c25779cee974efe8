"""What the doctor says about machines that lack something."""

import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement

from llmtui import own_kernels
from llmtui.processor import CPUINFO, cpu_flags
from llmtui.system.doctor import (
    PACKAGES,
    Check,
    check_folder,
    check_gpu,
    check_kernels,
    check_machine,
    check_memory,
    check_packages,
    check_port,
    check_processor,
    check_python,
    check_terminal,
    check_threads,
    installed_version,
)

UTF8 = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


def test_every_line_that_is_not_ok_says_what_to_do() -> None:
    checks = check_machine("127.0.0.1", 0, {"OMP_NUM_THREADS": "1"})
    assert {check.status for check in checks} <= {"ok", "warn", "fail"}
    assert all(check.advice for check in checks if check.status != "ok")
    names = {check.name for check in checks}
    assert {"python", *PACKAGES, "threads", "memory", "gpu", "models folder", "terminal", "port"} <= names


def test_missing_package_fails_and_one_outside_its_bounds_warns() -> None:
    wanted = [Requirement("torch>=2.7,<2.14"), Requirement("textual==8.2.8"), Requirement("flask>=3.1")]
    versions = {"torch": "2.15.0", "textual": None, "flask": "3.1.2"}
    found = {c.name: c for c in check_packages(wanted, lambda name: versions.get(name, "1.0"))}
    assert (found["torch"].status, found["textual"].status, found["flask"].status) == ("warn", "fail", "ok")
    assert found["textual"].advice == "pip install 'textual==8.2.8'"
    assert "<2.14" in (found["torch"].advice or "")


def test_local_version_labels_are_within_bounds() -> None:
    checks = check_packages([Requirement("torch>=2.7,<2.14")], lambda _: "2.13.0+cpu")
    assert checks[0].status == "ok"


def test_versions_are_those_that_python_itself_imports() -> None:
    assert installed_version("psutil") == psutil.__version__
    assert installed_version("no-such-package-here") is None


def test_old_python_fails() -> None:
    assert check_python((3, 10, 4)).status == "fail"
    assert check_python((3, 11, 0)).status == "ok"


def test_instruction_sets_are_read_from_the_first_processor(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags\t\t: fpu avx2 avx512f\n\nprocessor : 1\nflags : fpu\n")
    flags = cpu_flags(tmp_path / "cpuinfo")
    assert check_processor(flags, "x86_64").found == "x86_64: avx2, avx512f"
    assert check_processor(frozenset({"fpu"}), "x86_64").status == "warn"
    assert check_processor(cpu_flags(tmp_path / "none"), "arm64").status == "ok"


def test_kernels_that_would_run_here_but_are_not_built_are_worth_a_warning() -> None:
    def built(*instructions: str) -> Callable[[str], bool]:
        return instructions.__contains__

    best, slower = own_kernels.NEEDED
    both = own_kernels.NEEDED[best] | own_kernels.NEEDED[slower]
    assert check_kernels(both, built(best, slower)) == Check("kernels", "ok", f"llmtui's own, of {best}")
    left = check_kernels(both, built(slower))
    assert (left.status, left.found) == ("warn", f"llmtui's own, of {slower}: those of {best} were not built")
    for name, suited in own_kernels.NEEDED.items():
        assert check_kernels(suited, built(name)) == Check("kernels", "ok", f"llmtui's own, of {name}")
        assert check_kernels(suited, built()).status == "warn"
        assert "C++ compiler" in (check_kernels(suited, built()).advice or "")
        for others in (suited | own_kernels.BETTER_SERVED, suited - {"fma"}, frozenset({"neon"})):
            assert check_kernels(others, built()).status == "ok"
            assert "torch's" in check_kernels(others, built(name)).found


@pytest.mark.skipif(not CPUINFO.exists(), reason="Linux alone has it")
def test_instruction_sets_of_this_machine_are_all_in_its_cpuinfo() -> None:
    flags = cpu_flags(CPUINFO)
    words = set(re.findall(r"\w+", CPUINFO.read_text()))
    assert flags
    assert flags <= words


def test_thread_limit_is_told() -> None:
    check = check_threads({"OMP_NUM_THREADS": "1"})
    assert check.status == "warn"
    assert "OMP_NUM_THREADS=1" in check.found
    assert f"{os.cpu_count()} threads" in check.found


def test_little_memory_warns() -> None:
    assert check_memory(500_000_000, 8_000_000_000).status == "warn"
    assert check_memory(4_000_000_000, 8_000_000_000).found == "4.0 of 8.0 GB available"


def test_gpu_that_torch_or_the_gauges_cannot_use_warns(tmp_path: Path) -> None:
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    assert check_gpu(tmp_path / "none", "2.13.0+cpu", None).status == "ok"
    assert "CUDA" in (check_gpu(tmp_path / "gpus", "2.13.0+cpu", "13.0").advice or "")
    assert "nvidia-ml-py" in (check_gpu(tmp_path / "gpus", "2.13.0", None).advice or "")
    assert check_gpu(tmp_path / "gpus", "2.13.0", "13.0").status == "ok"


def test_folder_that_is_not_there_yet_is_judged_by_its_disk(tmp_path: Path) -> None:
    check = check_folder("models", tmp_path / "a" / "b", "more room")
    told = float(check.found.rpartition(", ")[2].removesuffix(" GB free"))
    # other programs write meanwhile
    assert told == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, rel=0.1)
    assert not (tmp_path / "a").exists()
    assert check.status in ("ok", "warn")


def test_file_in_the_place_of_a_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert check_folder("models", tmp_path / "file" / "b", "more room").status == "fail"


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        (UTF8, "ok"),
        (UTF8 | {"TERM": "xterm"}, "warn"),
        (UTF8 | {"TERM": "xterm", "NO_COLOR": "1"}, "ok"),
        (UTF8 | {"LANG": "C"}, "warn"),
    ],
)
def test_terminal_that_cannot_show_the_screen_warns(
    environ: dict[str, str], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    assert check_terminal(environ, True).status == status
    monkeypatch.setenv("COLUMNS", "40")
    assert check_terminal(environ, True).status == "warn"
    assert check_terminal(environ, False).status == "ok"


def test_port_in_use_warns_and_a_free_one_does_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = check_port("127.0.0.1", port)
        assert check.status == "warn"
        assert str(port) in check.found
    assert check_port("127.0.0.1", 0).status == "ok"
