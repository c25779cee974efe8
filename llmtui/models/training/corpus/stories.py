"""Wishes for a story, the story, and questions about it."""

from dataclasses import replace
from random import Random

from . import words
from .cast import NAMES, Wish, state
from .chat_parts import STORY_ABOUT, STORY_ANY
from .grammar import pick, tidy
from .tale_parts import BREAKABLE, FEARS, OUTDOOR_PLOTS, SKILLS, THEMES
from .tales import PLOT_NAMES, Tale, make, tell
from .wording import varied

_PLACE_PLOTS = ["lost", "return", "stranger", "storm", "treasure", "newcomer", "wish"]


def story(rng: Random) -> tuple[str, Tale]:
    """A wish for a story in the words of a user, and the tale told."""
    luck = rng.random()
    if luck < 0.55:
        about, plot, wish = _about_someone(rng)
    elif luck < 0.68:
        about, plot, wish = _about_a_thing(rng)
    elif luck < 0.8:
        plot = pick(rng, list(THEMES))
        about, wish = THEMES[plot], Wish()
    elif luck < 0.86:
        about = pick(rng, words.OUTDOORS).name
        plot, wish = pick(rng, _PLACE_PLOTS), Wish(place=about)
    else:
        question = varied(rng, pick(rng, STORY_ANY), strong=False)
        return question, make(rng, title=False, moral=False)
    question = tidy(varied(rng, pick(rng, STORY_ABOUT).format(x=about), strong=False), capitals=False)
    if plot == "mend" and not wish.thing:
        wish = replace(wish, thing=pick(rng, BREAKABLE))
    values = state(rng, wish, outdoors=plot in OUTDOOR_PLOTS)
    return question, tell(rng, plot, values, title=False, moral=rng.random() < 0.1)


def _about_someone(rng: Random) -> tuple[str, str, Wish]:
    """What is asked for, the plot, and what the tale must contain."""
    species = pick(rng, words.ANIMALS).name if rng.random() < 0.8 else pick(rng, words.CRAFTS).name
    gender = pick(rng, "mf")
    if species in words.MENS_CRAFTS:
        gender = "m"
    elif species in words.FEMALE_ANIMALS:
        gender = "f"
    about = pick(rng, ["a ", "a ", "a ", "a little ", "a brave "]) + species
    wish = Wish(species=species, gender=gender)
    if rng.random() < 0.25:
        name = pick(rng, NAMES[gender])
        wish = replace(wish, name=name)
        about = pick(rng, ["a {} named {}", "{1} the {0}", "a {} called {}"]).format(species, name)
    if about.startswith("a brave"):
        wish = replace(wish, trait="brave")
    elif about.startswith("a little"):
        wish = replace(wish, trait="little")
    plot = pick(rng, [name for name in PLOT_NAMES if name != "robot"])
    return _with_more(rng, about, plot, species, wish)


def _with_more(rng: Random, about: str, plot: str, species: str, wish: Wish) -> tuple[str, str, Wish]:
    """In half of all cases one more demand: a trait, a friend, a skill, a fear, a thing or a theme."""
    luck = rng.random()
    if luck < 0.08:
        trait = pick(rng, words.TRAITS_GOOD + words.TRAITS_MIX)
        return f"a {trait} {species}", plot, replace(wish, trait=trait)
    if luck < 0.18:
        friend = pick(rng, words.ANIMALS).name
        while friend == species or friend in words.FEMALE_ANIMALS:
            friend = pick(rng, words.ANIMALS).name
        about = pick(rng, ["a {} and a {}", "a {} and a {}", "the {} and the {}"]).format(species, friend)
        return about, plot, replace(wish, friend=friend)
    if luck < 0.25:
        skill = pick(rng, SKILLS)
        about = pick(rng, ["a {} who wants to {}", "a {} who learns to {}", "a {} who wants to learn to {}"])
        return about.format(species, skill.verb), "skill", replace(wish, skill=skill)
    if luck < 0.31:
        fear = pick(rng, FEARS)
        return f"a {species} who is afraid of {fear.thing}", "fear", replace(wish, fear=fear)
    if luck < 0.39:
        thing = pick(rng, words.OBJECTS).name
        plot = pick(rng, ["lost", "lost", "return"])
        verb = pick(rng, ["loses", "lost"] if plot == "lost" else ["finds", "found"])
        return f"a {species} who {verb} a {thing}", plot, replace(wish, thing=thing)
    if luck < 0.47:
        plot = pick(rng, list(THEMES))
        while plot == "robot":
            plot = pick(rng, list(THEMES))
        return f"a {species} and {THEMES[plot]}", plot, wish
    return about, plot, wish


def _about_a_thing(rng: Random) -> tuple[str, str, Wish]:
    thing = pick(rng, words.OBJECTS).name
    plots = ["lost", "return", "quarrel", "mystery"]
    plot = pick(rng, [*plots, "mend"] if thing in BREAKABLE else plots)
    about = pick(rng, ["a ", "a lost ", "a "]) if plot in ("lost", "return") else "a "
    return about + thing, plot, Wish(thing=thing)


def question_about(rng: Random, tale: Tale) -> tuple[str, str]:
    """A question about the tale just told, and its answer."""
    values = tale.state
    name_questions = ["What was the {asp} called?", "What was the name of the {asp}?"]
    name_questions += ["Who is the story about?", "What is the name of the {asp}?"]
    options = [(name_questions, ["The {asp} was called {A}.", "The name of the {asp} was {A}."])]
    friend = f"{values['badj']} {values['bsp']}"
    introduced = f"a {friend}" in tale.text or f"an {friend}" in tale.text
    if introduced and values["B"] in tale.text and values["bsp"] != values["asp"]:
        options.append(
            (["What was the {bsp} called?", "What was the name of the {bsp}?"], ["The {bsp} was called {B}."])
        )
        options.append((["Who was {B}?", "Who is {B}?"], ["{B} was a {badj} {bsp}."]))
    if tale.plot == "lost":
        options.append((["What did {A} lose?", "What was lost?"], ["{A} lost {aobj}.", "It was {aobj}."]))
        options.append((["Where was the {obj}?", "Where did they find the {obj}?"], ["The {obj} was {hide}."]))
    if tale.plot == "return":
        options.append((["What did {A} find?"], ["{A} found {aobj}."]))
    questions, answers = pick(rng, options)
    question = varied(rng, tidy(pick(rng, questions).format(**values), capitals=False), strong=False)
    return question, tidy(pick(rng, answers).format(**values), capitals=False)
