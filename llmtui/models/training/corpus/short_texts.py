"""Short texts that people write: introductions, dialogues, letters, diaries, weather reports, thoughts."""

import re
from random import Random

from . import short_text_parts as parts
from . import words
from .cast import NAMES, PRONOUNS, state
from .grammar import Grammar, capitalised, pick, pick_weighted
from .small_forms import how_to, list_of_things, poems, recipe, riddles

GRAMMAR = Grammar(parts.PHRASES)


def _person(rng: Random) -> dict[str, str]:
    gender = "f" if rng.random() < 0.5 else "m"
    name = pick(rng, NAMES[gender])
    he, him, his, _ = PRONOUNS[gender]
    craft = pick(rng, words.CRAFTS)
    while gender == "f" and craft.name in words.MENS_CRAFTS:
        craft = pick(rng, words.CRAFTS)
    town, age = pick(rng, parts.TOWNS), pick(rng, words.NUMBERS[7:])
    verb, rest = craft.work.split(" ", 1)
    doing = f"{parts.PRESENT_TENSE[verb]} {rest}"
    return {"n": name, "he": he, "him": him, "his": his, "job": craft.name, "doing": doing, "town": town, "age": age}


def introduction(rng: Random) -> str:
    """Somebody says who they are."""
    person, other = _person(rng), _person(rng)
    values = {
        **person,
        "b": other["n"],
        "t2": other["town"],
        "k": pick(rng, words.KINDS["a colour"]),
        "a": pick(rng, words.ANIMALS).name,
        "obj": pick(rng, words.OBJECTS).name,
    }
    template = pick(rng, parts.INTRODUCTIONS)
    return GRAMMAR(template.replace("<hobby2>", pick(rng, parts.SECOND_HOBBIES)), rng, values)


def greeting(rng: Random) -> str:
    """Two people meet and talk about nothing much."""
    a, b = rng.sample(words.GIRLS + words.BOYS, 2)
    values = {
        "a": a,
        "b": b,
        "f": pick(rng, words.FOODS).full,
        "p": pick(rng, words.OUTDOORS).name,
        "obj": pick(rng, words.OBJECTS).name,
    }
    template = pick(rng, parts.GREETINGS)
    template = template.replace("<how2>", capitalised(pick(rng, parts.PHRASES["how"])))
    if '"' in template and not template.startswith('"'):
        template = '"' + template
    text = GRAMMAR(template, rng, values)
    return text if text.endswith((".", "!", "?", '"')) else text + "."


def script(rng: Random) -> str:
    """A dialogue with the name of the speaker before each line."""
    a, b = rng.sample(words.GIRLS + words.BOYS, 2)
    thing = pick(rng, words.OBJECTS)
    values = {
        "a": a,
        "b": b,
        "f": pick(rng, words.FOODS).full,
        "p": pick(rng, words.OUTDOORS).name,
        "o": thing.name,
        "oa": pick(rng, thing.adjectives),
        "h": pick(rng, words.HIDES),
        "k": pick(rng, words.NUMBERS[2:13]),
    }
    lines = pick(rng, parts.SCRIPTS)
    if "Knock" in lines[0]:
        who, joke = pick(rng, parts.KNOCK_KNOCK)
        return f"{a}: Knock, knock.\n{b}: Who is there?\n{a}: {who}.\n{b}: {who} who?\n{a}: {joke}"
    return "\n".join(GRAMMAR(line, rng, values) for line in lines)


def weather_report(rng: Random) -> str:
    """The weather of a town that does not exist."""
    town = pick(rng, parts.TOWNS)
    day = rng.randrange(7)
    degrees = rng.randrange(0, 29)
    values = {
        "town": town,
        "d": words.DAYS[day],
        "d2": words.DAYS[(day + 1) % 7],
        "t": str(degrees),
        "t2": str(max(0, degrees - rng.randrange(3, 9))),
        "c": pick(rng, parts.CLIMATE),
        "c2": pick(rng, parts.CLIMATE),
        "dir": pick(rng, ["north", "south", "east", "west"]),
        "m": pick(rng, words.MONTHS),
    }
    return GRAMMAR(pick(rng, parts.WEATHER_REPORTS), rng, values)


