import re

import pytest
from driving import Opened, app_of, send, type_text, until
from hostile import screen_text
from scripted_engine import ScriptedEngine
from textual.command import CommandInput, CommandPalette
from textual.content import Content

from llmtui.tui.actions import (
    ACTIONS,
    Action,
    bindings,
    key_labels,
    keys_table,
)
from llmtui.tui.app import LlmTui
from llmtui.tui.glossary import GLOSSARY
from llmtui.tui.palette import ActionProvider
from llmtui.tui.screens.help import help_content
from llmtui.tui.screens.main import MainScreen
from llmtui.tui.text import cell_width
from llmtui.tui.widgets.prompt import Prompt

TARGETS = {"app": LlmTui, "screen": MainScreen, "prompt": Prompt}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_does_something_and_has_a_key_or_a_command(action: Action) -> None:
    assert action.keys or action.slash
    assert callable(getattr(TARGETS[action.target], f"action_{action.id}"))
    assert action.help.endswith((".", "0.2"))


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.keys], ids=lambda action: action.id)
def test_every_key_is_bound_with_an_id_and_a_tooltip(action: Action) -> None:
    own = {binding.key: binding for binding in bindings(action.target)}
    merged = TARGETS[action.target]._merged_bindings
    assert merged is not None
    assert own[action.keys].id == action.id
    assert own[action.keys].tooltip == action.help
    for key in action.keys.split(","):
        assert [binding.action for binding in merged.key_to_bindings[key]] == [action.id]


def test_no_key_and_no_command_means_two_things() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",") if key]
    commands = [action.slash for action in ACTIONS if action.slash]
    assert len(keys) == len(set(keys))
    assert len(commands) == len(set(commands))


def test_no_key_is_one_that_terminals_or_tmux_take() -> None:
    taken = {"ctrl+b", "ctrl+a", "ctrl+h", "ctrl+i", "ctrl+m", "ctrl+z", "ctrl+s", "f6", "f7", "f10", "f11"}
    assert not taken & {key for action in ACTIONS for key in action.keys.split(",")}


def test_every_action_is_in_the_help_and_in_the_readme_table() -> None:
    shown = help_content(200).plain
    table = keys_table()
    for action in ACTIONS:
        assert action.help in shown
        assert action.help in table
        if action.slash:
            assert action.usage in shown
            assert f"`{action.usage}`".replace("|", "\\|") in table
        if action.keys:
            first = key_labels(action).split(" ")[0]
            assert re.search(rf"^{re.escape(first)} ", shown, re.MULTILINE)
            assert f"`{first}`" in table


def test_the_help_explains_the_signs_and_numbers_of_the_screen() -> None:
    shown = help_content(200).plain
    for sign, meaning in GLOSSARY:
        assert re.search(rf"^{re.escape(sign)} +{re.escape(meaning)}$", shown, re.MULTILINE)


def test_the_help_of_a_narrow_terminal_has_its_sentences_below_the_keys() -> None:
    lines = [line.rstrip() for line in help_content(50).plain.splitlines()]
    assert max(map(cell_width, lines)) <= 50
    at = next(number for number, line in enumerate(lines) if line.startswith("^O"))
    assert lines[at].split() == ["^O", "/models", "[NAME]"]
    assert lines[at + 1].strip().startswith("Choose among the models")
    assert len(lines[at + 1].strip()) > 25


def test_the_readme_table_is_markdown_of_three_columns_and_names_the_token_panes_keys() -> None:
    rows = keys_table().splitlines()
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}
    assert any("`[`" in row and "Go back to a token of more than 4 bits" in row for row in rows)


async def test_every_action_is_in_the_palette(opened: Opened) -> None:
    async with opened() as pilot:
        provider = ActionProvider(app_of(pilot).main)
        hits = [hit async for hit in provider.discover()]
        assert [hit.help for hit in hits] == [action.help for action in ACTIONS if action.id != "command_palette"]


async def test_the_palette_names_the_key_and_the_command_of_an_action(opened: Opened) -> None:
    async with opened() as pilot:
        provider = ActionProvider(app_of(pilot).main)
        shown = {hit.help: Content.from_markup(str(hit.display)).plain async for hit in provider.discover()}
        models = next(action for action in ACTIONS if action.id == "models")
        assert shown[models.help] == "Choose a model  (^O  /models)"


