"""Each curl example of the README, run as it stands but for the port."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from api_client import Api
from readme import commands

ADDRESS = "http://127.0.0.1:5000"
EXAMPLES = commands("curl")

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None and not os.environ.get("CI"), reason="curl is not installed on this machine"
)


def test_every_dialect_has_an_example() -> None:
    for path in ("/generate", "/v1/chat/completions", "/v1/completions", "/api/generate", "/api/chat"):
        assert any(f"{ADDRESS}{path} " in example for example in EXAMPLES), path


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_answered(api: Api, example: str) -> None:
    assert ADDRESS in example
    ours = example.replace(ADDRESS, f"http://127.0.0.1:{api.port}").replace("curl ", "curl -sS --fail-with-body ", 1)
    done = subprocess.run(["bash", "-c", ours], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (example, done.stdout, done.stderr)
    answers = [json.loads(line) for line in json_lines(done.stdout)]
    assert answers
    assert not any(error_of(answer) for answer in answers)


def json_lines(output: str) -> list[str]:
    """One JSON text for a plain answer, several for a stream of either kind."""
    lines = [line.removeprefix("data: ") for line in output.splitlines() if line.strip()]
    return [line for line in lines if line != "[DONE]"]


def error_of(answer: dict[str, Any]) -> Any:
    return answer.get("error")
