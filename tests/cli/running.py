"""Runs the real program as a shell would."""

import os
import subprocess
import sys
from pathlib import Path

KEPT = ("PATH", "PYTHONPATH", "LANG", "HF_HUB_OFFLINE", "OMP_NUM_THREADS")


def environment(home: Path, **variables: str) -> dict[str, str]:
    """An environment whose folders are `home`'s and that holds no settings but `variables`."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    return kept | folders | {"HOME": str(home), "PYTHONUTF8": "1", "HF_HOME": str(home / "hf")} | variables


def llmtui(
    *arguments: str, home: Path, stdin: str | bytes = b"", timeout: float = 60, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """`llmtui ARGUMENTS`, run to its end in the folder `home`."""
    return subprocess.run(
        [sys.executable, "-m", "llmtui", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=home,
        env=environment(home, **variables),
        timeout=timeout,
        check=False,
    )
