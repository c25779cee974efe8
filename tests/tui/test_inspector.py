import math
from dataclasses import replace

import pytest
from driving import layouts
from hostile import BYTES, TEXTS, harmful, screen_text
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from tokens import make_candidate, make_token

from llmtui.engine.events import Branch, BranchToken, Lookahead, Stage, Token
from llmtui.tui import facts
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.inspector import NOTHING, Inspector

PROBS = {b" dog": 0.412, b" cat": 0.22, b" man": 0.099, b"\n": 0.05}


def chosen_second() -> Token:
    """A sampled token of rank 2 among four candidates, one of them dropped by top-k."""
    sampled = {b" dog": 0.6, b" cat": 0.3, b" man": 0.1, b"\n": 0.0}
    return make_token(
        b" cat",
        index=57,
        id=1,
        prob=0.22,
        rank=2,
        entropy_bits=3.1,
        candidates=[make_candidate(n, data, prob, sampled[data]) for n, (data, prob) in enumerate(PROBS.items())],
        stages=[Stage("temperature", 0.8, 50257, 1.0), Stage("top_k", 50, 50, 0.96), Stage("top_p", 0.95, 12, 0.93)],
        u=0.8123,
        sampled_prob=0.3,
    )


class Host(App[None]):
    def __init__(self, glyphs: GlyphSet = "unicode", *, border: bool = False) -> None:
        super().__init__()
        self.inspector = Inspector(glyphs=glyphs)
        if border:
            self.inspector.styles.border = ("solid", "red")

    def compose(self) -> ComposeResult:
        yield self.inspector


def rows(inspector: Inspector) -> list[str]:
    return [inspector.render_line(y).text.rstrip() for y in range(inspector.size.height)]


async def shown(token: Token | None, width: int = 60, height: int = 12, vocab: int | None = 50257) -> list[str]:
    app = Host()
    async with app.run_test(size=(width, height)):
        app.inspector.show(token, vocab)
        return rows(app.inspector)


async def test_every_number_has_its_name_and_unit_and_the_distribution_is_named() -> None:
    first = (await shown(chosen_second()))[0]
    assert first == "#57 ␣cat  p 22.0%  2.18 bit  rank 2 (=0)  H 3.1 bit  RAW"


async def test_the_alternatives_stand_with_rank_piece_percent_bits_and_bar() -> None:
    lines = await shown(chosen_second())
    assert lines[1].split() == ["1", "␣dog", "41.2%", "1.28", "bit", "█████████▏"]
    assert lines[2].split()[:5] == ["2", "▸␣cat", "22.0%", "2.18", "bit"]
    assert lines[4].split()[:3] == ["4", "↵", "5.0%"]
    assert lines[5].split()[:5] == ["…", "rest:", "50253", "tokens", "21.9%"]
    assert "▸" not in lines[1] + lines[3] + lines[4]


async def test_the_stages_say_what_they_left_and_the_draw_its_number() -> None:
    lines = await shown(chosen_second(), width=80)
    assert lines[6:8] == [
        "temperature 0.8 · top_k 50 → 50 kept, raw mass 96.0%",
        "top_p 0.95 → 12 kept, raw mass 93.0% · u 0.8123",
    ]


async def test_in_a_narrow_pane_the_draw_is_short_but_whole() -> None:
    lines = await shown(chosen_second(), width=39, height=9)
    assert lines[7:] == ["temperature 0.8 · top_k 50 → 50", "top_p 0.95 → 12 · u 0.8123"]
    assert [line.split()[0] for line in lines[2:7]] == ["1", "2", "3", "4", "…"]


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("room", [1, 2, 3, 4, 9])
def test_the_bars_and_the_rest_sum_to_one(sampled: bool, room: int) -> None:
    shown_rows = facts.choose(facts.alternatives(chosen_second(), sampled=sampled, top=10), room)
    assert len(shown_rows) == min(room, 4)
    assert sum(row.chosen for row in shown_rows) == 1
    assert math.fsum(row.prob for row in shown_rows) + facts.rest(shown_rows) == pytest.approx(1, abs=1e-6)


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=20), st.integers(1, 25))
def test_whatever_is_shown_sums_to_one(weights: list[float], room: int) -> None:
    total = sum(weights) * 1.25
    probs = sorted((weight / total for weight in weights), reverse=True)
    token = make_token(
        id=len(probs) - 1, prob=probs[-1], candidates=[make_candidate(n, b"x", p) for n, p in enumerate(probs)]
    )
    shown_rows = facts.choose(facts.alternatives(token, sampled=False, top=10), room)
    assert shown_rows[-1].chosen
    assert math.fsum(row.prob for row in shown_rows) + facts.rest(shown_rows) == pytest.approx(1, abs=1e-6)


