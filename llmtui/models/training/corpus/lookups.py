"""Questions whose answers stand in a table: capitals, opposites, animals, calendars, kinds and sums."""

from collections.abc import Callable
from random import Random

from . import chat_parts as parts
from . import words
from .grammar import capitalised, pick, tidy

Exchange = tuple[str, str]


def _capital(rng: Random) -> Exchange:
    country, city = pick(rng, words.CAPITALS)
    question = pick(rng, parts.CAPITAL_QUESTIONS)
    answer = pick(rng, parts.CAPITAL_ANSWERS)
    if rng.random() < 0.12:
        question, answer = "Which country has the capital {t}?", "{t} is the capital of {c}."
    return question.format(c=country, t=city), answer.format(c=country, t=city)


def _opposite(rng: Random) -> Exchange:
    a, b = pick(rng, words.OPPOSITES)
    if rng.random() < 0.35:
        a, b = b, a
    if a == "light":
        b = "dark"
    question = pick(rng, parts.OPPOSITE_QUESTIONS)
    return question.format(a=a), pick(rng, parts.OPPOSITE_ANSWERS).format(a=a, b=b)


def _sound(rng: Random) -> Exchange:
    animal, sound = pick(rng, words.SOUNDS)
    question = pick(rng, parts.SOUND_QUESTIONS).format(a=animal)
    answer = pick(rng, ["A {a} says {s}.", "A {a} goes {s}!"]).format(a=animal, s=sound)
    return tidy(question, capitals=False), tidy(answer, capitals=False)


def _legs(rng: Random) -> Exchange:
    animal, number = pick(rng, words.LEGS)
    question = pick(rng, parts.LEGS_QUESTIONS).format(a=animal)
    return tidy(question, capitals=False), tidy(f"A {animal} has {number} legs.", capitals=False)


def _colour(rng: Random) -> Exchange:
    thing, colour = pick(rng, words.COLOUR_OF)
    return pick(rng, parts.COLOUR_QUESTIONS).format(a=thing), capitalised(f"{thing} is {colour}.")


def _young(rng: Random) -> Exchange:
    animal, young = pick(rng, words.YOUNG)
    return pick(rng, parts.YOUNG_QUESTIONS).format(a=animal), tidy(f"A young {animal} is called a {young}.")


def sum_or_difference(rng: Random) -> Exchange:
    """A sum up to twenty or its reverse, in digits, signs or words."""
    a, b = rng.randrange(0, 11), rng.randrange(0, 11)
    plus = rng.random() < 0.62
    in_words = rng.random() < 0.25
    word, sign = ("plus", "+") if plus else ("minus", "-")
    if not plus:
        a += b
    x, y, z = (words.NUMBERS[n] if in_words else str(n) for n in (a, b, a + b if plus else a - b))
    if rng.random() < 0.12:
        question = pick(rng, parts.PLUS_QUESTIONS if plus else parts.MINUS_QUESTIONS)
        return question.format(a=x, b=y), capitalised(f"{x} {word} {y} is {z}.")
    if rng.random() < 0.35 and not in_words:
        asked = told = f"{x} {sign} {y}"
        verb = "="
        if rng.random() < 0.3:
            asked = asked.replace(" ", "")
    else:
        asked = told = f"{x} {word} {y}"
        verb = "is"
    question = capitalised(pick(rng, parts.SUM_QUESTIONS).format(asked))
    return question, pick(rng, ["{} {} {}.", "{} {} {}.", "The answer is {2}."]).format(capitalised(told), verb, z)


def _calendar(rng: Random) -> Exchange:
    names, unit = (words.DAYS, "day") if rng.random() < 0.6 else (words.MONTHS, "month")
    i = rng.randrange(len(names))
    if rng.random() < 0.6:
        question = pick(rng, ["What comes after {x}?", "Which {w} comes after {x}?", "What {w} follows {x}?"])
        answer = f"After {names[i]} comes {names[(i + 1) % len(names)]}."
    else:
        question = pick(rng, ["What comes before {x}?", "Which {w} comes before {x}?"])
        answer = f"Before {names[i]} comes {names[i - 1]}."
    return question.format(x=names[i], w=unit), answer


def _kind(rng: Random) -> Exchange:
    kind = pick(rng, list(words.KINDS))
    members = words.KINDS[kind]
    member = pick(rng, members)
    if rng.random() < 0.5:
        question = pick(rng, parts.KINDS_QUESTIONS).format(s=kind.split(" ", 1)[1], k=kind)
        a, b, c = rng.sample(members, 3)
        return question, capitalised(f"{a}, {b} and {c}.")
    if " of " in kind:
        return f"What is a {member}?", tidy(f"A {member} is {kind}.")
    other = pick(rng, [name for name, those in words.KINDS.items() if member not in those])
    if rng.random() < 0.5:
        return tidy(f"Is a {member} {kind}?"), tidy(f"Yes, a {member} is {kind}.")
    return tidy(f"Is a {member} {other}?"), tidy(f"No, a {member} is {kind}.")


def _next_number(rng: Random) -> Exchange:
    n = rng.randrange(1, 20)
    question = pick(rng, ["What number comes after {}?", "Which number follows {}?"])
    return question.format(n), f"After {n} comes {n + 1}."


_TABLES: list[tuple[float, Callable[[Random], Exchange]]] = [
    (0.22, _capital),
    (0.36, _opposite),
    (0.44, _sound),
    (0.50, _legs),
    (0.56, _colour),
    (0.62, _young),
    (0.80, sum_or_difference),
    (0.88, _calendar),
    (0.95, _kind),
    (1.00, _next_number),
]


def lookup(rng: Random) -> Exchange:
    """A question and its answer from one of the tables."""
    luck = rng.random()
    return next(make for below, make in _TABLES if luck < below)(rng)


def statements(rng: Random) -> str:
    """Two to six short statements from one table."""
    count = rng.randrange(2, 7)
    luck = rng.random()
    sentences: list[str] = []
    for _ in range(count):
        if luck < 0.45:
            country, city = pick(rng, words.CAPITALS)
            sentence = f"The capital of {country} is {city}."
        elif luck < 0.6:
            a, b = pick(rng, words.OPPOSITES)
            sentence = f"The opposite of {a} is {b}."
        elif luck < 0.7:
            animal, young = pick(rng, words.YOUNG)
            sentence = tidy(f"A young {animal} is called a {young}.")
        elif luck < 0.8:
            animal, number = pick(rng, words.LEGS)
            sentence = tidy(f"A {animal} has {number} legs.")
        elif luck < 0.9:
            thing, colour = pick(rng, words.COLOUR_OF)
            sentence = capitalised(f"{thing} is {colour}.")
        else:
            animal, sound = pick(rng, words.SOUNDS)
            sentence = tidy(f"The {animal} says {sound}.")
        if sentence not in sentences:
            sentences.append(sentence)
    return (" " if rng.random() < 0.7 else "\n").join(sentences)
