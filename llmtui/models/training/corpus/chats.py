"""Chats between a user and the model, with the marks of the chat template."""

from random import Random

from . import chat_parts as parts
from . import words
from .facts import ABOUT_MODELS, ABOUT_WORLD, GRAMMAR, SMALL_TALK
from .grammar import pick, tidy
from .lookups import lookup
from .stories import question_about, story
from .tasks import task
from .wording import varied

Exchange = tuple[str, str]
SYSTEM, USER, ASSISTANT, END = "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
_GREETINGS = SMALL_TALK[:2]


def chat(rng: Random) -> str:
    """One to five exchanges, sometimes with a system prompt."""
    exchanges = _exchanges(rng)
    messages = []
    if rng.random() < 0.4:
        prompt = parts.SYSTEM_PROMPTS[0] if rng.random() < 0.35 else pick(rng, parts.SYSTEM_PROMPTS)
        messages.append(f"{SYSTEM}\n{prompt}{END}")
    messages += [f"{USER}\n{question}{END}\n{ASSISTANT}\n{answer}{END}" for question, answer in exchanges]
    return "\n".join(messages)


def _exchanges(rng: Random) -> list[Exchange]:
    luck = rng.random()
    if luck < 0.10:
        told, asked = _remembered(rng)
        between = [_exchange(rng) for _ in range(rng.choice([0, 0, 1, 1, 2]))]
        return [told, *between, asked]
    if luck < 0.25:
        return _story_and_more(rng)
    if luck < 0.30:
        return _twice(rng)
    count = rng.choice([1, 1, 1, 2, 2, 3, 4])
    exchanges = []
    if count > 1 and rng.random() < 0.4:
        fact = _GREETINGS[0] if rng.random() < 0.5 else _GREETINGS[1]
        exchanges.append((varied(rng, pick(rng, fact.questions), strong=False), fact.answer(rng)))
    return exchanges + [_exchange(rng) for _ in range(count - len(exchanges))]


def _exchange(rng: Random) -> Exchange:
    """Any question and its answer."""
    if rng.random() < 0.07:
        return task(rng)
    if rng.random() < 0.03:
        return _unknown(rng)
    luck = rng.random()
    if luck < 0.78:
        facts = ABOUT_MODELS if luck < 0.43 else ABOUT_WORLD if luck < 0.62 else SMALL_TALK
        fact = pick(rng, facts)
        return varied(rng, pick(rng, fact.questions), strong=luck < 0.62), fact.answer(rng)
    question, answer = lookup(rng)
    return varied(rng, question, strong=rng.random() < 0.4), answer


def _story_and_more(rng: Random) -> list[Exchange]:
    wish, tale = story(rng)
    exchanges = [(wish, tale.text)]
    luck = rng.random()
    if luck < 0.4:
        exchanges.append(question_about(rng, tale))
    elif luck < 0.55:
        thanks = pick(rng, ["Thank you!", "That was a nice story.", "Thanks", "I liked the story."])
        exchanges.append((thanks, pick(rng, ["You are welcome!", "Thank you! I am glad you like it.", "My pleasure."])))
    return exchanges


def _twice(rng: Random) -> list[Exchange]:
    """A fact, and the same fact once more in other words."""
    fact = pick(rng, ABOUT_MODELS)
    first = second = fact.answer(rng)
    while second == first:
        second = fact.answer(rng)
    question = varied(rng, pick(rng, fact.questions))
    return [(question, first), (varied(rng, pick(rng, parts.MORE_QUESTIONS), strong=False), second)]


def _remembered(rng: Random) -> tuple[Exchange, Exchange]:
    """The user says something of themselves; later they ask for it."""
    if rng.random() < 0.55:
        name = pick(rng, words.GIRLS + words.BOYS)
        told = pick(rng, parts.MY_NAME).format(n=name)
        welcome = pick(rng, parts.NICE_TO_MEET_YOU).replace("{n}", name)
        noted = tidy(GRAMMAR.fill(welcome, rng, {}))
        asked = varied(rng, pick(rng, parts.WHAT_IS_MY_NAME), strong=False)
        return (told, noted), (asked, pick(rng, parts.YOUR_NAME).format(n=name))
    values = {
        "x": pick(rng, parts.LIKED_THINGS),
        "c": pick(rng, words.COLOURS),
        "t": pick(rng, words.CAPITALS)[1],
        "a": pick(rng, ["dog", "cat", "rabbit", "parrot", "pony"]),
        "m": pick(rng, words.GIRLS + words.BOYS),
        "k": str(rng.randrange(1, 21)),
    }
    told, asked, answer = (template.format(**values) for template in pick(rng, parts.ABOUT_ME))
    noted = pick(rng, parts.NOTED)
    return (told, noted), (varied(rng, asked, strong=False), answer)


def _unknown(rng: Random) -> Exchange:
    """A question beyond the model, and its saying so."""
    question = pick(rng, parts.UNKNOWN_QUESTIONS).format(
        c=pick(rng, words.CAPITALS)[0],
        t=pick(rng, words.CAPITALS)[1],
        t2=pick(rng, words.CAPITALS)[1],
        a=rng.randrange(12, 99),
        b=rng.randrange(12, 99),
        y=rng.randrange(1100, 1990),
        x=pick(rng, words.OBJECTS).name,
        n=pick(rng, words.GIRLS + words.BOYS) + pick(rng, ["", " Miller", " Baker", " Stone"]),
    )
    return varied(rng, question, strong=rng.random() < 0.3), pick(rng, parts.UNKNOWN_ANSWERS)