async def test_a_chosen_token_outside_the_top_has_a_row_with_its_own_rank() -> None:
    candidates = [make_candidate(n, b" w%d" % n, 0.05 - n / 1000) for n in range(10)]
    token = make_token(b" odd", id=99, prob=1e-4, rank=731, candidates=[*candidates, make_candidate(99, b" odd", 1e-4)])
    for height in (20, 8):
        lines = await shown(token, height=height)
        [own] = [line for line in lines[1:] if "▸" in line]
        assert own.split()[:3] == ["731", "▸␣odd", "0.010%"]
        assert lines.index(own) == next(y for y, line in enumerate(lines) if "…" in line) - 1


def test_equals_share_a_rank_and_what_was_not_reported_has_none() -> None:
    candidates = [make_candidate(n, b"x", p) for n, p in enumerate((0.3, 0.2, 0.2, 0.1, 0.05))]
    token = make_token(id=1, prob=0.2, rank=2, ties=1, candidates=candidates)
    assert [row.rank for row in facts.alternatives(token, sampled=False, top=4)] == [1, 2, 2, 4, None]


async def test_sampled_probabilities_keep_every_row_in_its_place() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        app.inspector.show(chosen_second(), 50257)
        raw = rows(app.inspector)
        app.inspector.toggle_sampled()
        await pilot.pause()
        sampled = rows(app.inspector)
        assert sampled[0] == "#57 ␣cat  p 30.0%  1.74 bit  SAMPLED"
        assert [line.split()[1] for line in sampled[1:5]] == [line.split()[1] for line in raw[1:5]]
        assert "60.0%" in sampled[1]
        assert "–" in sampled[4]
        assert "dropped" in sampled[4]
        assert "0.00%" in sampled[5]
        app.inspector.toggle_sampled()
        assert rows(app.inspector) == raw


async def test_a_prompt_token_says_that_it_was_not_sampled() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)):
        app.inspector.show(make_token(is_prompt=True, candidates=[make_candidate(1, b" cat", 0.5)]))
        app.inspector.toggle_sampled()
        assert rows(app.inspector)[0].endswith("RAW  not sampled")
        assert "50.0%" in rows(app.inspector)[1]


async def test_the_first_token_says_why_it_has_no_numbers() -> None:
    lines = await shown(make_token(prob=None))
    assert facts.UNPREDICTED in lines[0]
    assert "%" not in "".join(lines)


async def test_without_a_token_it_says_what_to_do() -> None:
    assert " ".join(" ".join(await shown(None, width=20)).split()) == NOTHING


async def test_three_rows_hold_everything_essential() -> None:
    lines = await shown(chosen_second(), width=80, height=3)
    assert lines[0] == "#57 ␣cat  p 22.0%  2.18 bit  rank 2 (=0)  H 3.1 bit  RAW"
    assert lines[1] == "1 ␣dog 41.2%  2▸␣cat 22.0%  3 ␣man 9.9%  4 ↵ 5.0%  … rest 21.9%"
    assert lines[2] == "temperature 0.8 · top_k 50 → 50 · top_p 0.95 → 12 · u 0.8123"
    narrow = await shown(chosen_second(), width=40, height=3)
    assert "▸␣cat 22.0%" in narrow[1]
    assert "rest" in narrow[1]


async def test_the_title_names_the_token_when_there_is_a_frame() -> None:
    app = Host(border=True)
    async with app.run_test(size=(60, 12)) as pilot:
        app.inspector.show(chosen_second())
        await pilot.pause()
        assert "#57 ␣cat" in screen_text(app).splitlines()[0]
        assert rows(app.inspector)[0].startswith("p 22.0%")
        app.inspector.show(make_token(b"[/]\x1b[31m"))
        await pilot.pause()
        assert "#0 [/]‹ESC›[31m" in screen_text(app).splitlines()[0]
        app.inspector.show(None)
        await pilot.pause()
        assert "#" not in screen_text(app).splitlines()[0]


def instead() -> Lookahead:
    """What would have come instead of `chosen_second`."""
    words = (b" ran", b" home", b".\n")
    tokens = tuple(BranchToken(n, data, -0.5) for n, data in enumerate(words))
    return Lookahead(57, (Branch(0, b" dog", -0.9, tokens), Branch(2, b" man", -2.3, tokens[:1])))


