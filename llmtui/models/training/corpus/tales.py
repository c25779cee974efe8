"""Short tales: a plot is a list of beats, and every beat is a template filled from the same state."""

from random import Random
from typing import NamedTuple

from .cast import GRAMMAR, Wish, state
from .grammar import capitalised, pick, tidy
from .plots import PLOTS, Plot
from .tale_parts import BREAKABLE, OBJECT_PLOTS, OPENINGS_FOR_TWO, OUTDOOR_PLOTS, SMALL_ANIMALS, TITLES

PLOT_NAMES = list(PLOTS)


class Tale(NamedTuple):
    """A tale, the name of its plot, and the state it was told from."""

    text: str
    plot: str
    state: dict[str, str]


def make(rng: Random, *, title: bool | None = None, moral: bool | None = None) -> Tale:
    """A tale of any plot; None leaves title and moral to chance."""
    plot = pick(rng, PLOT_NAMES)
    wish = Wish()
    if plot == "mend":
        wish = Wish(thing=pick(rng, BREAKABLE))
    elif plot == "small":
        wish = Wish(species=pick(rng, SMALL_ANIMALS))
    return tell(rng, plot, state(rng, wish, outdoors=plot in OUTDOOR_PLOTS), title=title, moral=moral)


def tell(
    rng: Random, name: str, values: dict[str, str], *, title: bool | None = None, moral: bool | None = None
) -> Tale:
    """The tale of the plot of that name, told from the values of `cast.state`."""
    if name == "robot":
        values = {**values, "asp": "robot"}
    plot = PLOTS[name]
    paragraphs = _paragraphs(rng, plot, values)
    gap = "\n\n" if rng.random() < 0.6 else " "
    text = gap.join(paragraphs)
    luck = rng.random()
    if moral or (moral is None and luck < 0.18):
        lesson = pick(rng, plot.morals)
        text += gap + pick(rng, ["Moral: ", "The moral: ", "And the moral is: ", "", ""]) + lesson
    if title or (title is None and rng.random() < 0.2):
        text = _title(rng, name, values) + "\n\n" + text
    return Tale(text, name, values)


def _paragraphs(rng: Random, plot: Plot, values: dict[str, str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for_two = None
    if "<open>" in plot.beats and "<openb>" in plot.beats and rng.random() < 0.25:
        for_two = pick(rng, OPENINGS_FOR_TWO)
    for beat in plot.beats:
        if isinstance(beat, tuple):
            chance, template = beat
            if rng.random() > chance:
                continue
        else:
            template = beat
        if template == "¶":
            paragraphs.append([])
            continue
        if for_two and template == "<openb>":
            continue
        if for_two and template == "<open>":
            template = for_two
        paragraphs[-1].append(tidy(GRAMMAR.fill(template, rng, values)))
    return [" ".join(sentences) for sentences in paragraphs if sentences]


def _title(rng: Random, name: str, values: dict[str, str]) -> str:
    template = pick(rng, TITLES)
    while "{Oobj}" in template and name not in OBJECT_PLOTS:
        template = pick(rng, TITLES)
    values = {**values, "title": GRAMMAR.fill(PLOTS[name].title, rng, values), "oobj": values["obj"]}
    title = GRAMMAR.fill(template, rng, values).split()
    small = {"a", "an", "the", "of", "and", "in", "on", "to", "for"}
    return " ".join(word if i and word in small else capitalised(word) for i, word in enumerate(title))
