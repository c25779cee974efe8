"""A small phrase grammar.

A template is plain text with three kinds of holes:

    [red|blue|]   one of the alternatives (they may nest and may be empty)
    {key}         a value of the current state; {Key} is the same, capitalised
    <name>        one template of the named list of phrases

Every draw comes from the caller's ``random.Random``, so the same seed always gives the same text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")
State = Mapping[str, str]


class _Choice(NamedTuple):
    alternatives: list["_Template"]


class _Value(NamedTuple):
    key: str


class _Phrase(NamedTuple):
    name: str


_Template = list[str | _Choice | _Value | _Phrase]
_PHRASE = re.compile(r"<([a-z]\w*)>")


class Grammar:
    """Fills templates; `phrases` are the lists that <name> draws from."""

    def __init__(self, phrases: Mapping[str, Sequence[str]] | None = None) -> None:
        self.phrases = phrases or {}

    def __call__(self, template: str, rng: Random, state: State | None = None) -> str:
        """The filled template with spaces, articles and capitals put right."""
        return tidy(self.fill(template, rng, state or {}))

    def fill(self, template: str, rng: Random, state: State) -> str:
        """The filled template as it is, for use inside another one.

        Raises KeyError for a key that the state has not, or a list of phrases that there is not.
        """
        out: list[str] = []
        self._write(_parse(template), rng, state, out)
        return "".join(out)

    def _write(self, template: _Template, rng: Random, state: State, out: list[str]) -> None:
        for part in template:
            match part:
                case str():
                    out.append(part)
                case _Choice(alternatives):
                    self._write(pick(rng, alternatives), rng, state, out)
                case _Value(key):
                    out.append(state[key] if key in state else capitalised(state[key[0].lower() + key[1:]]))
                case _Phrase(name):
                    self._write(_parse(pick(rng, self.phrases[name])), rng, state, out)


@lru_cache(maxsize=16_384)
def _parse(template: str) -> _Template:
    return _parse_until("", template, 0)[0]


def _parse_until(stop: str, text: str, i: int) -> tuple[_Template, int]:
    """Parse from i up to a character of `stop`; return the parts and the index of that character."""
    parts: _Template = []
    while i < len(text) and text[i] not in stop:
        if text[i] == "[":
            alternatives: list[_Template] = []
            while i < len(text) and text[i] != "]":
                alternative, i = _parse_until("|]", text, i + 1)
                alternatives.append(alternative)
            if i == len(text):
                raise ValueError(f"open [ in: {text}")
            parts.append(_Choice(alternatives))
            i += 1
        elif text[i] == "{":
            end = text.index("}", i)
            parts.append(_Value(text[i + 1 : end]))
            i = end + 1
        elif name := _PHRASE.match(text, i):
            parts.append(_Phrase(name[1]))
            i = name.end()
        else:
            if parts and isinstance(parts[-1], str):
                parts[-1] += text[i]
            else:
                parts.append(text[i])
            i += 1
    return parts, i


_AN = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")
_NOT_AN = re.compile(r"\b([Aa])n (?=(?:[Uu]ni(?!n)|[Uu]se|[Uu]su|[Oo]ne\b|[Oo]nce\b|[Ee]u|[Uu]kulele|U[A-Z]))")
_AN_H = re.compile(r"\b([Aa]) (?=(?:hour|honest|honour|heir)\w*)")
_SPACES = re.compile(r"[ \t]{2,}")
_SPACE_BEFORE_STOP = re.compile(r" +([,.!?;:])(?=\s|$|\")")
_SENTENCE = re.compile(r"([.!?] )([a-z])")
_QUOTED_SENTENCE = re.compile(r"(\.\" )([a-z])")
_LINE = re.compile(r"((?:^|\n)\"?)([a-z])")


def tidy(text: str, *, capitals: bool = True) -> str:
    """Put spaces and a/an right, and begin sentences and lines with a capital if asked."""
    text = _AN.sub(r"\1n ", text)
    text = _NOT_AN.sub(r"\1 ", text)
    text = _AN_H.sub(r"\1n ", text)
    text = _SPACES.sub(" ", text)
    text = _SPACE_BEFORE_STOP.sub(r"\1", text)
    text = text.replace(" \n", "\n").replace("\n ", "\n").strip()
    if capitals:
        for start in (_SENTENCE, _QUOTED_SENTENCE, _LINE):
            text = start.sub(lambda m: m[1] + m[2].upper(), text)
    return text


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of the options, each as likely as the others."""
    return options[int(rng.random() * len(options))]


def pick_weighted(rng: Random, options: Sequence[tuple[Callable[[Random], T], float]]) -> Callable[[Random], T]:
    """One of the makers, as likely as its weight."""
    r = rng.random() * sum(weight for _, weight in options)
    for option, weight in options:
        r -= weight
        if r < 0:
            return option
    return options[-1][0]
