"""Whether what the screen says can be read: the contrast of every word, as WCAG 2.1 counts it."""

import pytest
from driving import Opened, app_of, send, until
from textual.color import Color
from textual.pilot import Pilot

from llmtui.tui.app import LlmTui

# WCAG 2.1, success criterion 1.4.3, level AA
LEAST = 4.5


def luminance(color: Color) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def faint(app: LlmTui) -> dict[str, float]:
    """Words of the window on top that have less contrast, with what they have."""
    windows = app.screen.query("#window")
    region = windows.first().region if windows else app.screen.region
    found: dict[str, float] = {}
    words = 0
    for strip in app.screen._compositor.render_strips(app.size)[region.y : region.bottom]:
        for text, style, _ in strip.crop(region.x, region.right):
            if style is None or style.color is None or style.bgcolor is None or not any(map(str.isalnum, text)):
                continue
            words += 1
            light, dark = sorted(luminance(Color.from_rich_color(c)) for c in (style.color, style.bgcolor))[::-1]
            contrast = (light + 0.05) / (dark + 0.05)
            if contrast < LEAST:
                found[text] = round(contrast, 1)
    assert words
    return found


async def closed(pilot: Pilot[None]) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: app_of(pilot).screen is app_of(pilot).main)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_word_of_the_windows_has_contrast(really: Opened, theme: str) -> None:
    async with really() as pilot:
        app = app_of(pilot)
        app.action_theme(theme)
        await pilot.pause()
        assert faint(app) == {}
        for key in ("f1", "f4", "f5", "f8", "f9", "ctrl+o", "alt+m"):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not app.main and bool(app.screen.query("#window")))
            await pilot.pause()
            assert faint(app) == {}, key
            await closed(pilot)
        for command in ("/tokenizer", "/compare Once"):
            await send(pilot, command)
            await until(pilot, lambda: app.screen is not app.main and bool(app.screen.query("#window")))
            await pilot.pause()
            assert faint(app) == {}, command
            await closed(pilot)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_token_has_contrast_in_every_colour(really: Opened, theme: str) -> None:
    async with really(knobs={"seed": 3, "max_new_tokens": 60, "default_temperature": 1.4}) as pilot:
        app = app_of(pilot)
        main = app.main
        app.action_theme(theme)
        await send(pilot, "/learn")
        await send(pilot, "Once upon a time")
        await until(pilot, lambda: main.progress is not None and main.progress.end is not None)
        assert faint(app) == {}
        main.panes.tokens.focus()
        await pilot.press("home")
        for _ in range(5):
            await pilot.press("ctrl+t")
            await pilot.pause()
            assert faint(app) == {}
