"""The list of commands: instant, and true."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from running import environment

from llmtui.cli import cli
from llmtui.commands.lazy import LazyGroup
from llmtui.tui.text import cell_width
from llmtui.tui.text_table import table

assert isinstance(cli, LazyGroup)
COMMANDS = dict(cli.lazy)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_neither_torch_nor_textual_nor_settings(tmp_path: Path, arguments: list[str]) -> None:
    code = (
        "import sys\nfrom llmtui.cli import cli\n"
        f"try:\n    cli({arguments!r})\nexcept SystemExit:\n    pass\n"
        "print('\\nMODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(tmp_path), timeout=60, check=True
    )
    modules = set(done.stdout.rpartition("MODULES ")[2].split())
    assert "llmtui.cli" in modules
    assert not modules & {"torch", "transformers", "textual", "flask", "pydantic", "numpy", "psutil", "llmtui.settings"}


@pytest.mark.parametrize("name", COMMANDS)
def test_listed_help_is_the_commands_own(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help is not None
    assert command.help.replace("\n", " ").replace(";", ".").startswith(COMMANDS[name][1].removesuffix("."))


def test_columns_line_up_by_cells() -> None:
    lines = table(("a", "b"), [("日本", "1"), ("\x1b[1m", "22"), ("é", "333")], "<>")
    assert {cell_width(line) for line in lines} == {cell_width(lines[0])}
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [20, 40, 79])
def test_tables_fit_the_terminal_and_keep_beginning_and_end(width: int) -> None:
    lines = table(("name", "value"), [("a" + "日" * 60 + "z", "1")], width=width)
    assert max(cell_width(line) for line in lines) <= width
    [row] = [line for line in lines if line.startswith("a日")]
    assert "z" in row
