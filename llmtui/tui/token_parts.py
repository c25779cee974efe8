"""How tokens are written in the token view, and what they truly say."""

from collections.abc import Iterable, Sequence

from llmtui.engine.events import Token
from llmtui.tui.text import GLYPHS, GlyphSet, piece_lines


def token_parts(tokens: Iterable[Token], after: Token | None, *, glyphs: GlyphSet) -> list[Sequence[str]]:
    """The parts of each token for `TokenLayout`. after: the token before the first one.

    Special tokens stand in brackets; the first generated token after a prompt begins with a thin mark.
    """
    signs = GLYPHS[glyphs]
    found: list[Sequence[str]] = []
    for token in tokens:
        parts = piece_lines(token.bytes, glyphs=glyphs)
        if token.is_special and token.bytes:
            parts = (signs.open + "".join(parts) + signs.close,)
        if after is not None and after.is_prompt and not token.is_prompt:
            parts = (signs.mark + parts[0], *parts[1:])
        found.append(parts)
        after = token
    return found


def true_text(tokens: Iterable[Token]) -> str:
    """The text that tokens make together, control characters and all; an incomplete character becomes U+FFFD."""
    return b"".join(token.bytes for token in tokens).decode("utf-8", "replace")
