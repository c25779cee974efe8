import logging
import subprocess
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.system.logs import MAX_FILE_BYTES, MAX_LINE_CHARACTERS, LogError, setup_logging, visible


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A log of its own, and logging as it was afterwards."""
    root = logging.getLogger()
    level, handlers, raising = root.level, list(root.handlers), logging.raiseExceptions
    # as the engine's imports leave it: a test before may have imported transformers without them
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    setup_logging(tmp_path / "logs" / "llmtui.log")
    yield tmp_path / "logs" / "llmtui.log"
    logging.captureWarnings(False)
    logging.raiseExceptions = raising
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.setLevel(level)
    root.handlers[:] = handlers


@given(st.text() | st.text("\x00\x1b\x07\x9b\r\n\u202e\u2066\ud800[]52;c"))
def test_nothing_that_a_terminal_obeys_comes_through(text: str) -> None:
    shown = visible(text)
    assert shown == "" or shown.isprintable()
    assert visible(shown) == shown


def test_escape_sequences_and_forged_lines_are_shown_not_written(log: Path) -> None:
    logging.getLogger("llmtui").warning("evil %s", "\x1b]52;c;eA==\x07\r\n2026 ERROR forged \u202e\x9b31m")
    lines = log.read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert lines[0].endswith(r"evil \x1b]52;c;eA==\x07\r\n2026 ERROR forged \u202e\x9b31m")


def test_traceback_is_kept_line_by_line_and_its_message_is_harmless(log: Path) -> None:
    try:
        raise ValueError("bad \x1b[2J news")
    except ValueError:
        logging.getLogger("llmtui").exception("it failed")
    lines = log.read_text().splitlines()
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-1] == r"    ValueError: bad \x1b[2J news"


def test_long_lines_are_cut(log: Path) -> None:
    logging.getLogger("llmtui").warning("x" * 10_000_000)
    logging.getLogger("llmtui").warning("\x1b" * 10_000_000)
    lines = log.read_text().splitlines()
    assert [len(line) for line in lines] == [MAX_LINE_CHARACTERS] * 2
    assert lines[0].endswith("x…")


def test_libraries_are_quiet_unless_debugging(log: Path) -> None:
    for name in ("transformers.modeling_utils", "httpx", "waitress.queue"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("warned by %s", name)
    logging.getLogger("llmtui").info("ours")
    logging.getLogger("llmtui").debug("detail")
    text = log.read_text()
    assert "chatter" not in text
    assert "detail" not in text
    assert text.count("warned by") == 3
    assert "ours" in text
    setup_logging(log, debug=True)
    logging.getLogger("transformers").info("chatter")
    logging.getLogger("llmtui").debug("detail")
    last = log.read_text().splitlines()[-2:]
    setup_logging(log)
    assert [line.split()[-1] for line in last] == ["chatter", "detail"]


def test_wrong_arguments_of_a_message_are_logged_as_they_are(log: Path) -> None:
    logging.getLogger("llmtui").warning("%d tokens", "many")
    assert "%d tokens ('many',)" in log.read_text()


def test_unpaired_surrogates_of_file_names_do_not_stop_the_log(log: Path) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    record = logging.LogRecord("llmtui", logging.WARNING, __file__, 1, "no such file: %s", (name,), None)
    # to the file alone: what pytest captures must be text that it can pass on
    next(h for h in logging.getLogger().handlers if isinstance(h, RotatingFileHandler)).handle(record)
    assert r"caf\udce9" in log.read_text()


def test_log_is_private_and_rotated(log: Path) -> None:
    assert log.stat().st_mode & 0o077 == 0
    line = "x" * (MAX_LINE_CHARACTERS // 2)
    for _ in range(MAX_FILE_BYTES // len(line) + 2):
        logging.getLogger("llmtui").warning(line)
    assert log.stat().st_size < MAX_FILE_BYTES
    assert sorted(path.name for path in log.parent.iterdir()) == ["llmtui.log", "llmtui.log.1"]


def test_log_and_warnings_leave_the_terminal_alone(tmp_path: Path) -> None:
    code = (
        "import logging, pathlib, sys, warnings\nlogging.basicConfig()\n"
        "from llmtui.system.logs import setup_logging\nsetup_logging(pathlib.Path('a.log'))\n"
        "logging.getLogger('x').error('said')\nwarnings.warn('warned')\nlogging.getLogger('x').error('%d', 'x')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert "said" in (tmp_path / "a.log").read_text()
    assert "UserWarning: warned" in (tmp_path / "a.log").read_text()


def test_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="cannot be written"):
        setup_logging(tmp_path / "file" / "llmtui.log")