async def test_the_palette_finds_and_runs(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: CommandPalette.is_open(app))
        app.screen.query_one(CommandInput).value = "colour"
        await until(pilot, lambda: "Colour of the tokens" in screen_text(app))
        await until(pilot, lambda: app.screen._list_visible)
        await pilot.press("enter")
        await until(pilot, lambda: not CommandPalette.is_open(app) and app.main.panes.tokens.mode == "entropy")


async def test_the_palette_lets_a_command_be_finished_that_needs_more(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: CommandPalette.is_open(app))
        app.screen.query_one(CommandInput).value = "seed"
        await until(pilot, lambda: "Set the seed" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.main.prompt.text == "/seed ")
        assert not CommandPalette.is_open(app)
        assert app.main.prompt.has_focus


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("/set temperature 0.2", "temperature", 0.2),
        ("/set top_k=5", "top_k", 5),
        ("/set top-p 0.5", "top_p", 0.5),
        ("/set max_tokens off", "max_tokens", None),
        ("/set stop the end", "stop", ("the end",)),
        ("/set stop off", "stop", ()),
        ("/seed 9", "seed", 9),
        ("/seed off", "seed", None),
    ],
)
async def test_a_parameter_set_by_command_counts_for_the_next_run(
    opened: Opened, engine: ScriptedEngine, line: str, name: str, value: object
) -> None:
    async with opened(knobs={"seed": 1}) as pilot:
        main = app_of(pilot).main
        main.prompt.write(line)
        await pilot.press("enter")
        await until(pilot, lambda: "from the next run on" in main.status.text)
        await send(pilot, "Once")
        await until(pilot, lambda: engine.runs)
        assert getattr(engine.runs[0].request.params, name) == value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/set temperature 9", "temperature must be between 0 and 2"),
        ("/set temperature warm", "temperature must be a number"),
        ("/set temperature nan", "temperature must be a number"),
        ("/set top_k 2.5", "top_k must be a whole number"),
        ("/set warmth 1", "warmth is no parameter"),
        ("/set temperature", "temperature is 0.7"),
        ("/seed -1", "seed must be between 0"),
        ("/theme pink", "/theme dark or /theme light"),
        ("/chat maybe", "/chat on or /chat off"),
        ("/again", "no prompt to run again"),
        ("/save /no/such/folder/x", "cannot be written"),
    ],
)
async def test_a_command_that_cannot_be_done_names_the_reason_and_changes_nothing(
    opened: Opened, line: str, words: str
) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        params = main.session.params
        if line.startswith("/save"):
            main.session.begin("Once")
        main.prompt.write(line)
        await pilot.press("enter")
        await until(pilot, lambda: words in main.status.text)
        assert main.session.params == params


async def test_a_text_that_begins_with_a_slash_is_sent_with_two(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        await send(pilot, "//etc/hosts")
        await until(pilot, lambda: engine.runs)
        assert engine.runs[0].request.prompt == "/etc/hosts"


async def test_tab_completes_a_command_and_the_status_says_what_it_takes(opened: Opened) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await type_text(pilot, "/se")
        await until(pilot, lambda: main.status.aside == "/set NAME VALUE  /seed N")
        await pilot.press("tab")
        assert main.prompt.text == "/se"
        assert main.prompt.has_focus
        await type_text(pilot, "e")
        await pilot.press("tab")
        assert main.prompt.text == "/seed "
        assert main.prompt.has_focus
        await until(pilot, lambda: main.status.aside.startswith("/seed N: Same seed"))


async def test_a_click_on_the_key_bar_does_what_the_key_does(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        line = screen_text(app).splitlines()[-1]
        await pilot.click("#keys", offset=(line.index("Help"), 0))
        await until(pilot, lambda: "Keys and commands" in screen_text(app))


async def test_parameters_are_set_in_their_window_and_a_wrong_one_is_told(opened: Opened) -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: app.screen.query("#temperature") and app.screen.focused is not None)
        await pilot.press("0", ".", "3", "down", "7", "down", "9")
        await until(pilot, lambda: "top_p must be above 0" in screen_text(app))
        assert (app.main.session.params.temperature, app.main.session.params.top_k) == (0.3, 7)
        assert app.main.session.params.top_p == 1.0
        await pilot.press("escape")
        await until(pilot, lambda: "esc again closes" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
