"""Facts about a few people, and questions about them further down: what attention has to look back for."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

from . import words
from .grammar import capitalised, pick, tidy

NAMES = words.GIRLS + words.BOYS
NOUNS = sorted(
    {noun for nouns in words.KINDS.values() for noun in nouns}
    | {animal.name for animal in words.ANIMALS if " " not in animal.name}
    | {thing.name for thing in words.OBJECTS if " " not in thing.name}
    | set(words.COLOURS)
)
_VERBS = ["has", "likes", "carries", "found", "sees", "bought", "lost"]
Statements = list[str]
Questions = list[tuple[str, str]]

_COLUMNS: list[tuple[str, Callable[[Random], str]]] = [
    ("age", lambda rng: str(rng.randrange(4, 80))),
    ("colour", lambda rng: pick(rng, words.COLOURS)),
    ("animal", lambda rng: pick(rng, words.ANIMALS).name),
    ("city", lambda rng: pick(rng, words.CAPITALS)[1]),
    ("day", lambda rng: pick(rng, words.DAYS)),
    ("fruit", lambda rng: pick(rng, words.KINDS["a fruit"])),
    ("number", lambda rng: str(rng.randrange(1, 21))),
]


def table(rng: Random) -> str:
    """A table as Markdown, CSV or with bars, sometimes with questions about its cells."""
    names = rng.sample(NAMES, rng.randrange(3, 7))
    columns = rng.sample(_COLUMNS, rng.randrange(1, 4))
    head = ["name", *(title for title, _ in columns)]
    rows = [[name, *(draw(rng) for _, draw in columns)] for name in names]
    style = rng.randrange(3)
    if style == 0:
        text = "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
    else:
        text = "\n".join(("," if style == 1 else " | ").join(row) for row in [head, *rows])
    if rng.random() < 0.6:
        text += "\n"
        for _ in range(rng.randrange(1, 4)):
            row = pick(rng, rows)
            i = rng.randrange(1, len(head))
            text += f"\nWhat is the {head[i]} of {row[0]}? {capitalised(row[i])}"
    return text


def key_values(rng: Random) -> str:
    """One person's facts, a line each or as JSON, sometimes with a sentence about one of them."""
    name = pick(rng, NAMES)
    facts = [
        ("age", str(rng.randrange(4, 90))),
        ("city", pick(rng, words.CAPITALS)[1]),
        ("job", pick(rng, words.CRAFTS).name),
        ("animal", pick(rng, words.ANIMALS).name),
        ("colour", pick(rng, words.COLOURS)),
        ("food", pick(rng, words.KINDS["a fruit"])),
        ("day", pick(rng, words.DAYS)),
        ("month", pick(rng, words.MONTHS)),
        ("instrument", pick(rng, words.KINDS["a musical instrument"])),
        ("number", str(rng.randrange(1, 100))),
    ]
    chosen = rng.sample(facts, rng.randrange(2, 7))
    pairs = [("name", name), *chosen]
    style = rng.randrange(3)
    if style == 0:
        text = "\n".join(f"{key}: {value}" for key, value in pairs)
    elif style == 1:
        text = "\n".join(f"{capitalised(key)}: {capitalised(value)}" for key, value in pairs)
    else:
        text = "{" + ", ".join(f'"{key}": "{value}"' for key, value in pairs) + "}"
    if rng.random() < 0.5:
        key, value = pick(rng, chosen)
        text += f"\n\nThe {key} of {name} is {value}."
    return text


def _possessions(rng: Random, names: list[str]) -> tuple[Statements, Questions]:
    verb = pick(rng, _VERBS)
    things = rng.sample(words.OBJECTS, len(names))
    adjectives = [pick(rng, thing.adjectives) for thing in things]
    statements, questions = [], []
    for name, thing, adjective in zip(names, things, adjectives, strict=True):
        statements.append(tidy(f"{name} {verb} a {adjective} {thing.name}."))
        who = f"Who {verb} the {thing.name}?"
        if verb == "has" and rng.random() < 0.2:
            which = f"What colour or kind is the {thing.name} of {name}?"
            options = [(who, f"{name}."), (which, f"{capitalised(adjective)}.")]
        else:
            options = [(who, f"{name} {verb} the {thing.name}."), (who, f"{name}.")]
        questions.append(pick(rng, options))
    return statements, questions


def _whereabouts(rng: Random, names: list[str]) -> tuple[Statements, Questions]:
    statements, questions = [], []
    for name, place in zip(names, rng.sample(words.PLACES, len(names)), strict=True):
        statements.append(f"{name} is {place.inside}.")
        answer = pick(rng, [f"{name} is {place.inside}.", capitalised(f"{place.inside}.")])
        questions.append((f"Where is {name}?", answer))
        questions.append((f"Who is {place.inside}?", f"{name}."))
    return statements, questions


def _trades(rng: Random, names: list[str]) -> tuple[Statements, Questions]:
    statements, questions = [], []
    for name, craft in zip(names, rng.sample(words.CRAFTS, len(names)), strict=True):
        statements.append(tidy(f"{name} is a {craft.name}."))
        questions.append((tidy(f"Who is the {craft.name}?"), f"{name}."))
        questions.append((f"What is {name}'s work?", tidy(f"{name} is a {craft.name}.")))
    return statements, questions


def _from_hand_to_hand(rng: Random, names: list[str]) -> tuple[Statements, Questions]:
    thing = pick(rng, words.OBJECTS).name
    statements = [tidy(f"{names[0]} has the {thing}.")]
    statements += [f"{a} gives the {thing} to {b}." for a, b in pairwise(names)]
    return statements, [(f"Who has the {thing} now?", f"{names[-1]}."), (f"Who had the {thing} first?", f"{names[0]}.")]


def recall(rng: Random) -> str:
    """Statements about two to five people, then one to three questions."""
    names = rng.sample(NAMES, rng.randrange(2, 6))
    luck = rng.random()
    if luck < 0.4:
        make = _possessions
    elif luck < 0.65:
        make = _whereabouts
    elif luck < 0.85:
        make = _trades
    else:
        make = _from_hand_to_hand
    statements, questions = make(rng, names)
    rng.shuffle(questions)
    count = rng.randrange(1, min(4, len(questions)) + 1)
    gap = pick(rng, [" ", " ", "\n"])
    middle = pick(rng, [" ", "\n", "\n\n"])
    return gap.join(statements) + middle + gap.join(f"{asked} {answer}" for asked, answer in questions[:count])


def exchange_of_things(rng: Random) -> str:
    """Sentences in which two people are named twice: who gives, who gets."""
    rng.sample(NAMES, 2)
    nouns = rng.sample(NOUNS, 4)
    template = pick(
        rng,
        [
            "When {a} and {b} went to {p}, {a} gave a {o} to {b}.",
            "After {a} and {b} had found the {o}, {b} handed it to {a}.",
            "{a} and {b} were {ip}. {b} passed the {o} to {a}.",
            "While {a} was talking to {b}, {b} showed a {o} to {a}.",
        ],
    )
    sentences = []
    for _ in range(rng.randrange(1, 5)):
        place = pick(rng, words.OUTDOORS)
        a, b = rng.sample(NAMES, 2)
        sentences.append(tidy(template.format(a=a, b=b, p=place.name, ip=place.inside, o=pick(rng, nouns))))
    return " ".join(sentences)
