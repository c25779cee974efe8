"""Facts as plain text: a paragraph on one subject, or questions with their answers."""

from random import Random

from .chat_parts import HEADINGS
from .facts import ABOUT_MODELS, ABOUT_WORLD, Fact
from .grammar import pick
from .lookups import lookup

_SUBJECTS = ["tokens", "model", "model", "sampling", "sampling", "running", "running", "training", "training"]
_SUBJECTS += ["computing", "sky", "space", "nature", "nature", "body", "daily"]
_LEANS_ON_THE_SENTENCE_BEFORE = ("With", "Both", "Because", "Each")


def _by_section(facts: list[Fact]) -> dict[str, list[Fact]]:
    sections: dict[str, list[Fact]] = {}
    for fact in facts:
        sections.setdefault(fact.section, []).append(fact)
    return sections


_SECTIONS = _by_section(ABOUT_MODELS + ABOUT_WORLD)


def explanation(rng: Random) -> str:
    """One to four related facts, sometimes with a heading."""
    subject = pick(rng, _SUBJECTS)
    count = rng.choice([1, 2, 2, 3, 3, 4])
    facts = _SECTIONS[subject]
    first = rng.randrange(len(facts))
    if rng.random() < 0.6:
        chosen = [facts[(first + i) % len(facts)] for i in range(count)]
    else:
        chosen = rng.sample(facts, min(count, len(facts)))
    sentences = []
    for fact in chosen:
        said = fact.answer(rng)
        if rng.random() < 0.35 and len(fact.answers) > 1 and subject not in ("sky", "space"):
            more = fact.answer(rng)
            if more != said and not more.startswith(_LEANS_ON_THE_SENTENCE_BEFORE):
                said += " " + more
        sentences.append(said)
    text = ("\n\n" if rng.random() < 0.25 else " ").join(sentences)
    if rng.random() < 0.2:
        text = pick(rng, HEADINGS[subject]) + "\n\n" + text
    return text


def questions_and_answers(rng: Random) -> str:
    """One to four questions with their answers, in one of four layouts."""
    count = rng.choice([1, 1, 2, 3, 4])
    layout = ["Question: {q}\nAnswer: {a}", "Q: {q}\nA: {a}", "{q} {a}", "{q}\n{a}"][style := rng.randrange(4)]
    out = []
    for _ in range(count):
        luck = rng.random()
        if luck < 0.8:
            fact = pick(rng, ABOUT_MODELS if luck < 0.5 else ABOUT_WORLD)
            question = pick(rng, fact.questions)
            answer = fact.answer(rng)
        else:
            question, answer = lookup(rng)
        out.append(layout.format(q=question, a=answer))
    return ("\n\n" if style < 2 or rng.random() < 0.5 else "\n").join(out)
