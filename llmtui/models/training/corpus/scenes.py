"""Short scenes without a plot: somebody does a few things in one setting, and the scene ends with a thought.

They bring in words and openings that the tales do not have.
"""

from random import Random

from . import words
from .cast import state
from .grammar import Grammar, pick, tidy
from .scene_parts import ENTRANCES, SETTINGS

GRAMMAR = Grammar()
_PRONOUNS = ("{he}", "{his}", "{him}", "{His}")
_WITHOUT_HANDS = ("wing", "hoof", "claw", "flipper", "foot")


def make(rng: Random) -> str:
    """A scene in any of the settings, sometimes with a heading."""
    name = pick(rng, list(SETTINGS))
    values = _values(rng, name)
    text = tidy(GRAMMAR.fill(" ".join(_sentences(rng, name)), rng, values))
    text = tidy(_introduce_friend(rng, text, values))
    if rng.random() < 0.15:
        text = pick(rng, ["A Scene", "One Moment", "A Short Piece", "Evening", "Notes"]) + "\n\n" + text
    return text


def _values(rng: Random, name: str) -> dict[str, str]:
    values = state(rng)
    while values["limb"] in _WITHOUT_HANDS:
        values = state(rng)
    if name in ("king", "dragon", "animal"):
        values = state(rng)
    values["An"] = pick(rng, words.GIRLS)
    values["Am"] = pick(rng, [boy for boy in words.BOYS if boy not in (values["A"], values["B"])])
    values["day"] = pick(rng, words.DAYS)
    return values


def _sentences(rng: Random, name: str) -> list[str]:
    """Templates in order; the main character is introduced before the first pronoun."""
    setting = SETTINGS[name]
    opening = pick(rng, setting.openings)
    sentences = [opening if opening.endswith("?") else opening + "."]
    count = rng.randrange(3, min(8, len(setting.middles)))
    chosen = set(rng.sample(range(len(setting.middles)), count))
    chosen |= {i for i, middle in enumerate(setting.middles) if middle.startswith("!")}
    introduced = "{A}" in opening or "{An}" in opening
    for i in sorted(chosen):
        middle = setting.middles[i].lstrip("!")
        needs_name = "{He}" in middle or (
            any(pronoun in middle for pronoun in _PRONOUNS) and "{A}" not in middle and name not in ("king", "dragon")
        )
        if needs_name and not introduced:
            sentences.append(pick(rng, ENTRANCES))
            introduced = True
        introduced = introduced or "{A}" in middle
        sentences.append(middle)
    end = pick(rng, setting.ends)
    if not introduced and any(hole in end for hole in ("{he}", "{He}", "{A}")):
        sentences.append("There sat {A}, a {aadj} {asp}.")
    return [*sentences, end]


def _introduce_friend(rng: Random, text: str, values: dict[str, str]) -> str:
    """Say what the friend is at the first mention, unless the text does so or the grammar forbids it."""
    friend = values["B"]
    if friend not in text or friend + ", a" in text or rng.random() >= 0.7:
        return text
    after = text[text.index(friend) + len(friend) :]
    if not after.startswith(" ") or after.startswith((" and ", " the ")):
        return text
    return text.replace(friend, f"{friend}, a {values['badj']} {values['bsp']},", 1)
