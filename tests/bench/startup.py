"""How long a person waits: for the first frame, the model, the first token, a key typed meanwhile, and for quitting.

    python tests/bench/startup.py [--rounds 5] [--json]

Runs the real program on a pseudo-terminal of 120x40 and reads what it draws. Medians and worst cases in seconds.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

KEYS = "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩбгджзилпфцчшщыэюя"
QUIT = b"\x11"
PROGRAM = str(Path(sys.executable).with_name("llmtui"))


def keep_priority(pid: int) -> None:
    """Give a process in a session of its own this one's niceness.

    Linux schedules sessions as groups (autogroup): what `nice` sets counts only within one.
    """
    group = Path(f"/proc/{pid}/autogroup")
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice and group.exists():
        with contextlib.suppress(OSError):
            group.write_text(str(nice))


class Terminal:
    """The program on a pseudo-terminal, and everything it has drawn."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        home = tempfile.mkdtemp()
        environ = os.environ | {"TERM": "xterm-256color", "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        keep_priority(self.process.pid)
        self.drawn = b""

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def wait_for(self, text: str, limit: float = 60.0, start: int = 0) -> float:
        """Seconds since the program's start when `text` was on the wire, looking from offset `start`."""
        wanted = text.encode()
        while wanted not in self.drawn[start:]:
            if not self.read(limit):
                self.process.kill()
                raise TimeoutError(f"{text!r} was not drawn within {limit} s")
        return time.perf_counter() - self.began

    def read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return False
        try:
            self.drawn += os.read(self._master, 65536)
        except OSError:
            return False
        return True

    def quit(self) -> float:
        """Seconds from the key to the end of the process."""
        began = time.perf_counter()
        self.send(QUIT)
        while self.process.poll() is None:
            self.read(0.005)
            if time.perf_counter() - began > 20:
                self.process.kill()
                raise TimeoutError("it does not quit")
        took = time.perf_counter() - began
        os.close(self._master)
        return took


def start_and_type() -> dict[str, float]:
    """First frame, model ready, and the slowest echo of keys typed until then; then quit while idle."""
    terminal = Terminal("--seed", "1")
    times = {"first paint": terminal.wait_for("Prompt")}
    echoes = []
    for key in KEYS:
        if b"fp32" in terminal.drawn:
            break
        at, sent = len(terminal.drawn), time.perf_counter()
        terminal.send(key.encode())
        terminal.wait_for(key, start=at)
        echoes.append(time.perf_counter() - sent)
        while time.perf_counter() < sent + 0.1:
            terminal.read(0.01)
    times["model ready"] = terminal.wait_for("fp32")
    times["slowest echo while loading"] = max(echoes)
    times["quit while idle"] = terminal.quit()
    return times


def first_token_on_screen() -> dict[str, float]:
    """Of a prompt typed as soon as there is something to type into: it waits for the model."""
    terminal = Terminal("--seed", "1", "--max-new-tokens", "1")
    terminal.wait_for("Prompt")
    terminal.send(b"Once upon a time\r")
    seconds = terminal.wait_for("first ")
    terminal.quit()
    return {"first token, typed at once": seconds}


def first_token_on_stdout() -> dict[str, float]:
    """Of `llmtui generate`, from the start of the process."""
    began = time.perf_counter()
    command = [PROGRAM, "generate", "Once upon a time", "--max-new-tokens", "1", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        return {"first token, llmtui generate": time.perf_counter() - began}


def quit_while_loading() -> dict[str, float]:
    terminal = Terminal()
    terminal.wait_for("Prompt")
    deadline = time.perf_counter() + 1.0
    while time.perf_counter() < deadline:
        terminal.read(0.05)
    return {"quit while loading": terminal.quit()}


def quit_while_generating() -> dict[str, float]:
    terminal = Terminal("--max-new-tokens", "400")
    terminal.wait_for("fp32")
    terminal.send(b"Once upon a time\r")
    terminal.wait_for("tok/s")
    return {"quit while generating": terminal.quit()}


def help_seconds() -> dict[str, float]:
    began = time.perf_counter()
    subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
    return {"llmtui --help": time.perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    parts = (
        help_seconds,
        start_and_type,
        first_token_on_screen,
        first_token_on_stdout,
        quit_while_loading,
        quit_while_generating,
    )
    rounds: list[dict[str, float]] = []
    for _ in range(options.rounds + 1):
        rounds.append({name: value for part in parts for name, value in part().items()})
    rounds = rounds[1:]  # the first one warms the caches
    result = {
        name: {"median": statistics.median(r[name] for r in rounds), "worst": max(r[name] for r in rounds)}
        for name in rounds[0]
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, values in result.items():
        print(f"{name:30} median {values['median']:6.3f} s   worst {values['worst']:6.3f} s")


if __name__ == "__main__":
    main()
