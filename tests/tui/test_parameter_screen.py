"""The parameters window: what is typed counts when it is good, and what is not taken is never passed over."""

from driving import Opened, app_of, open_window, type_text, until
from hostile import screen_text
from textual.pilot import Pilot
from textual.widgets import Input

from llmtui.tui.screens.main import MainScreen
from llmtui.tui.screens.parameters import ParameterScreen


def told(pilot: Pilot[None]) -> str:
    return " ".join(screen_text(pilot.app).replace("│", " ").split())


async def test_a_wrong_value_is_told_until_it_is_mended_whatever_else_is_typed(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_window(pilot, "f5", ParameterScreen)
        await type_text(pilot, "9")
        await pilot.press("down")
        await type_text(pilot, "7")
        await until(pilot, lambda: app_of(pilot).main.session.params.top_k == 7)
        assert "✗ temperature must be" in told(pilot)
        screen.query_one("#temperature", Input).value = "0.2"
        await until(pilot, lambda: "✗" not in told(pilot))
        assert app_of(pilot).main.session.params.temperature == 0.2


async def test_escape_with_a_wrong_value_says_what_stays_and_only_then_closes(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_window(pilot, "f5", ParameterScreen)
        await type_text(pilot, "9")
        await pilot.press("down", "escape")
        await until(pilot, lambda: "not taken: temperature stays 0.7" in told(pilot))
        assert pilot.app.screen is screen
        await until(pilot, lambda: screen.focused is screen.query_one("#temperature"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        assert app_of(pilot).main.session.params.temperature == 0.7


async def test_a_value_good_only_on_the_way_to_a_wrong_one_does_not_count(opened: Opened) -> None:
    async with opened() as pilot:
        await open_window(pilot, "f5", ParameterScreen)
        await pilot.press("down")
        await type_text(pilot, "9.5")
        await until(pilot, lambda: "top_k must be a whole number" in told(pilot))
        assert app_of(pilot).main.session.params.top_k == 50


async def test_every_help_can_be_read_whole_on_a_narrow_terminal(opened: Opened) -> None:
    async with opened(size=(60, 20)) as pilot:
        await open_window(pilot, "f5", ParameterScreen)
        await pilot.press("down")
        await until(pilot, lambda: "top_k: keep the k most probable tokens; 0 is off" in told(pilot))


async def test_what_is_wrong_is_in_sight_on_the_lowest_terminal(opened: Opened) -> None:
    async with opened(size=(60, 12)) as pilot:
        await open_window(pilot, "f5", ParameterScreen)
        await type_text(pilot, "9")
        await until(pilot, lambda: "✗ temperature must be" in told(pilot))


async def test_down_goes_to_the_next_field_where_the_rows_scroll(opened: Opened) -> None:
    async with opened(size=(60, 12)) as pilot:
        screen = await open_window(pilot, "f5", ParameterScreen)
        await pilot.press(*["down"] * 14)
        await until(pilot, lambda: screen.focused is screen.query_one("#stop"))
        await until(pilot, lambda: "stop off" in told(pilot))
