import pytest
from hostile import BIDI, BYTES, TEXTS, ZERO_WIDTH, harmful
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmtui.tui.text import GlyphSet, cell_width, middle_ellipsis, piece, piece_lines, visible, visible_multiline

SETS: tuple[GlyphSet, ...] = ("unicode", "ascii")
anything = st.text(st.characters(), max_size=20)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b" cat", "␣cat"),
        (b"  ", "␣␣"),
        (b"       ", "␣×7"),
        (b"a b", "a␣b"),
        (b"\n", "↵"),
        (b".\n\n", ".↵↵"),
        (b"\n" * 5, "↵×5"),
        (b"\t", "⇥"),
        (b"\xe2\x96", "‹E2 96›"),
        (b" \xf0\x9f", "␣‹F0 9F›"),
        (b"ok\xff", "ok‹FF›"),
        (b"\xed\xa0\x80", "‹ED A0 80›"),
        ("東京".encode(), "東京"),
        ("\u0301".encode(), "◌\u0301"),
        (b"\x1b[31m", "‹ESC›[31m"),
        (b"\x7f", "‹DEL›"),
        ("\x9b".encode(), "‹U+009B›"),
        ("\u202e".encode(), "‹U+202E›"),
        ("\ufeff".encode(), "‹U+FEFF›"),
        ("\u3164".encode(), "‹U+3164›"),
        ("\u00a0".encode(), "‹U+00A0›"),
        ("␣".encode(), "‹U+2423›"),
        (b"", "‹›"),
        (b"[/b]", "[/b]"),
    ],
)
def test_a_token_is_shown_as_what_it_really_is(data: bytes, shown: str) -> None:
    assert piece(data) == shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b" cat", "_cat"),
        (b"\n", "\\n"),
        (b"\t", "\\t"),
        (b"       ", "_x7"),
        (b"\xe2\x96", "<E2 96>"),
        (b"\x1b", "<ESC>"),
        ("\u0301".encode(), "<U+0301>"),
        (b"", "<>"),
    ],
)
def test_the_ascii_glyphs_need_no_unicode(data: bytes, shown: str) -> None:
    assert piece(data, glyphs="ascii") == shown
    assert shown.isascii()


@pytest.mark.parametrize("glyphs", SETS)
@pytest.mark.parametrize("data", BYTES)
def test_no_hostile_bytes_leave_a_piece_raw(data: bytes, glyphs: GlyphSet) -> None:
    shown = piece(data, glyphs=glyphs)
    assert harmful(shown) == set()
    assert cell_len(shown) >= 1


@given(st.one_of(st.binary(max_size=12), anything.map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_every_piece_has_a_width_and_no_two_add_up_to_another_one(data: bytes) -> None:
    for glyphs in SETS:
        shown = piece(data, glyphs=glyphs)
        assert harmful(shown) == set()
        assert cell_len(shown) >= 1
        assert cell_len("e" + shown) == 1 + cell_len(shown)
        parts = piece_lines(data, glyphs=glyphs)
        assert "".join(parts) == shown
        assert all(parts[:-1])
        assert sum(map(cell_len, parts)) == cell_len(shown)


def test_pieces_break_the_line_after_newlines_and_nowhere_else() -> None:
    assert piece_lines(b".\n\nNow") == (".↵↵", "Now")
    assert piece_lines(b"\n") == ("↵", "")
    assert piece_lines("a\u2028b\x0bc\x85".encode()) == ("a‹U+2028›b‹VT›c‹U+0085›",)


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_becomes_visible(text: str) -> None:
    assert harmful(visible(text)) == set()
    assert harmful(visible_multiline(text).replace("\n", "")) == set()
    visible(text).encode()


def test_visible_names_what_it_replaces_and_leaves_the_rest() -> None:
    assert visible("a\x1b[0m") == "a‹ESC›[0m"
    assert visible("x\ny\tz") == "x↵y⇥z"
    assert visible("x\ny\tz", glyphs="ascii") == "x\\ny\\tz"
    assert visible(BIDI + ZERO_WIDTH) == "".join(f"‹U+{ord(c):04X}›" for c in BIDI + ZERO_WIDTH)
    assert visible("\ud83d") == "‹U+D83D›"
    plain = "Ünï [/b] \\[y 東京 é 👍🏽 a\u00a0b\u3000c ␣"
    assert visible(plain) == plain


def test_several_lines_stay_several_lines() -> None:
    assert visible_multiline("a\r\nb\n\n\tc\rd") == "a\nb\n\n    c‹CR›d"


@given(anything)
def test_visible_text_is_harmless_and_stays_as_it_is_when_shown_again(text: str) -> None:
    once = visible(text)
    assert harmful(once) == set()
    assert visible(once) == once


@given(st.text(st.sampled_from("aé東👍🏽❤\ufe0f\u0301 "), max_size=30), st.integers(0, 20))
def test_middle_ellipsis_keeps_within_the_width_and_keeps_both_ends(text: str, width: int) -> None:
    short = middle_ellipsis(text, width)
    assert cell_width(short) <= width
    if width and cell_width(text) <= width:
        assert short == text
    elif width:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


def test_middle_ellipsis_cuts_the_middle() -> None:
    assert middle_ellipsis("abcdefghij", 5) == "ab…ij"
    assert middle_ellipsis("abcdefghij", 5, glyphs="ascii") == "ab~ij"
    assert middle_ellipsis("東京東京東京", 6) == "東…京"
