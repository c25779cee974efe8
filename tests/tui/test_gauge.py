import math

import pytest
from driving import layouts
from hostile import harmful
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from tokens import bits, make_token

from llmtui.tui.text import GLYPHS
from llmtui.tui.widgets.gauge import Gauge
from llmtui.tui.widgets.surprisal_strip import SurprisalStrip


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.gauge = Gauge("cpu")
        self.strip = SurprisalStrip()

    def compose(self) -> ComposeResult:
        yield self.gauge
        yield self.strip


def test_the_bars_stand_for_the_whole_range_and_not_for_the_datas_own() -> None:
    gauge = Gauge("cpu")
    for percent in (3, 4, 3, 4, 3):
        gauge.push(percent)
    assert gauge.text == "cpu   3% ▁▁▁▁▁"
    for percent in (0, 50, 75, 100, 100):
        gauge.push(percent)
    assert gauge.text == "cpu 100% ▁▄▆██"


def test_samples_come_in_from_the_right_and_the_width_never_changes() -> None:
    gauge = Gauge("cpu")
    empty = gauge.text
    assert empty == "cpu    –      "
    widths = {cell_len(empty)}
    for percent in (100, 0, None, math.nan, 1e9, -3, 50):
        gauge.push(percent)
        widths.add(cell_len(gauge.text))
    assert widths == {14}
    one = Gauge("cpu")
    one.push(100)
    assert one.text == "cpu 100%     █"


def test_a_gauge_can_say_its_value_in_another_unit() -> None:
    gauge = Gauge("ram")
    gauge.push(37.5, "1.2G")
    assert gauge.text == "ram 1.2G     ▃"


def test_an_ascii_gauge_needs_no_unicode() -> None:
    gauge = Gauge("cpu", glyphs="ascii")
    gauge.push(None)
    gauge.push(60)
    assert gauge.text.isascii()


def test_a_hostile_label_is_shown_by_name() -> None:
    gauge = Gauge("\x1b[31m\u202e")
    assert harmful(gauge.text) == set()


async def test_a_sample_draws_one_line_without_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=(60, 4)) as pilot:
        seen = await layouts(pilot, monkeypatch)
        for percent in (10, 50, 95):
            app.gauge.push(percent)
        app.strip.push([make_token(prob=0.5)])
        await pilot.pause()
        assert seen == []
        assert app.gauge.render_line(0).text == "cpu  95%   ▁▄█"
        assert app.gauge.size.height == 1
        [segment] = app.gauge.render_line(0)
        assert segment.style is not None
        assert segment.style.bold


def test_mean_and_perplexity_are_over_every_generated_token() -> None:
    strip = SurprisalStrip()
    assert strip.line(40).split() == ["mean", "–", "bit", "ppl", "–"]
    surprisals = [0.5, 7.25, 3.0, 1.0]
    strip.push([make_token(prob=bits(20), is_prompt=True), make_token(prob=None)])
    for surprisal in surprisals:
        strip.push([make_token(prob=bits(surprisal))])
    probs = [bits(s) for s in surprisals]
    assert strip.mean_bits == pytest.approx(sum(surprisals) / 4)
    assert strip.perplexity == pytest.approx(math.prod(probs) ** (-1 / 4))
    assert strip.line(40).endswith("mean 2.9 bit  ppl 7.7")
    strip.clear()
    assert strip.mean_bits is None


def test_more_bits_are_higher_bars_and_the_latest_stand_at_the_end() -> None:
    strip = SurprisalStrip()
    strip.push([make_token(prob=bits(s)) for s in (0.2, 1.5, 2.5, 6.5, 7.5, 300)])
    assert strip.line(60).split("  ")[0] == "▁▂▃▇██"
    numbers = strip.line(0)
    assert strip.line(len(numbers) + 2 + 3) == "▇██  " + numbers


def test_a_mean_without_end_is_said_to_be_endless() -> None:
    strip = SurprisalStrip()
    for _ in range(3):
        strip.push([make_token(prob=5e-324)])
    assert strip.perplexity == math.inf
    assert strip.line(60).endswith("ppl ∞")


@given(st.lists(st.floats(0, 60), max_size=30), st.integers(0, 80))
def test_the_strip_never_writes_more_bars_than_tokens(surprisals: list[float], width: int) -> None:
    strip = SurprisalStrip()
    strip.push([make_token(prob=bits(s)) for s in surprisals])
    bars = sum(char in GLYPHS["unicode"].bars[1:] for char in strip.line(width))
    assert bars <= min(len(surprisals), width)
