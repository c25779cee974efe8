"""What a process needs that one of llmtui's programs begins for itself."""

from pathlib import Path

from llmtui import own_process
from llmtui.system.logs import setup_logging
from llmtui.system.paths import cache_dir


def prepare_process(log_file: Path, debug: bool) -> None:
    """Called in it, before it imports anything heavy: it is the program's own, and writes to the program's log."""
    own_process.claim(cache_dir)
    setup_logging(log_file, debug)