async def test_beside_each_alternative_stands_what_would_have_followed() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)):
        app.inspector.show(chosen_second(), 50257, lookahead=instead())
        lines = rows(app.inspector)
        assert lines[1] == "1  ␣dog               41.2% → ran home.↵"
        assert lines[3] == "3  ␣man                9.9% → ran"
        # the token that was chosen is followed by the text itself, and of the fourth nothing is known
        assert "→" not in lines[2] + lines[4]
        assert "█" not in "".join(lines)
        drawn = app.inspector.render_line(1)
        assert [segment.style.dim for segment in drawn if segment.text.startswith(" →") and segment.style] == [True]


async def test_while_the_alternatives_are_being_continued_an_ellipsis_says_so() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)):
        app.inspector.show(chosen_second(), 50257, awaited=2)
        lines = rows(app.inspector)
        assert [line.endswith("→ …") for line in lines[1:5]] == [True, False, True, False]
        app.inspector.show(chosen_second(), 50257)
        assert "→ …" not in "".join(rows(app.inspector))


async def test_what_would_have_followed_is_cut_to_the_width_and_told_in_a_strip_too() -> None:
    app = Host()
    long = replace(instead().branches[0], tokens=(BranchToken(1, b" on and on" * 30, -0.1),))
    async with app.run_test(size=(34, 9)):
        app.inspector.show(chosen_second(), lookahead=replace(instead(), branches=(long,)))
        assert rows(app.inspector)[2].endswith("…")
        assert {app.inspector.render_line(y).cell_length for y in range(9)} == {34}
    app = Host()
    async with app.run_test(size=(80, 3)):
        app.inspector.show(chosen_second(), lookahead=instead())
        assert rows(app.inspector)[2] == "␣dog → ran home.↵  ␣man → ran"
    app = Host("ascii")
    async with app.run_test(size=(60, 12)):
        app.inspector.show(chosen_second(), lookahead=instead())
        assert "-> ran home." in rows(app.inspector)[1]
        assert rows(app.inspector)[1].isascii()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (10, 4), (20, 7), (300, 60)])
@pytest.mark.parametrize("lookahead", [None, instead()])
async def test_it_draws_exactly_its_size(size: tuple[int, int], lookahead: Lookahead | None) -> None:
    app = Host()
    async with app.run_test(size=size):
        for token in (None, chosen_second(), make_token(prob=None), make_token()):
            app.inspector.show(token, 10, lookahead=lookahead)
            assert {app.inspector.render_line(y).cell_length for y in range(size[1])} == {size[0]}


async def test_showing_another_token_lays_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host(border=True)
    async with app.run_test(size=(60, 12)) as pilot:
        seen = await layouts(pilot, monkeypatch)
        app.inspector.show(chosen_second())
        app.inspector.toggle_sampled()
        await pilot.pause()
        assert seen == []
        assert "␣dog" in screen_text(app)


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
async def test_no_token_brings_anything_harmful_to_the_screen(glyphs: GlyphSet) -> None:
    app = Host(glyphs, border=True)
    hostile = [text.encode("utf-8", "surrogatepass") for text in TEXTS]
    async with app.run_test(size=(80, 40)) as pilot:
        for data in BYTES:
            candidates = [make_candidate(1, data, 0.5), *(make_candidate(9, other, 0.01) for other in hostile)]
            branch = Branch(9, data, -1.0, (BranchToken(9, data, -1.0),))
            app.inspector.show(make_token(data, candidates=candidates), lookahead=Lookahead(0, (branch,)))
            assert harmful("".join(rows(app.inspector))) == set()
        await pilot.pause()
        assert harmful(screen_text(app).replace("\n", "")) == set()


@given(st.floats(0, 1), st.integers(0, 80))
def test_bars_are_as_long_as_their_share(prob: float, width: int) -> None:
    drawn = facts.bar(prob, width)
    assert abs(8 * prob * width - sum("▏▎▍▌▋▊▉█".index(char) + 1 for char in drawn)) <= 0.5
    assert cell_len(drawn) <= width
    assert abs(len(facts.bar(prob, width, glyphs="ascii")) - prob * width) <= 0.5


async def test_a_narrow_strip_still_says_which_distribution_its_numbers_are_of() -> None:
    lines = await shown(make_token(b" cat", index=57, prob=0.22, rank=2), height=3, width=44)
    assert lines[0].startswith("#57 ␣cat  p 22.0%")
    assert lines[0].rstrip().endswith("RAW")
