"""Texts with plain patterns: counting, cycles, repetition, copying, rules.

They make probabilities, attention and induction easy to see.
"""

from random import Random

from . import words
from .grammar import capitalised, pick, pick_weighted
from .lookups import sum_or_difference
from .recall import NAMES, NOUNS, exchange_of_things, key_values, recall, table

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_CYCLES = [
    words.DAYS,
    words.DAYS,
    words.MONTHS,
    words.MONTHS,
    ["spring", "summer", "autumn", "winter"],
    ["morning", "noon", "evening", "night"],
    ["north", "east", "south", "west"],
    ["red", "orange", "yellow", "green", "blue", "violet"],
    ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"],
]


def counting(rng: Random) -> str:
    """Numbers up or down, in steps, in words, or ordinals."""
    luck = rng.random()
    count = rng.randrange(5, 22)
    start = rng.randrange(0, 60)
    if luck < 0.3:
        start = 1 if rng.random() < 0.6 else start
        numbers = [str(start + i) for i in range(count)]
    elif luck < 0.42:
        step = pick(rng, [2, 2, 3, 5, 10])
        start = pick(rng, [0, step, step, 1]) if rng.random() < 0.8 else start
        numbers = [str(start + step * i) for i in range(min(count, 15))]
    elif luck < 0.54:
        start = pick(rng, [10, 10, 20, 12, 30, rng.randrange(8, 50)])
        numbers = [str(start - i) for i in range(min(count, start + 1))]
    elif luck < 0.8:
        start = 0 if rng.random() < 0.1 else 1
        numbers = words.NUMBERS[start : start + count]
        if rng.random() < 0.25:
            numbers = numbers[::-1]
    else:
        numbers = _ORDINALS[: max(4, count // 2)]
    gap = pick(rng, [" ", ", ", ", ", "\n", " - "])
    text = gap.join(numbers)
    if gap == ", ":
        text += pick(rng, [".", "", "."])
    return pick(rng, ["", "", "", "Count: ", "Counting: ", "Numbers: "]) + text


def cycle(rng: Random) -> str:
    """Days, months, seasons and the like, round and round."""
    names = pick(rng, _CYCLES)
    start = 0 if rng.random() < 0.6 else rng.randrange(len(names))
    count = rng.randrange(4, 2 * len(names) + 2)
    gap = pick(rng, [" ", ", ", ", ", "\n"])
    text = gap.join(names[(start + i) % len(names)] for i in range(count))
    return text + ("." if gap == ", " and rng.random() < 0.5 else "")


def alphabet(rng: Random) -> str:
    """The alphabet, parts of it, or a word for each letter."""
    luck = rng.random()
    letters = _LETTERS if rng.random() < 0.6 else _LETTERS.lower()
    if luck < 0.5:
        gap = pick(rng, [" ", ", ", "-"])
        return gap.join(letters[: rng.randrange(8, 27)] if rng.random() < 0.6 else letters)
    if luck < 0.65:
        return letters
    start = rng.randrange(0, 12)
    if luck < 0.85:
        return " ".join(letters[start : start + rng.randrange(6, 14)])
    lines = []
    for letter in _LETTERS:
        if with_letter := [noun for noun in NOUNS if noun[0].upper() == letter]:
            lines.append(f"{letter} is for {pick(rng, with_letter)}.")
    return "\n".join(lines)[: 20 * rng.randrange(6, 20)].rsplit("\n", 1)[0]


def repetition(rng: Random) -> str:
    """A few words again and again."""
    count = rng.randrange(2, 6)
    chosen = rng.sample(NAMES if rng.random() < 0.5 else NOUNS, count)
    times = rng.randrange(3, max(4, 40 // count))
    gap = pick(rng, [" ", ", ", " ", "\n", " and "])
    return gap.join(chosen * times)


def _syllables(rng: Random) -> str:
    consonants, vowels = "bcdfghklmnprstvz", "aeiou"
    word = "".join(pick(rng, consonants) + pick(rng, vowels) for _ in range(rng.randrange(1, 4)))
    return word + (pick(rng, consonants) if rng.random() < 0.4 else "")


def repeated_noise(rng: Random) -> str:
    """Random words, then the same once more: only induction can help."""
    count = rng.randrange(6, 30)
    luck = rng.random()
    if luck < 0.3:
        noise = [_syllables(rng) for _ in range(count)]
    else:
        noise = [pick(rng, NOUNS if luck < 0.7 else NAMES) for _ in range(count)]
    if luck > 0.92:
        noise = [str(rng.randrange(0, 100)) for _ in range(count)]
    gap = pick(rng, [" ", "\n", "\n\n", " | "])
    return gap.join([" ".join(noise)] * rng.choice([2, 2, 3]))


def copying(rng: Random) -> str:
    """Inputs and outputs that are the same."""
    marks = [("Input: ", "Output: "), ("Copy: ", "Copy: "), ("Say: ", "I say: "), ("A: ", "B: "), ("Word: ", "Again: ")]
    before, after = pick(rng, marks)
    pairs = []
    for _ in range(rng.randrange(3, 8)):
        luck = rng.random()
        if luck < 0.5:
            text = " ".join(pick(rng, NOUNS) for _ in range(rng.randrange(1, 5)))
        elif luck < 0.8:
            name, verb = pick(rng, NAMES), pick(rng, ["likes", "sees", "finds", "paints", "has"])
            text = f"{name} {verb} the {pick(rng, NOUNS)}"
        else:
            text = _syllables(rng)
        pairs.append(f"{before}{text}\n{after}{text}")
    return ("\n\n" if rng.random() < 0.4 else "\n").join(pairs)


def arrows(rng: Random) -> str:
    """word -> result, one rule for the whole list."""
    rule = rng.randrange(8)
    count = rng.randrange(4, 10)
    arrow = pick(rng, [" -> ", ": ", " = "])
    if rule == 6:
        pairs = []
        for _ in range(count):
            kind = pick(rng, list(words.KINDS))
            pairs.append((pick(rng, words.KINDS[kind]), kind.split(" ", 1)[1]))
    elif rule == 7:
        start = rng.randrange(0, 12)
        pairs = [(words.NUMBERS[i], str(i)) for i in range(start, min(21, start + count))]
    elif rule == 3:
        pairs = [(noun, noun.upper()) for noun in rng.sample(NOUNS, count)]
    elif rule == 4:
        pairs = [(noun, capitalised(noun)) for noun in rng.sample(NOUNS, count)]
    else:
        pairs = rng.sample({0: words.OPPOSITES, 1: words.CAPITALS, 2: words.YOUNG, 5: words.SOUNDS}[rule], count)
    return "\n".join(a + arrow + b for a, b in pairs)


def arithmetic(rng: Random) -> str:
    """A table of sums or products, or a list of sums."""
    luck = rng.random()
    if luck < 0.4:
        k = rng.randrange(1, 11)
        return "\n".join(f"{i} + {k} = {i + k}" for i in range(1, 11))
    if luck < 0.5:
        k = rng.randrange(2, 11)
        return "\n".join(f"{i} x {k} = {i * k}" for i in range(1, 11))
    sums = [sum_or_difference(rng)[1] for _ in range(rng.randrange(4, 12))]
    return "\n".join([line for line in sums if not line.startswith("The answer")] or ["1 + 1 = 2"])


def brackets(rng: Random) -> str:
    """Words in brackets, small functions, or lists with boxes to tick."""
    luck = rng.random()
    if luck < 0.5:
        nouns = rng.sample(NOUNS, rng.randrange(3, 8))
        left, right = pick(rng, [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ('"', '"')])
        return " ".join(left + noun + right for noun in nouns)
    if luck < 0.75:
        nouns = rng.sample(NOUNS, rng.randrange(1, 4))
        return "\n\n".join(f"def {noun}(x):\n    return x {pick(rng, '+-*')} {rng.randrange(1, 10)}" for noun in nouns)
    return "\n".join(f"- [{pick(rng, 'x ')}] {noun}" for noun in rng.sample(NOUNS, rng.randrange(3, 9)))


KINDS = [
    (counting, 2.2),
    (cycle, 1.6),
    (alphabet, 1.0),
    (repetition, 1.4),
    (repeated_noise, 2.0),
    (copying, 1.6),
    (arrows, 1.5),
    (arithmetic, 1.5),
    (table, 1.4),
    (key_values, 1.2),
    (recall, 3.0),
    (exchange_of_things, 1.0),
    (brackets, 0.5),
]


def make(rng: Random) -> str:
    """A text with a pattern of any kind."""
    return pick_weighted(rng, KINDS)(rng)
