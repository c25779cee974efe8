import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from llmtui.system import paths
from llmtui.system.paths import FolderError
from llmtui.system.terminal import Terminal, detect_terminal

XDG = {"XDG_CONFIG_HOME": "config_dir", "XDG_STATE_HOME": "state_dir", "XDG_CACHE_HOME": "cache_dir"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in XDG:
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's convention")
@pytest.mark.parametrize("variable", XDG)
def test_folders_are_where_xdg_says_made_when_asked_for_and_private(home: Path, variable: str) -> None:
    assert list(home.iterdir()) == []
    folder = getattr(paths, XDG[variable])()
    assert folder == home / variable.lower() / "llmtui"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == [variable.lower()]


def test_log_file_can_be_written_at_once(home: Path) -> None:
    paths.log_file().write_text("x")
    assert paths.log_file().is_relative_to(home)


def test_folder_that_cannot_be_made_is_one_sentence(home: Path) -> None:
    (home / "xdg_state_home").write_text("a file in the way")
    with pytest.raises(FolderError, match="xdg_state_home"):
        paths.state_dir()


PLAIN = Terminal(over_ssh=False, in_tmux=False, colours="16", unicode=False, frame_rate=30)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, replace(PLAIN, colours="none")),
        ({"TERM": "dumb"}, replace(PLAIN, colours="none")),
        ({"TERM": "xterm"}, PLAIN),
        ({"TERM": "xterm-256color"}, replace(PLAIN, colours="256")),
        ({"TERM": "xterm-direct"}, replace(PLAIN, colours="truecolor")),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, replace(PLAIN, colours="truecolor")),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, replace(PLAIN, colours="truecolor")),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, replace(PLAIN, colours="none")),
        ({"TERM": "xterm", "NO_COLOR": ""}, PLAIN),
        ({"TERM": "xterm", "SSH_TTY": "/dev/pts/1"}, replace(PLAIN, over_ssh=True, frame_rate=15)),
        ({"TERM": "xterm", "SSH_CONNECTION": "1 2 3 4"}, replace(PLAIN, over_ssh=True, frame_rate=15)),
        ({"TERM": "xterm", "TMUX": "/tmp/tmux-0/default,1,0"}, replace(PLAIN, in_tmux=True)),
        ({"TERM": "tmux-256color"}, replace(PLAIN, in_tmux=True, colours="256")),
        ({"TERM": "xterm", "LANG": "de_DE.UTF-8"}, replace(PLAIN, unicode=True)),
        ({"TERM": "xterm", "LC_CTYPE": "C.utf8"}, replace(PLAIN, unicode=True)),
        ({"TERM": "xterm", "LANG": "de_DE.UTF-8@euro"}, replace(PLAIN, unicode=True)),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "de_DE.UTF-8"}, PLAIN),
        ({"TERM": "xterm", "LC_ALL": "", "LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "de_DE.UTF-8"}, PLAIN),
    ],
)
def test_terminal_is_known_by_its_environment(environ: dict[str, str], expected: Terminal) -> None:
    assert detect_terminal(environ) == expected


def test_python_without_any_locale_still_counts_as_utf8() -> None:
    code = "import os\nfrom llmtui.system.terminal import detect_terminal\nprint(detect_terminal(os.environ).unicode)"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
