"""Copying out of the terminal: OSC 52, which crosses SSH, wrapped so that tmux lets it through.

No terminal answers whether it took the text, so what is said afterwards says no more than is known.
"""

import base64
import os
from collections.abc import Mapping
from typing import Final

from llmtui.system.terminal import detect_terminal

# Terminals drop longer sequences silently (xterm and hterm about 100,000 bytes).
MAX_BYTES: Final = 74_000


def osc52(text: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The sequence that asks the terminal to copy a text, or None if it is too long for terminals to take."""
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\a"
    if detect_terminal(environ).in_tmux:
        # tmux passes on what stands in its own envelope, with every escape doubled, where allow-passthrough is on;
        # the bare sequence serves the set-clipboard option, its default.
        return sequence + f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return sequence


def advice(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """What to tell after `osc52` was sent."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return f"too long for a terminal's clipboard ({len(text):,} characters): /save FILE writes it to a file"
    sent = f"{len(text):,} characters sent to the terminal's clipboard"
    if detect_terminal(environ).in_tmux:
        return f"{sent}; if nothing arrives: tmux set -g set-clipboard on"
    return f"{sent}; if nothing arrives: allow OSC 52 in its settings"
