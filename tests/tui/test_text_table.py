"""Tables in narrow places: what goes, and in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtui.tui.text import cell_width
from llmtui.tui.text_table import table

HEADER = ("name", "size", "licence", "kind")
ROWS = [("tiny-tales", "12.4 MB", "mit", "GPT2LMHeadModel"), ("distilgpt2", "353 MB", "apache-2.0", "GPT2LMHeadModel")]
MODELS = ("model", "parameters", "context", "on disk", "dtype", "tok/s here", "licence")
LISTED = [("tiny-tales", "6.2M", "512", "12.4 MB", "float16", "342.6 float32", "mit")]


@pytest.mark.parametrize(
    ("width", "left"),
    [(None, HEADER), (48, HEADER), (47, ("name", "size", "kind")), (36, ("name", "size", "kind")), (35, HEADER[:2])],
)
def test_expendable_columns_go_whole_and_in_their_order(width: int | None, left: tuple[str, ...]) -> None:
    lines = table(HEADER, ROWS, "<><<", width=width, expendable=("licence", "kind"))
    assert tuple(lines[0].split()) == left
    assert not any("…" in line for line in lines)
    assert lines[2].split()[1:3] == ["353", "MB"]
    assert {line.index("MB") for line in lines[1:]} == {len("distilgpt2  12.4 ")}  # still aligned to the right


def test_what_still_does_not_fit_has_lines_of_its_own() -> None:
    lines = table(HEADER, ROWS, width=17, expendable=("licence", "kind"))
    assert lines == ["name", "  size", "tiny-tales", "  12.4 MB", "distilgpt2", "  353 MB"]


def test_a_narrow_terminal_breaks_rows_and_shortens_no_name_and_no_number() -> None:
    assert table(MODELS, LISTED, "<>>>", width=60) == [
        "model       parameters  context  on disk  dtype",
        "  tok/s here     licence",
        "tiny-tales        6.2M      512  12.4 MB  float16",
        "  342.6 float32  mit",
    ]


def test_texts_lose_their_middle_before_a_row_is_broken() -> None:
    name = "a" * 20 + "/" + "b" * 20
    lines = table(("model", "on disk"), [(name, "12.4 MB")], "<>", width=36)
    assert lines == ["model" + " " * 24 + "on disk", "a" * 13 + "…" + "b" * 13 + "  12.4 MB"]


def test_without_names_rows_stay_whole() -> None:
    assert table((), [("context", "x" * 40)], width=20) == ["context  xxxxx…xxxxx"]


texts = st.text("ab…漢 /", max_size=30)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4), st.integers(16, 80))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = table(("name", "number", "text"), rows, "<><", width=width)
    assert max(map(cell_width, lines)) <= width
