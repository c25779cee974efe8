"""The state of a tale: who, where, with what, in which weather.

The two characters have different pronouns, so that "he" and "she" are never in doubt.
"""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from . import words
from .grammar import Grammar, pick
from .plots import PHRASES
from .tale_parts import CONTESTS, FEARS, OBSTACLES, SEEDS, SKILLS, WAYS_DOWN, WORKSHOPS, Fear, Skill

GRAMMAR = Grammar(PHRASES)
PRONOUNS = {"m": ("he", "him", "his", "himself"), "f": ("she", "her", "her", "herself")}
NAMES = {"m": words.BOYS, "f": words.GIRLS}
TRAITS = words.TRAITS_GOOD + words.TRAITS_MIX
_THINGS = {thing.name: thing for thing in words.OBJECTS}
_PLACES = {place.name: place for place in words.PLACES}
_ANIMALS = {animal.name: animal for animal in words.ANIMALS}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a tale must contain; None leaves it to chance."""

    species: str | None = None
    name: str | None = None
    gender: str | None = None
    trait: str | None = None
    friend: str | None = None
    thing: str | None = None
    place: str | None = None
    skill: Skill | None = None
    fear: Fear | None = None


class Character(NamedTuple):
    """Name, what they are, the limb they hold things with, where they live."""

    name: str
    species: str
    limb: str
    home: str


def _someone(rng: Random, gender: str, species: str | None, *, human: bool) -> Character:
    name = pick(rng, NAMES[gender])
    if species in _ANIMALS:
        return Character(name, *_ANIMALS[species])
    if species:
        return Character(name, species, "hand", pick(rng, words.CHILD_HOMES))
    luck = rng.random()
    if not human:
        animal = pick(rng, words.ANIMALS)
        while gender == "m" and animal.name in words.FEMALE_ANIMALS:
            animal = pick(rng, words.ANIMALS)
        return Character(name, *animal)
    if luck < 0.2 or rng.random() < 0.55:
        return Character(name, "girl" if gender == "f" else "boy", "hand", pick(rng, words.CHILD_HOMES))
    craft = pick(rng, words.CRAFTS).name
    while craft in words.MENS_CRAFTS and gender == "f":
        craft = pick(rng, words.CRAFTS).name
    return Character(name, craft, "hand", pick(rng, words.CHILD_HOMES))


def _two(rng: Random, gender: str, other: str, wish: Wish) -> tuple[Character, Character]:
    """The main character and the friend: different names, and different kinds unless both are children."""
    humans = not wish.species and rng.random() < 0.33
    a = _someone(rng, gender, wish.species, human=humans)
    if wish.name:
        a = a._replace(name=wish.name)
    b = _someone(rng, other, wish.friend, human=humans and rng.random() < 0.75)
    while b.species == a.species and a.species not in words.CHILDREN and not wish.friend:
        b = _someone(rng, other, None, human=False)
    while b.name == a.name:
        b = b._replace(name=pick(rng, NAMES[other]))
    return a, b


def _limb(character: Character) -> str:
    return "foot" if character.limb in ("trunk", "shell", "leg") else character.limb


def _plural(limb: str) -> str:
    return "feet" if limb == "foot" else limb + "s"


def state(rng: Random, wish: Wish | None = None, *, outdoors: bool = False) -> dict[str, str]:
    """The values that the templates of a tale ask for.

    Keys: A, B the characters (asp, aadj, he, … and bsp, badj, bhe, …), C an elder, obj and aobj the object,
    place and place2, food, weather, time, and the sentences of one skill, contest, fear and seed.
    """
    wish = wish or Wish()
    gender = wish.gender or pick(rng, "mf")
    other = "f" if gender == "m" else "m"
    a, b = _two(rng, gender, other, wish)
    he, him, his, himself = PRONOUNS[gender]
    bhe, bhim, bhis, bhimself = PRONOUNS[other]
    thing = pick(rng, words.OBJECTS)
    if wish.thing:
        thing = _THINGS[wish.thing]
    adjective = pick(rng, thing.adjectives)
    place = pick(rng, words.OUTDOORS if outdoors else words.PLACES)
    if wish.place:
        place = _PLACES[wish.place]
    place2 = pick(rng, words.OUTDOORS)
    while place2.name == place.name:
        place2 = pick(rng, words.OUTDOORS)
    elder = pick(rng, words.ELDERS)
    while a.species in elder or b.species in elder:
        elder = pick(rng, words.ELDERS)
    food = pick(rng, words.FOODS)
    weather = pick(rng, words.WEATHER)
    detail, detail2 = rng.sample(place.details, 2)
    skill = wish.skill or pick(rng, SKILLS)
    contest = pick(rng, CONTESTS)
    fear = wish.fear or pick(rng, FEARS)
    seed = pick(rng, SEEDS)
    hide, hide2 = rng.sample(words.HIDES, 2)
    obstacles = rng.sample(OBSTACLES, 2)
    time = pick(rng, words.TIMES)
    values = {
        "A": a.name,
        "he": he,
        "him": him,
        "his": his,
        "himself": himself,
        "asp": a.species,
        "aadj": pick(rng, TRAITS),
        "ahome": a.home,
        "ahome2": a.home,
        "limb": _limb(a),
        "limbs": _plural(_limb(a)),
        "B": b.name,
        "bhe": bhe,
        "bhim": bhim,
        "bhis": bhis,
        "bhimself": bhimself,
        "bsp": b.species,
        "badj": pick(rng, TRAITS),
        "blimb": _limb(b),
        "blimbs": _plural(_limb(b)),
        "C": elder,
        "obj": thing.name,
        "oadj": adjective,
        "aobj": f"a {adjective} {thing.name}",
        "ouse": thing.use,
        "place": place.name,
        "inplace": place.inside,
        "pdet": detail,
        "pdet2": detail2,
        "place2": place2.name,
        "inplace2": place2.inside,
        "hide": hide,
        "hide2": hide2,
        "afood": food.full,
        "food": food.bare,
        "food_p": "bread" if food.bare == "loaf" else food.bare,
        "weather": weather,
        "weather_l": weather[0].lower() + weather[1:],
        "time": time,
        "time_m": pick(rng, ["a month", "six weeks", "a few weeks", "two months"]),
        "fgood": pick(rng, words.FEEL_GOOD),
        "fbad": pick(rng, words.FEEL_BAD),
        "place_workshop": pick(rng, WORKSHOPS),
        "down_place": pick(rng, WAYS_DOWN),
        "con": contest.verb,
        "cons": contest.third_person,
        "skill": skill.verb,
        "skillg": skill.gerund,
        "skilltip": skill.tip,
        "fear": fear.thing,
        "fearn": fear.title,
        "fearneed": fear.need,
        "seedn": seed.plant,
    }
    sentences = {
        "conlead": contest.quick_start,
        "conslow": contest.slow_one,
        "conturn": contest.turn,
        "skillwhy": skill.why,
        "skillfail": skill.failure,
        "skillwin": skill.success,
        "fearwhy": fear.why,
        "fearstep": fear.step,
        "feardone": fear.done,
        "seedgrow": seed.grown,
        "obstacle1": obstacles[0],
        "obstacle2": obstacles[1],
    }
    values |= {key: GRAMMAR.fill(sentence, rng, values) for key, sentence in sentences.items()}
    if wish.trait:
        values["aadj"] = wish.trait
    return values
