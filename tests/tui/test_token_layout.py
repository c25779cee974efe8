from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmtui.tui.text import piece_lines
from llmtui.tui.token_layout import Slice, TokenLayout

texts = st.text(st.sampled_from("ab é東👍🏽❤\ufe0f\u0301\n\t\x1b\u202e\u200b"), min_size=1, max_size=12)
token_lists = st.lists(st.one_of(texts.map(str.encode), st.binary(min_size=1, max_size=6)), max_size=25)
widths = st.integers(2, 40)


def laid_out(words: Sequence[bytes], width: int) -> TokenLayout:
    layout = TokenLayout(width)
    layout.append(piece_lines(word) for word in words)
    return layout


def lines(layout: TokenLayout) -> list[str]:
    return ["".join(part.text for part in line) for line in layout.lines]


def test_tokens_stay_whole_where_they_fit() -> None:
    assert lines(laid_out([b"Once", b" upon", b" a", b" time"], 10)) == ["Once␣upon", "␣a␣time"]


def test_a_newline_is_shown_and_then_breaks_the_line() -> None:
    assert lines(laid_out([b"a", b".\n\n", b"b"], 10)) == ["a.↵↵", "b"]
    assert lines(laid_out([b"a\nb", b"c"], 10)) == ["a↵", "bc"]


def test_a_token_longer_than_the_line_fills_lines() -> None:
    layout = laid_out([b"xy", b"abcdefgh", b"z"], 3)
    assert lines(layout) == ["xya", "bcd", "efg", "hz"]
    assert layout.position(1) == (0, 2)


def test_a_wide_character_is_never_cut() -> None:
    assert lines(laid_out(["東京都".encode()], 3)) == ["東", "京", "都"]
    assert lines(laid_out(["東京都".encode()], 5)) == ["東京", "都"]


def test_a_wide_character_has_a_line_even_where_it_has_no_room() -> None:
    assert lines(laid_out(["東京".encode()], 1)) == ["東", "京"]


@given(token_lists, widths)
def test_the_lines_hold_every_token_once_and_in_order(words: list[bytes], width: int) -> None:
    layout = laid_out(words, width)
    slices = [part for line in layout.lines for part in line]
    for index, word in enumerate(words):
        assert "".join(part.text for part in slices if part.token == index) == "".join(piece_lines(word))
    assert [part.token for part in slices] == sorted(part.token for part in slices)
    for line in layout.lines:
        place = 0
        for part in line:
            assert part == Slice(part.token, place, cell_len(part.text), part.text)
            assert part.width > 0
            place = part.end
        assert place <= width
        assert cell_len("".join(part.text for part in line)) == place


@given(token_lists, widths)
def test_every_token_can_be_pointed_at(words: list[bytes], width: int) -> None:
    layout = laid_out(words, width)
    for index in range(len(words)):
        line, x = layout.position(index)
        assert layout.hit(line, x) == index
    for number, line in enumerate(layout.lines):
        for part in line:
            assert {layout.hit(number, x) for x in range(part.start, part.end)} == {part.token}


@given(token_lists, widths, st.data())
def test_tokens_that_arrive_in_bits_lie_where_all_at_once_would(
    words: list[bytes], width: int, data: st.DataObject
) -> None:
    layout = TokenLayout(width)
    rest = list(words)
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        before = [list(line) for line in layout.lines]
        changed = layout.append(piece_lines(word) for word in rest[:count])
        assert layout.lines[:changed] == before[:changed]
        rest = rest[count:]
    assert layout.lines == laid_out(words, width).lines


@given(token_lists, widths, widths)
def test_another_width_gives_what_it_would_have_given_from_the_start(words: list[bytes], first: int, then: int) -> None:
    layout = laid_out(words, first)
    layout.relayout(then)
    assert layout.lines == laid_out(words, then).lines


def test_pointing_beside_the_tokens_finds_the_nearest_one_before() -> None:
    layout = laid_out([b"ab", b"cd\n", b"ef\n"], 20)
    assert layout.hit(0, 15) == 1
    assert layout.hit(1, 99) == 2
    assert layout.hit(2, 0) == 2
    assert layout.hit(3, 0) is None
    assert layout.hit(-1, 0) is None
    assert TokenLayout(5).hit(0, 0) is None


def test_the_line_below_a_long_token_is_the_one_after_its_end() -> None:
    layout = laid_out([b"ab", b"c" * 9, b"de", b"fg"], 4)
    assert lines(layout) == ["abcc", "cccc", "ccc", "defg"]
    assert layout.next_line(0, 0, 1) == 1
    assert layout.next_line(1, 0, 1) == 2
    assert layout.next_line(2, 2, -1) == 1
    assert layout.next_line(3, 0, 1) is None
    assert layout.next_line(0, 0, -1) is None


def test_a_token_without_anything_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="no text to show"):
        TokenLayout(5).append([("", "")])


def test_clearing_forgets_everything() -> None:
    layout = laid_out([b"a", b"b"], 5)
    layout.clear()
    assert (len(layout), layout.lines) == (0, [])
    layout.append([("x",)])
    assert layout.position(0) == (0, 0)
