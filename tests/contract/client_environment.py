"""Clients whose pins clash with ours, in a virtual environment of their own that is made once and kept."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

CLIENTS = ("langchain-openai==1.7.4", "langchain-ollama==1.1.0", "llm==0.36")
INSTALL_SECONDS = 300
RUN_SECONDS = 120
SCRIPTS = Path(__file__).parent / "clients"


@dataclass(frozen=True)
class ClientEnvironment:
    """An environment that has CLIENTS and not llmtui."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def json(self, script: str, *arguments: str) -> Any:
        """What a script of `clients/` prints, read as JSON."""
        return json.loads(self.run(str(self.python), str(SCRIPTS / script), *arguments))

    def run(self, *command: str, **variables: str) -> str:
        """The output of a command; a command that fails fails the test, with what it said."""
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            # the machine's own settings would reach another server, or this one under another name
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "NO_PROXY": "*"} | variables,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def made(cache: Path) -> ClientEnvironment:
    """The environment under `cache`, from an earlier run or made now. Skips the test where packages cannot be had."""
    recipe = json.dumps([CLIENTS, sys.version])
    folder = cache / sha256(recipe.encode()).hexdigest()[:16]
    finished = folder / "finished"
    with FileLock(f"{folder}.lock"):
        if not finished.exists():
            venv.create(folder, with_pip=True, clear=True)
            _install(folder)
            finished.touch()
    return ClientEnvironment(folder)


def _install(folder: Path) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *CLIENTS]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode == 0:
        return
    problem = f"{', '.join(CLIENTS)} cannot be installed: {done.stderr.strip().splitlines()[-1]}"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)
