"""The mix of all parts, with fixed shares."""

from collections.abc import Iterator, Mapping
from random import Random

from . import patterns, scenes, short_texts, tales
from .chats import chat
from .explanations import explanation, questions_and_answers
from .lookups import statements

SHARES: Mapping[str, float] = {"tales": 0.55, "chat": 0.20, "misc": 0.10, "patterns": 0.15}
CHAT_SHARES: Mapping[str, float] = {"tales": 0.22, "chat": 0.58, "misc": 0.07, "patterns": 0.13}
MIXES: Mapping[str, Mapping[str, float]] = {"main": SHARES, "chat": CHAT_SHARES}


def documents(seed: int, size: int, shares: Mapping[str, float] = SHARES) -> Iterator[tuple[str, str]]:
    """Yield (part, text) until `size` bytes of UTF-8 are reached; each part's bytes keep its share."""
    rng = Random(seed)
    done = dict.fromkeys(shares, 0)
    total = 0
    while total < size:
        behind = {part: share * (total + 1) - done[part] + rng.random() * 3000 for part, share in shares.items()}
        part = max(behind, key=behind.__getitem__)
        text = document(rng, part)
        length = len(text.encode())
        done[part] += length
        total += length
        yield part, text


def document(rng: Random, part: str) -> str:
    """One text of a part: tales, chat, misc or patterns."""
    match part:
        case "tales":
            return scenes.make(rng) if rng.random() < 0.16 else tales.make(rng).text
        case "chat":
            return _told(rng)
        case "misc":
            return short_texts.make(rng)
        case "patterns":
            return patterns.make(rng)
        case _:
            raise ValueError(f"no such part of the corpus: {part}")


def _told(rng: Random) -> str:
    luck = rng.random()
    if luck < 0.60:
        return chat(rng)
    if luck < 0.80:
        return explanation(rng)
    if luck < 0.94:
        return questions_and_answers(rng)
    return statements(rng)
