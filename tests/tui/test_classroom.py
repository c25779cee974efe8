import json
from pathlib import Path

import pytest
from driving import Opened, app_of, send, until
from hostile import screen_text
from scripted_engine import ScriptedEngine
from textual.pilot import Pilot

from llmtui.insight.lessons.course import COURSE
from llmtui.system.learned import FILE, ProgressError, load_learned, save_learned


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where progress is kept."""
    monkeypatch.setattr("llmtui.system.learned.state_dir", lambda: tmp_path)
    return tmp_path / FILE


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_lesson_opens_beside_the_panes_and_closes(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await pilot.press("f12")
        await until(pilot, lambda: "Lesson 1 of 8" in screen_text(pilot.app))
        assert "Try it" in screen_text(pilot.app) or size[1] < 30
        await pilot.press("tab", "n")
        await until(pilot, lambda: "Lesson 2 of 8" in screen_text(pilot.app))
        await pilot.press("p", "p")
        await until(pilot, lambda: "Lesson 1 of 8" in screen_text(pilot.app))
        await pilot.press("f12")
        await until(pilot, lambda: "Lesson 1" not in screen_text(pilot.app))
        assert app_of(pilot).main.prompt.has_focus


async def write_greedily(pilot: Pilot[None], engine: ScriptedEngine) -> None:
    """One token at temperature 0, which is a task of lesson 3."""
    await send(pilot, "/set temperature 0")
    await send(pilot, "The cat sat")
    await until(pilot, lambda: engine.runs)
    engine.runs[0].start()
    engine.runs[0].yield_tokens(1)
    engine.runs[0].finish()


async def test_what_was_done_is_noticed_told_and_kept(opened: Opened, engine: ScriptedEngine, kept: Path) -> None:
    async with opened() as pilot:
        await send(pilot, "/learn 3")
        await until(pilot, lambda: "Lesson 3 of 8" in screen_text(pilot.app))
        await write_greedily(pilot, engine)
        await until(pilot, lambda: "1 of 1 tokens had rank 1" in screen_text(pilot.app))
        assert "✓" in screen_text(pilot.app)
        assert json.loads(kept.read_text())["logits.greedy"] == "1 of 1 tokens had rank 1"
        await send(pilot, "/architecture ./nowhere")
        await until(pilot, lambda: "block.diagram" in json.loads(kept.read_text()))
        await pilot.press("escape")


async def test_a_small_terminal_goes_from_the_lesson_to_the_tokens_and_back(opened: Opened) -> None:
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("f12")
        await until(pilot, lambda: "Lesson 1 of 8" in screen_text(pilot.app))
        await pilot.press("f2")
        await until(pilot, lambda: "Tokens · colour" in screen_text(pilot.app))
        await pilot.press("f12")
        await until(pilot, lambda: "Lesson 1 of 8" in screen_text(pilot.app))
        await pilot.press("f2")
        await until(pilot, lambda: "Tokens · colour" in screen_text(pilot.app))
        await pilot.press("f2")
        await until(pilot, lambda: "Output" in screen_text(pilot.app))


async def test_the_status_says_of_which_lesson_something_was_done(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(size=(80, 24)) as pilot:
        await send(pilot, "/learn 3")
        await write_greedily(pilot, engine)
        await until(pilot, lambda: "lesson 3: 1 of 3 done" in screen_text(pilot.app))


async def test_what_was_found_before_is_shown_again(opened: Opened, kept: Path) -> None:
    kept.write_text(json.dumps({"logits.greedy": "40 of 40 tokens had rank 1"}))
    async with opened() as pilot:
        await pilot.press("f12")
        await until(pilot, lambda: "Lesson 1 of 8" in screen_text(pilot.app))
        await pilot.press("tab", "n", "n")
        await until(pilot, lambda: "40 of 40 tokens had rank 1" in screen_text(pilot.app))


async def test_a_lesson_that_is_not_there_is_refused(opened: Opened) -> None:
    async with opened() as pilot:
        await send(pilot, "/learn 9")
        await until(pilot, lambda: "a number from 1 to 8" in app_of(pilot).main.status.text)


async def test_progress_that_cannot_be_kept_is_told(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: dict[str, str]) -> None:
        raise ProgressError("the disk is full")

    monkeypatch.setattr("llmtui.tui.classroom.save_learned", refuse)
    async with opened() as pilot:
        await pilot.press("f12")
        await send(pilot, "/architecture ./nowhere")
        await until(pilot, lambda: app_of(pilot).main.status.text == "the disk is full")


async def test_the_last_page_left_open_is_the_one_to_begin_with(opened: Opened, kept: Path) -> None:
    kept.write_text(json.dumps({task.id: "done" for task in COURSE[0].tasks}))
    async with opened(lesson="") as pilot:
        await until(pilot, lambda: "Lesson 2 of 8" in screen_text(pilot.app))


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"a": 1}'])
def test_a_broken_file_counts_as_nothing_learned(tmp_path: Path, broken: str) -> None:
    (tmp_path / FILE).write_text(broken)
    assert load_learned(tmp_path) == {}
    save_learned({"tokens.words": "4 words — 4 tokens"}, tmp_path)
    assert load_learned(tmp_path) == {"tokens.words": "4 words — 4 tokens"}


def test_a_folder_that_takes_nothing_is_an_error_with_a_path(tmp_path: Path) -> None:
    with pytest.raises(ProgressError, match=FILE):
        save_learned({}, tmp_path / "nowhere")
