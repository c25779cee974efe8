"""Tables in narrow places: what goes, and in which order."""

import pytest

from llmtui.tui.text_table import table

HEADER = ("name", "size", "licence", "kind")
ROWS = [("tiny-tales", "12.4 MB", "mit", "GPT2LMHeadModel"), ("distilgpt2", "353 MB", "apache-2.0", "GPT2LMHeadModel")]


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


def test_what_still_does_not_fit_is_cut_in_the_middle() -> None:
    lines = table(HEADER, ROWS, width=17, expendable=("licence", "kind"))
    assert max(map(len, lines)) <= 17
    assert lines[1].startswith("tiny…les")
