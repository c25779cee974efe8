"""Texts with a fixed form: recipes, poems, riddles, instructions and lists."""

from random import Random

from . import words
from .grammar import Grammar, capitalised, pick
from .short_text_parts import HOW_TO, HOW_TO_LEADS, LISTS, POEMS, RECIPE_LEADS, RECIPES, RIDDLES

GRAMMAR = Grammar()


def numbered(lines: list[str]) -> str:
    """The lines as "1. First.", "2. Second." and so on."""
    return "\n".join(f"{i}. {line}." for i, line in enumerate(lines, 1))


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]


def recipe(rng: Random) -> str:
    """A recipe, as a list or told."""
    name = pick(rng, list(RECIPES))
    ingredients, steps = RECIPES[name]
    if rng.random() < 0.5:
        needed = "\n".join("- " + item for item in ingredients)
        return f"{capitalised(name)}\n\nIngredients:\n{needed}\n\nMethod:\n{numbered(steps)}"
    lead = pick(rng, RECIPE_LEADS).format(n=name, i=", ".join(ingredients[:-1]) + " and " + ingredients[-1])
    told = []
    for i, step in enumerate(steps):
        if i == 0:
            link = pick(rng, ["First, ", "First "])
        elif i == len(steps) - 1:
            link = pick(rng, ["Finally, ", "At the end, "])
        else:
            link = pick(rng, ["Then ", "Next, ", "After that, ", ""])
        told.append(f"{link}{_lowered(step) if link else step}.")
    return lead + " ".join(told) + pick(rng, ["", " Enjoy!", " Enjoy your meal!", " It tastes best with friends."])


def poem(rng: Random, template: str, a: str, b: str) -> str:
    """One poem with two animals in it."""
    return "\n".join(GRAMMAR(line, rng, {"a": a, "b": b}) for line in _lines(template))


def poems(rng: Random) -> str:
    """One to three poems, sometimes with a title."""
    count = rng.choice([1, 1, 2, 2, 3])
    animals = rng.sample([animal.name for animal in words.ANIMALS], 2 * count)
    chosen = rng.sample(POEMS, count)
    text = "\n\n".join(poem(rng, t, *animals[2 * i : 2 * i + 2]) for i, t in enumerate(chosen))
    if rng.random() < 0.3:
        titles = ["A Little Poem", "A Rhyme", "Evening Song", "Small Verses", "A Song", "Rhyme for Today"]
        text = pick(rng, titles) + "\n\n" + text
    return text


def _lines(template: str) -> list[str]:
    """Split at | outside of brackets."""
    lines, depth = [""], 0
    for character in template:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "|" and depth == 0:
            lines.append("")
        else:
            lines[-1] += character
    return lines


def riddles(rng: Random) -> str:
    """One to three riddles with their answers."""
    count = rng.choice([1, 1, 2, 3])
    out = []
    for riddle, answer in rng.sample(RIDDLES, count):
        question = pick(rng, [" What am I? ", " What am I?\n", " Who am I? ", " Guess what I am! "])
        reply = pick(rng, ["I am {a}.", "{A}.", "Answer: {a}.", "The answer is {a}."])
        out.append(riddle + question + reply.format(a=answer, A=capitalised(answer)))
    return "\n\n".join(out)


def how_to(rng: Random) -> str:
    """Instructions, numbered or told."""
    task = pick(rng, list(HOW_TO))
    steps = HOW_TO[task]
    if rng.random() < 0.5:
        head = pick(rng, ["How to {}\n\n", "How to {}:\n", "Instructions: how to {}\n\n"])
        return head.format(task) + numbered(steps)
    lead = pick(rng, HOW_TO_LEADS).format(task)
    links = [
        "First, ",
        pick(rng, ["Then ", "Next, ", "Second, "]),
        pick(rng, ["After that, ", "Then ", "Third, "]),
        pick(rng, ["Finally, ", "At last, ", "In the end, "]),
    ]
    return lead + " ".join(link + _lowered(step) + "." for link, step in zip(links, steps, strict=False))


def list_of_things(rng: Random) -> str:
    """A shopping list and the like, in one of four styles."""
    kind = pick(rng, list(LISTS))
    items = rng.sample(LISTS[kind], rng.randrange(3, min(9, len(LISTS[kind]))))
    style = rng.randrange(4)
    head = capitalised(pick(rng, ["my {}", "{}", "a {}", "today's {}"]).format(kind)) + ":"
    if style == 1:
        return head + "".join(f"\n{i}. {item}" for i, item in enumerate(items, 1))
    if style == 2:
        return f"{head} {', '.join(items[:-1])} and {items[-1]}."
    mark = "- " if style == 0 else "* "
    return head + "".join("\n" + mark + item for item in items)
