"""The README says what is: its keys, its commands and its example are those of the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from readme import README, ROOT, blocks
from running import environment

from llmtui.tui.actions import keys_table


def test_keys_are_those_of_the_action_table() -> None:
    assert keys_table() in README


def test_the_picture_and_every_file_it_names_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    files = re.findall(r"`((?:llmtui|engine|tui|server|tests|insight)/[\w./]+\.\w+)`", README)
    assert links
    assert files
    for name in links + files:
        assert any((folder / name).exists() for folder in (ROOT, ROOT / "llmtui")), name


def test_every_option_it_shows_exists() -> None:
    shown = {option for block in blocks("sh") for option in re.findall(r"llmtui[^|\n#]*?(--[a-z-]+)", block)}
    helps = "".join(
        subprocess.run(
            [sys.executable, "-m", "llmtui", *command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for command in ([], ["generate"])
    )
    assert shown
    assert all(option in helps for option in shown), shown


@pytest.mark.parametrize("example", blocks("python"))
def test_the_python_examples_run(example: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=60,
        check=True,
    )
    assert "[(" in done.stdout
    after = README.partition(example)[2]
    if after.startswith(shown := "```\n\n```\n"):
        assert done.stdout == after.removeprefix(shown).partition("```")[0]
