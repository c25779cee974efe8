"""Small tasks for the model: a poem, a recipe, instructions, a riddle, counting, repeating, spelling."""

from collections.abc import Callable
from random import Random

from . import chat_parts as parts
from . import words
from .grammar import capitalised, pick, tidy
from .short_text_parts import HOW_TO, POEMS, RECIPES, RIDDLES
from .small_forms import numbered, poem
from .wording import varied

Exchange = tuple[str, str]
NOUNS = [noun for nouns in words.KINDS.values() for noun in nouns]


def _poem(rng: Random) -> Exchange:
    a, b = rng.sample([animal.name for animal in words.ANIMALS], 2)
    text = poem(rng, pick(rng, [template for template in POEMS if "{a}" in template]), a, b)
    if rng.random() < 0.75:
        question = tidy(pick(rng, parts.POEM_ABOUT).format(a=a), capitals=False)
    else:
        question = pick(rng, parts.POEM_ANY)
    return varied(rng, question, strong=False), text


def _recipe(rng: Random) -> Exchange:
    name = pick(rng, list(RECIPES))
    ingredients, steps = RECIPES[name]
    question = pick(rng, parts.RECIPE_QUESTIONS).format(n=name)
    answer = f"You need {', '.join(ingredients[:-1])} and {ingredients[-1]}."
    if "need" not in question:
        answer += " " + " ".join(f"{step}." for step in steps)
    return varied(rng, question), answer


def _how_to(rng: Random) -> Exchange:
    task = pick(rng, list(HOW_TO))
    question = pick(rng, parts.HOWTO_QUESTIONS).format(k=task)
    as_list = rng.random() < 0.5
    answer = numbered(HOW_TO[task]) if as_list else " ".join(f"{step}." for step in HOW_TO[task])
    return varied(rng, question), answer


def _riddle(rng: Random) -> Exchange:
    riddle, answer = pick(rng, RIDDLES)
    if rng.random() >= 0.5:
        question = varied(rng, pick(rng, parts.RIDDLE_QUESTIONS), strong=False)
        return question, f"{riddle} What am I? I am {answer}."
    question = riddle + pick(rng, [" What am I?", " What is it?", " Guess!"])
    if rng.random() >= 0.5:
        return question, capitalised(answer) + "."
    reply = pick(rng, ["You are {a}.", "That must be {a}.", "{A}!"])
    return question, reply.format(a=answer, A=capitalised(answer))


def _count(rng: Random) -> Exchange:
    first = rng.randrange(1, 12)
    last = first + rng.randrange(2, 10)
    question = pick(rng, parts.COUNT_QUESTIONS).format(first, last)
    return varied(rng, question, strong=False), ", ".join(map(str, range(first, last + 1))) + "."


def _repeat(rng: Random) -> Exchange:
    said = " ".join(pick(rng, NOUNS) for _ in range(rng.randrange(1, 5)))
    return pick(rng, parts.REPEAT_QUESTIONS).format(said), said


def _spell(rng: Random) -> Exchange:
    word = pick(rng, NOUNS)
    question = pick(rng, parts.SPELL_QUESTIONS).format(word)
    return varied(rng, question, strong=False), "-".join(word.upper()) + "."


_TASKS: list[tuple[float, Callable[[Random], Exchange]]] = [
    (0.22, _poem),
    (0.36, _recipe),
    (0.50, _how_to),
    (0.64, _riddle),
    (0.76, _count),
    (0.90, _repeat),
    (1.00, _spell),
]


def task(rng: Random) -> Exchange:
    """One task and its solution."""
    luck = rng.random()
    return next(make for below, make in _TASKS if luck < below)(rng)
