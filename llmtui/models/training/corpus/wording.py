"""Other wordings of a question: indirect, contracted, lower case, with words around it."""

import re
from random import Random

from .chat_parts import AFTERTHOUGHTS, CONTRACTIONS, INDIRECT, LEAD_INS
from .grammar import pick

_IRREGULAR = {"go": "goes", "do": "does", "have": "has", "be": "is"}
_NOUN = r"(?:the |a |an )?[\w-]+"
_IS_NOUN = re.compile(rf"^(What|Who|Where|How|Why) (is|are) ({_NOUN}(?: of {_NOUN})?)$")
_IS_ANYTHING = re.compile(r"^(What|Who) (is|are) (.+)$")
_DO = re.compile(r"^(Why|How|Where|When|What) do (.+)$")
_DOES = re.compile(rf"^(Why|How|Where|When|What) does ({_NOUN}) (\w+)(.*)$")
_SAME_ORDER = re.compile(r"^(Which|How many|What makes|What causes|What happens|Who made|Who makes|Who invented) ")
_PREPOSITIONS = ("for", "with", "of", "like", "to", "about")
_NOT_A_VERB = ("of", "with", "that", "not", "never")
_KEEPS_CAPITAL = ("I ", "llmtui", "BPE", "LLM", "AI", "GPT")


def reported(question: str) -> str | None:
    """ "What is a token?" as "what a token is"; None where the rules below do not fit."""
    if not question.endswith("?"):
        return None
    body = question[:-1]
    if _SAME_ORDER.match(body):
        return body[0].lower() + body[1:]
    if m := _IS_NOUN.match(body):
        return f"{m[1].lower()} {m[3]} {m[2]}"
    if (m := _IS_ANYTHING.match(body)) and len(body.split()) < 9 and not m[3].endswith(_PREPOSITIONS):
        return f"{m[1].lower()} {m[3]} {m[2]}"
    if m := _DO.match(body):
        return f"{m[1].lower()} {m[2]}"
    if (m := _DOES.match(body)) and m[3] not in _NOT_A_VERB:
        return f"{m[1].lower()} {m[2]} {_third_person(m[3])}{m[4]}"
    return None


def _third_person(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith(("s", "sh", "ch", "x", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def varied(rng: Random, question: str, *, strong: bool = True) -> str:
    """The question with a small change of wording or punctuation; `strong` may put it into another sentence."""
    if strong and rng.random() < 0.22 and (indirect := reported(question)):
        question = pick(rng, INDIRECT).format(r=indirect)
    if rng.random() < 0.10:
        for long, short in CONTRACTIONS:
            question = question.replace(long, short)
    care = rng.random()
    if strong and len(question) > 12:
        question = _surrounded(rng, question)
    if care < 0.10:
        return question.rstrip("?.!")
    if care < 0.18:
        return question.lower()
    if care < 0.24:
        return question.lower().rstrip("?.!")
    return question


def _surrounded(rng: Random, question: str) -> str:
    lead = pick(rng, LEAD_INS)
    if lead.endswith(", ") and not question.startswith(_KEEPS_CAPITAL):
        question = question[0].lower() + question[1:]
    question = lead + question
    if question.endswith("?") and rng.random() < 0.5:
        question += pick(rng, AFTERTHOUGHTS)
    return question
