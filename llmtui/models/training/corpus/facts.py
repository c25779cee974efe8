"""Facts with the questions they answer, read from a plain notation.

## name          a section
@ term | term    terms that can be asked for in many standard wordings
? a | b | c      further questions, in their own words
= text           an answer; [a|b] marks a choice of words
"""

from dataclasses import dataclass, field
from random import Random

from .chat_parts import ABOUT_MANY, ABOUT_ONE
from .facts_models import MODELS
from .facts_world import TALK, WORLD
from .grammar import Grammar, capitalised, pick, tidy

GRAMMAR = Grammar()
_SINGULAR = ("bias", "loss", "lens", "safetensors")
_SHORT_WORDINGS = ("What is {t}?", "Explain {t}.", "Define {t}.", "{T}?")


@dataclass(slots=True)
class Fact:
    """What is known about one thing: the ways to ask for it, and the ways to say it."""

    section: str
    questions: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def answer(self, rng: Random) -> str:
        """One of the answers, in one of its wordings."""
        return tidy(GRAMMAR.fill(pick(rng, self.answers), rng, {}), capitals=False)


def parse(text: str) -> list[Fact]:
    """The facts of a text in the notation above; every fact's questions include those about its terms."""
    facts: list[Fact] = []
    section, answered = "", True
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        mark, rest = line.split(" ", 1)
        if mark == "##":
            section, answered = rest, True
        elif mark == "=":
            facts[-1].answers.append(rest)
            answered = True
        else:
            if answered:
                facts.append(Fact(section))
                answered = False
            (facts[-1].terms if mark == "@" else facts[-1].questions).extend(rest.split(" | "))
    for fact in facts:
        for term in fact.terms:
            fact.questions.extend(_questions_about(term))
    return facts


def _questions_about(term: str) -> list[str]:
    questions = []
    article, _, bare = term.partition(" ")
    for wording in ABOUT_MANY if _is_plural(term) else ABOUT_ONE:
        questions.append(_asked(wording, term))
        if article in ("a", "an") and wording in _SHORT_WORDINGS:
            questions.append(_asked(wording, bare))
    return questions


def _asked(wording: str, term: str) -> str:
    return wording.replace("{t}", term).replace("{T}", capitalised(term))


def _is_plural(term: str) -> bool:
    if term == "the query, the key and the value":
        return True
    head = term.split(" of ")[0]
    last = head.split()[-1]
    return last.endswith("s") and last not in _SINGULAR and not head.startswith(("a ", "an ", "Hugging"))


ABOUT_MODELS = parse(MODELS)
SMALL_TALK = parse(TALK)
ABOUT_WORLD = parse(WORLD)
