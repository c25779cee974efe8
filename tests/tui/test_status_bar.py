"""The line that says what goes on, where there is little room for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from llmtui.tui.text import parts_that_fit
from llmtui.tui.widgets.key_bar import KeyBar

FACTS = "done 200/200 · 166.1 tok/s · first 0.02 s · ctx 204/512 · seed 1"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, FACTS),
        (64, FACTS),
        (63, "done 200/200 · 166.1 tok/s · … · ctx 204/512 · seed 1"),
        (52, "done 200/200 · 166.1 tok/s · … · seed 1"),
        (30, "done 200/200 · … · seed 1"),
        (20, "done 200/2… · seed 1"),
    ],
)
def test_a_line_of_facts_loses_whole_ones_in_its_middle_never_half_a_number(width: int, shown: str) -> None:
    assert parts_that_fit(FACTS, width) == shown


def test_a_sentence_loses_its_middle() -> None:
    assert parts_that_fit("nonsense is not on this machine", 16) == "nonsense…machine"


@given(st.text(alphabet=st.sampled_from("ab ·漢é…"), max_size=60), st.integers(0, 70))
def test_it_always_fits(text: str, width: int) -> None:
    assert cell_len(parts_that_fit(text, width)) <= width


class Keys(App[None]):
    def compose(self) -> ComposeResult:
        yield KeyBar(id="keys")


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, "esc Stop  ^O Model  ^T Colour  ^G Again  f2 Tokens  f1 Help  ^P Palette  ^Q Quit"),
        (80, "esc Stop  ^O Model  ^T Colour  f2 Tokens  f1 Help  ^P Palette  ^Q Quit"),
        (60, "esc Stop  ^O Model  ^T Colour  f2 Tokens  f1 Help  ^Q Quit"),
        (40, "esc Stop  ^O Model  f1 Help  ^Q Quit"),
        (18, "f1 Help  ^Q Quit"),
        (9, "f1 Help"),
    ],
)
async def test_help_and_quit_are_named_on_every_terminal(width: int, shown: str) -> None:
    app = Keys()
    async with app.run_test(size=(width, 1)):
        assert app.query_one(KeyBar).render_line(0).text.strip() == shown
