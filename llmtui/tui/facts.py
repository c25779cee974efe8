"""The facts of one token as words: what the inspector writes, worked out without a screen.

RAW is the model's own distribution, SAMPLED the one that the token was drawn from; no line mixes the two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmtui.engine.events import Candidate, Lookahead, Stage, Token
from llmtui.tui.text import GLYPHS, GlyphSet, visible
from llmtui.units import probability

UNPREDICTED = "nothing predicts the first token"
EIGHTHS = "▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One candidate as a row.

    rank    by RAW probability, equals share one; None where the engine did not report it
    prob    of the distribution that is shown; 0.0 with `dropped`: a stage of sampling removed it
    """

    candidate: Candidate
    rank: int | None
    prob: float
    dropped: bool
    chosen: bool


def alternatives(token: Token, *, sampled: bool, top: int) -> list[Alternative]:
    """All candidates in the order of their RAW probability; the first `top` are the RAW top n.

    With sampled=True the same rows in the same places, with SAMPLED probabilities.
    """
    rows: list[Alternative] = []
    rank: int | None = None
    for place, candidate in enumerate(token.candidates):
        chosen = candidate.id == token.id
        if chosen:
            own = token.rank
        elif place >= top:
            own = None
        else:
            equal = place > 0 and token.candidates[place - 1].logprob == candidate.logprob
            own = rank if equal else place + 1
        rank = own
        prob = candidate.prob if not sampled else candidate.sampled_prob or 0.0
        rows.append(Alternative(candidate, own, prob, sampled and not candidate.sampled_prob, chosen))
    return rows


def choose(rows: Sequence[Alternative], room: int) -> list[Alternative]:
    """At most `room` rows: the first ones, and the chosen one in any case."""
    shown = list(rows[: max(0, room)])
    chosen = next((row for row in rows if row.chosen), None)
    if shown and chosen is not None and chosen not in shown:
        shown[-1] = chosen
    return shown


def rest(rows: Sequence[Alternative]) -> float:
    """The probability of all tokens that have no row: with the rows' own it makes 1."""
    return max(0.0, 1.0 - math.fsum(row.prob for row in rows))


def headline(token: Token, *, sampled: bool) -> list[str]:
    """The numbers of the token, each named and with its unit; the last one says which distribution they are of.

    A prompt token was not sampled: its numbers are RAW in any case.
    """
    if token.logprob is None or token.prob is None or token.surprisal_bits is None:
        return [UNPREDICTED]
    if sampled and token.sampled_prob is not None:
        return [f"p {probability(token.sampled_prob)}", bits(token.sampled_prob) + " bit", "SAMPLED"]
    parts = [f"p {probability(token.prob)}", f"{token.surprisal_bits:.2f} bit"]
    if token.rank is not None:
        parts.append(f"rank {token.rank} (={token.ties})" if token.ties is not None else f"rank {token.rank}")
    if token.entropy_bits is not None:
        parts.append(f"H {token.entropy_bits:.1f} bit")
    return [*parts, "RAW"]


def path(token: Token, *, brief: bool = False, glyphs: GlyphSet = "unicode") -> list[str]:
    """How the token was drawn: each stage, what it left where it dropped candidates, and the random number.

    brief: how many candidates were left, without their RAW mass.
    """
    arrow = GLYPHS[glyphs].arrow
    parts: list[str] = []
    kept: int | None = None
    for stage in token.stages:
        words = stage.name if stage.name == "greedy" else f"{stage.name} {stage.value:g}"
        if _drops(stage, kept):
            words += f" {arrow} {stage.kept}"
            words += "" if brief else f" kept, raw mass {probability(stage.raw_mass)}"
        parts.append(words)
        kept = stage.kept
    if token.u is not None:
        parts.append(f"u {token.u:.4f}")
    return parts


def followed(
    rows: Sequence[Alternative], lookahead: Lookahead | None, awaited: int, *, glyphs: GlyphSet = "unicode"
) -> list[str]:
    """What would have come after each alternative, on one line and harmless; "" where that is not known.

    awaited: so many alternatives are still being continued; they have an ellipsis.
    """
    if lookahead is None:
        others = [row.candidate.id for row in rows if not row.chosen][:awaited]
        coming = " " + GLYPHS[glyphs].ellipsis
        return [coming if row.candidate.id in others else "" for row in rows]
    known = {branch.id: visible(branch.continuation, glyphs=glyphs) for branch in lookahead.branches}
    return [known.get(row.candidate.id, "") for row in rows]


def bits(prob: float) -> str:
    """Surprisal of a probability, two decimals."""
    return f"{max(0.0, -math.log2(prob)):.2f}" if prob > 0 else "-"


def bar(prob: float, width: int, *, glyphs: GlyphSet = "unicode") -> str:
    """A bar of `width` cells for 1; in eighths of a cell, or of # where there are none."""
    share = min(1.0, max(0.0, prob))
    if glyphs == "ascii":
        return "#" * round(share * width)
    full, eighths = divmod(round(share * width * 8), 8)
    return EIGHTHS[-1] * full + (EIGHTHS[eighths - 1] if eighths else "")


def _drops(stage: Stage, kept: int | None) -> bool:
    """Whether a stage removed candidates, or may have: the first one's beginning is not on record."""
    return stage.name != "temperature" if kept is None else stage.kept < kept
