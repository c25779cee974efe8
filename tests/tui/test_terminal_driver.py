"""The real program on a pseudo-terminal: what becomes of it when its terminal goes, or when it is told to end."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

SCREEN = """
import sys
from llmtui import own_process
from llmtui.cli import cli
own_process.claim()
sys.exit(cli(["--seed", "1"]))
"""
IGNORING_HANGUPS = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SCREEN
LEAVE_SCREEN, SHOW_CURSOR, MOUSE_OFF = b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l"


class Program:
    """The program, the terminal's other end, and everything that was drawn."""

    def __init__(self, code: str, folder: Path) -> None:
        self.master, slave = pty.openpty()
        subprocess.run(["stty", "rows", "24", "cols", "80"], stdin=slave, check=True)
        environ = os.environ | {"TERM": "xterm-256color", "XDG_STATE_HOME": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        self.drawn = b""

    def read_until(self, wanted: bytes) -> None:
        while wanted not in self.drawn:
            self.drawn += os.read(self.master, 65_536)

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1

    def read_to_the_end(self) -> int:
        """The exit status; what is still drawn is read, so that nothing waits for a reader."""
        reader = threading.Thread(target=self._read_on, daemon=True)
        reader.start()
        status = self.process.wait(60)
        reader.join(1)
        return status

    def _read_on(self) -> None:
        try:
            while piece := os.read(self.master, 65_536):
                self.drawn += piece
        except OSError:  # Linux: the other end is closed
            pass

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.master >= 0:
            self.hang_up()


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    program = Program(request.param, tmp_path)
    yield program
    program.end()


@pytest.mark.parametrize("program", [SCREEN, IGNORING_HANGUPS], ids=["", "hangups ignored"], indirect=True)
def test_the_program_ends_when_its_terminal_goes(program: Program, tmp_path: Path) -> None:
    program.read_until(b"ready")
    program.hang_up()
    assert program.process.wait(60) == 128 + signal.SIGHUP
    assert "Traceback" not in "".join(log.read_text() for log in tmp_path.rglob("*.log"))


@pytest.mark.parametrize("program", [SCREEN], ids=[""], indirect=True)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_the_terminal_as_it_was(program: Program, signum: signal.Signals) -> None:
    program.read_until(b"ready")
    program.process.send_signal(signum)
    assert program.read_to_the_end() == 128 + signum
    for sequence in (LEAVE_SCREEN, SHOW_CURSOR, MOUSE_OFF):
        assert sequence in program.drawn
