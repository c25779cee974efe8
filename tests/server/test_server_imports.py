"""What the server must not bring along."""

import subprocess
import sys


def test_the_server_imports_neither_torch_nor_a_screen() -> None:
    code = "import sys, llmtui.server; print([m for m in ('torch', 'transformers', 'textual') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"