def diary(rng: Random) -> str:
    """A day in a diary."""
    day = words.DAYS[rng.randrange(7)]
    month = pick(rng, words.MONTHS)
    number = rng.randrange(1, 29)
    values = state(rng)
    thing = pick(rng, words.OBJECTS).name
    values |= {"d": day, "m": month, "n": str(number), "b": values["B"], "ob": thing}
    template = pick(rng, parts.DIARIES)
    return GRAMMAR(pick(rng, parts.DIARY_HEADS) + template, rng, values)


def letter(rng: Random) -> str:
    """A letter to a friend."""
    values = state(rng)
    thing = pick(rng, words.OBJECTS)
    values |= {
        "ob": thing.name,
        "oa": pick(rng, thing.adjectives),
        "town": pick(rng, parts.TOWNS),
        "day": pick(rng, words.DAYS),
        "use": thing.use,
        "b": values["B"],
    }
    template = pick(rng, parts.LETTERS)
    values["k"] = pick(rng, words.NUMBERS[2:9])
    friend = pick(rng, words.GIRLS + words.BOYS)
    end = pick(rng, parts.LETTER_ENDS)
    return f"Dear {friend},\n\n{GRAMMAR(template, rng, values)}\n\n{end}{values['A']}"


def description(rng: Random) -> str:
    """A place, a thing, a person or a house."""
    place = pick(rng, words.PLACES)
    details = list(place.details)
    rng.shuffle(details)
    values = state(rng)
    animal = pick(rng, words.ANIMALS)
    thing = pick(rng, words.OBJECTS)
    values |= {
        "p": place.name,
        "ip": place.inside,
        "d1": details[0],
        "d2": details[1],
        "d3": details[2],
        "an": animal.name,
        "ah": animal.home,
        "ob": thing.name,
        "o1": thing.adjectives[0],
        "o2": thing.adjectives[1],
        "o3": thing.adjectives[-1],
        "use": thing.use,
        "big": pick(rng, ["small", "large", "slender", "stout", "slim", "sturdy"]),
        "fur": pick(rng, ["brown", "grey", "black", "silver", "golden", "reddish", "white"]),
    }
    return GRAMMAR(pick(rng, parts.DESCRIPTIONS), rng, values)


def thoughts(rng: Random) -> str:
    """One to three remarks."""
    count = rng.choice([1, 1, 1, 2, 3])
    gap = " " if rng.random() < 0.3 else "\n\n"
    return gap.join(GRAMMAR(_paired(rng, thought), rng) for thought in rng.sample(parts.THOUGHTS, count))


def _paired(rng: Random, template: str) -> str:
    """Take the same alternative in every bracket that has as many as the first, so that they fit each other."""
    brackets = re.findall(r"\[([^\]]*)\]", template)
    if len(brackets) < 2:
        return template
    count = brackets[0].count("|") + 1
    chosen = rng.randrange(count)
    for bracket in brackets:
        alternatives = bracket.split("|")
        if len(alternatives) == count:
            template = template.replace(f"[{bracket}]", alternatives[chosen], 1)
    return template


KINDS = [
    (thoughts, 1.8),
    (introduction, 1.6),
    (greeting, 1.0),
    (script, 1.2),
    (recipe, 0.9),
    (poems, 0.9),
    (riddles, 0.6),
    (weather_report, 0.9),
    (diary, 1.3),
    (letter, 1.4),
    (how_to, 0.8),
    (list_of_things, 0.6),
    (description, 1.8),
]


def make(rng: Random) -> str:
    """A short text of any kind."""
    return pick_weighted(rng, KINDS)(rng)
