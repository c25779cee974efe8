import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

NOISE = """
import ctypes, os, shutil, subprocess, sys
from pathlib import Path
from llmtui.system.stdio import native_writes_to
libc = ctypes.CDLL(None)
def make_noise():
    os.write(1, b"raw-out\\n")
    os.write(2, b"raw-err\\n")
    libc.printf(b"from-printf\\n")
    print("from-print")
    print("from-print-err", file=sys.stderr)
    subprocess.run(["sh", "-c", "echo from-child; echo from-child >&2"])
"""
EVERY_NOISE = ["raw-out", "raw-err", "from-printf", "from-print", "from-print-err", "from-child"]


def on_terminal(code: str, tmp_path: Path) -> tuple[str, str, int]:
    """Run Python on a pseudo-terminal of 100x33: what the terminal got, what the log got, the exit status."""
    master, slave = pty.openpty()
    subprocess.run(["stty", "rows", "33", "cols", "100"], stdin=slave, check=True)
    log = tmp_path / "llmtui.log"
    script = f"{NOISE}\nlog = Path({str(log)!r})\n{code}"
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen([sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    screen = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        screen += piece
    os.close(master)
    return screen.decode(), log.read_text() if log.exists() else "", process.wait(30)


def test_native_writes_land_in_the_log_while_the_private_stream_reaches_the_screen(tmp_path: Path) -> None:
    code = """
libc.printf(b"before\\n")
with native_writes_to(log) as terminal:
    make_noise()
    terminal.write("frame ▁▂▃")
    terminal.flush()
    assert sys.__stderr__ is terminal and terminal.isatty() and sys.__stdin__.isatty()
    size = shutil.get_terminal_size()
    print("size", size.columns, size.lines)
print("after")
os.write(2, b"after-err\\n")
"""
    screen, log, status = on_terminal(code, tmp_path)
    assert status == 0
    assert screen.replace("\r", "") == "before\nframe ▁▂▃after\nafter-err\n"
    assert [word for word in EVERY_NOISE if word not in log] == []
    assert "size 100 33" in log


def test_the_screen_stays_on_the_terminal_where_stderr_goes_to_a_file(tmp_path: Path) -> None:
    code = f"""
sys.stderr.flush()
os.dup2(os.open({str(tmp_path / "errors")!r}, os.O_WRONLY | os.O_CREAT), 2)
with native_writes_to(log) as terminal:
    terminal.write("frame")
os.write(2, b"complaint")
"""
    screen, _, status = on_terminal(code, tmp_path)
    assert (screen, status) == ("frame", 0)
    assert (tmp_path / "errors").read_text() == "complaint"


def test_textuals_driver_draws_on_the_private_stream(tmp_path: Path) -> None:
    code = """
import asyncio
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
async def draw():
    driver = LinuxDriver(App())
    assert driver._file is sys.__stderr__ and driver._get_terminal_size() == (100, 33)
    driver._file.write("drawn")
with native_writes_to(log) as terminal:
    asyncio.run(draw())
"""
    screen, _, status = on_terminal(code, tmp_path)
    assert (screen, status) == ("drawn", 0)


def test_everything_is_put_back_after_an_exception(tmp_path: Path) -> None:
    code = """
before = sys.__stdout__, sys.__stderr__
open_files = len(os.listdir("/dev/fd"))
try:
    with native_writes_to(log):
        os.write(1, b"hidden\\n")
        raise RuntimeError("boom")
except RuntimeError as error:
    print("caught", error)
assert (sys.__stdout__, sys.__stderr__) == before
assert len(os.listdir("/dev/fd")) == open_files
os.write(1, b"one\\n")
os.write(2, b"two\\n")
"""
    screen, log, status = on_terminal(code, tmp_path)
    assert (screen.replace("\r", ""), log, status) == ("caught boom\none\ntwo\n", "hidden\n", 0)


def test_stdout_that_is_redirected_to_a_file_is_given_back_to_it(tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    code = f"{NOISE}\nwith native_writes_to(Path({log!r})):\n    make_noise()\nprint('mine')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("mine\n", "")


def test_log_that_cannot_be_opened_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    code = "try:\n    with native_writes_to(log / 'no' / 'where'): pass\nexcept OSError:\n    print('told')"
    screen, _, status = on_terminal(code, tmp_path)
    assert (screen, status) == ("told\r\n", 0)


@pytest.mark.parametrize("module", ["paths", "reading", "learned", "measured", "terminal", "stdio", "logs"])
def test_system_needs_neither_torch_nor_textual_nor_flask(module: str) -> None:
    heavy = {"torch", "textual", "flask", "transformers"}
    code = f"import sys, llmtui.system.{module}\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
