"""The window of all requests, and one of them opened."""

import re

import pytest
from driving import Opened, app_of, layouts, open_window, until
from hostile import TEXTS, harmful, screen_text
from scripted_engine import ScriptedEngine, ScriptedRun
from textual.pilot import Pilot

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Finished, Token
from llmtui.tui.screens.requests import RequestsScreen, empty_words
from llmtui.tui.screens.watch import WatchScreen
from llmtui.tui.serving import Serving

SERVING = Serving("http://127.0.0.1:5000", ("alice", "bob"))


def arrive(engine: ScriptedEngine, client: str = "alice", prompt: str = "Once upon a time") -> ScriptedRun:
    """A request of somebody else."""
    engine.submit(GenerationRequest(prompt=prompt, client=client, params=SamplingParams(max_tokens=200)))
    return engine.runs[-1]


async def open_request(pilot: Pilot[None]) -> WatchScreen:
    await open_window(pilot, "f4", RequestsScreen)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen) and pilot.app.screen.focused is not None)
    screen = pilot.app.screen
    assert isinstance(screen, WatchScreen)
    return screen


async def test_rows_tell_who_asks_and_how_far_it_is(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(serving=SERVING) as pilot:
        for client in ("alice", "10.0.0.7"):
            arrive(engine, client)
        engine.runs[0].start()
        engine.runs[0].yield_tokens(57)
        screen = await open_window(pilot, "f4", RequestsScreen)
        await until(pilot, lambda: "57/200" in screen_text(pilot.app))
        lines = screen_text(pilot.app).splitlines()
        [alice] = [line for line in lines if re.search(r"alice +tiny-tales", line)]
        assert re.search(r"running +57/200 +31\.4 +300 ms +1\.8 s +" + engine.runs[0].request.request_id[:12], alice)
        [other] = [line for line in lines if "10.0.0.7" in line]
        assert re.search(r"waiting +0/200 +– +300 ms +–", other)
        facts = " ".join(line for line in lines if "1 running, 1 waiting" in line)
        assert "31.4 tok/s in all · http://127.0.0.1:5000 · keys: alice, bob" in facts
        engine.runs[0].finish("cancelled")
        engine.runs[1].finish()
        screen.look()
        assert [re.split(r" {2,}", line)[1:3] for line in screen.table.lines(80)[1:]] == [
            ["done", "0/200"],
            ["stopped", "57/200"],
        ]


@pytest.mark.parametrize(
    ("serving", "words"),
    [
        (None, "start llmtui --serve"),
        (Serving("http://127.0.0.1:5000"), "curl -N http://127.0.0.1:5000/generate -d '{"),
        (SERVING, "-H 'Authorization: Bearer KEY'"),
        (Serving("http://0.0.0.0:80", ("generated",), "llmtui-abc"), "-H 'Authorization: Bearer llmtui-abc'"),
    ],
)
async def test_without_requests_it_says_how_to_send_one(opened: Opened, serving: Serving | None, words: str) -> None:
    assert words in empty_words(serving)
    async with opened(size=(80, 24), serving=serving) as pilot:
        screen = await open_window(pilot, "f4", RequestsScreen)
        shown = "".join(screen.table.lines(screen.table.window.width)[1:])
        assert empty_words(serving).replace("\n", "") == shown
        if serving is not None and serving.generated_key:
            assert "llmtui-abc" in screen_text(pilot.app)


async def test_a_request_is_stopped_without_a_question_and_the_window_says_so(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        screen = await open_window(pilot, "f4", RequestsScreen)
        await pilot.press("x")
        await until(pilot, lambda: "there is no request to stop" in screen_text(pilot.app))
        run = arrive(engine, "bob")
        run.start()
        run.yield_tokens(3)
        screen.look()
        await pilot.press("x")
        await until(pilot, lambda: f"stopped bob's request {run.request.request_id[:12]}" in screen_text(pilot.app))
        assert "after 3 tokens" in screen_text(pilot.app)
        assert run.cancelled
        await pilot.press("escape")
        assert pilot.app.screen is app_of(pilot).main


async def test_opening_one_shows_what_was_and_follows_what_comes(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        run = arrive(engine)
        run.start()
        run.yield_tokens(5)
        screen = await open_request(pilot)
        panes = screen.panes
        await until(pilot, lambda: len(panes.tokens.tokens) == 9)
        assert "Once upon a time" in panes.output.text
        assert run.text in panes.output.text
        assert f"request of alice · tiny-tales · {run.request.request_id}" in screen_text(pilot.app)
        run.yield_tokens(4)
        await until(pilot, lambda: len(panes.tokens.tokens) == 13)
        assert screen.status.text.startswith("generating 9/200")
        await pilot.press("home", "right", "right")
        assert panes.inspector.token is panes.tokens.tokens[2]
        await pilot.press("s")
        assert panes.inspector.sampled
        await pilot.press("ctrl+t")
        assert panes.tokens.mode == "entropy"
        run.finish()
        await until(pilot, lambda: screen.status.text.startswith("done 9/200"))
        assert run.text in panes.output.text
        await pilot.press("escape")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen) and pilot.app.screen is not screen)
        again = pilot.app.screen
        assert isinstance(again, WatchScreen)
        await until(pilot, lambda: again.status.text.startswith("done 9/200"))
        assert list(again.panes.tokens.tokens) == list(panes.tokens.tokens)


async def test_leaving_it_leaves_the_request_alone_and_stopping_stops_it(
    opened: Opened, engine: ScriptedEngine
) -> None:
    async with opened() as pilot:
        run = arrive(engine)
        run.start()
        run.yield_tokens(2)
        await open_request(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsScreen))
        assert not run.cancelled
        await until(pilot, lambda: not run.stream._watchers)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
        await pilot.press("x")
        screen = pilot.app.screen
        assert isinstance(screen, WatchScreen)
        await until(pilot, lambda: screen.status.text.startswith("stopped 2/200"))
        assert run.cancelled


async def test_one_that_ended_meanwhile_is_told(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        run = arrive(engine)
        screen = await open_window(pilot, "f4", RequestsScreen)
        run.finish()
        screen.look()
        await pilot.press("x")
        await until(pilot, lambda: "has ended already" in screen_text(pilot.app))
        engine.forgotten.append(run)
        await pilot.press("enter")
        await until(pilot, lambda: f"request {run.request.request_id} has ended" in screen_text(pilot.app))
        assert isinstance(pilot.app.screen, RequestsScreen)


async def test_a_small_terminal_shows_the_tokens_first_and_flips(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened(size=(80, 24)) as pilot:
        run = arrive(engine)
        run.start()
        run.yield_tokens(5)
        screen = await open_request(pilot)
        await until(pilot, lambda: screen.panes.tokens.region.area)
        assert not screen.panes.output.region.area
        await pilot.press("f2")
        await until(pilot, lambda: screen.panes.output.has_focus)
        assert not screen.panes.tokens.region.area


async def test_names_of_clients_and_prompts_are_harmless(opened: Opened, engine: ScriptedEngine) -> None:
    async with opened() as pilot:
        # half of a surrogate pair never gets past the engine's door
        for text in (text for text in TEXTS if text.isprintable() or text.encode("utf-8", "ignore").decode() == text):
            arrive(engine, text, text or "x").start()
        await open_window(pilot, "f4", RequestsScreen)
        assert not harmful(screen_text(pilot.app).replace("\n", ""))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
        await pilot.pause()
        assert not harmful(screen_text(pilot.app).replace("\n", ""))


async def test_looking_lays_nothing_out_and_draws_nothing_where_nothing_changed(
    opened: Opened, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        run = arrive(engine)
        run.start()
        screen = await open_window(pilot, "f4", RequestsScreen)
        seen = await layouts(pilot, monkeypatch)
        drawn: list[object] = []
        monkeypatch.setattr(screen.table, "refresh", lambda *regions, **_: drawn.extend(regions))
        screen.look()
        assert drawn == []
        run.yield_tokens(7)
        screen.look()
        await pilot.pause()
        assert len(drawn) == 1
        assert seen == []


async def test_the_header_tells_the_address_the_keys_and_the_queue(opened: Opened) -> None:
    async with opened(serving=SERVING) as pilot:
        header = app_of(pilot).main.header
        first = screen_text(pilot.app).splitlines()[0]
        assert "api 127.0.0.1:5000 · 2 keys ·  0 run,  0 wait" in first
        header.show_queue(12, 3)
        await until(pilot, lambda: "12 run,  3 wait" in screen_text(pilot.app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "api 127.0.0.1:5000 · 12 run,  3 wait" in screen_text(pilot.app))
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: "127.0.0.1" not in screen_text(pilot.app))
        await open_window(pilot, "f4", RequestsScreen)
        assert "http://127.0.0.1:5000" in screen_text(pilot.app)


def test_one_key_is_named() -> None:
    assert Serving("http://h:1", ("alice",)).keys == "key alice"
    assert Serving("http://h:1").keys == ""


async def test_somebody_elses_tokens_on_the_real_engine(really: Opened, tiny_tales_engine: Engine) -> None:
    async with really() as pilot:
        window = await open_window(pilot, "f4", RequestsScreen)
        params = SamplingParams(max_tokens=400, ignore_eos=True, top_logprobs=0, seed=5)
        stream = tiny_tales_engine.submit(GenerationRequest(prompt="The fox", params=params, client="alice"))
        window.look()
        window.table.action_move(-100)
        while window.table.current != stream.request_id:
            window.table.action_move(1)
        # pilot.press waits until the processor is idle, and a generation would be over by then
        pilot.app.simulate_key("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
        screen = pilot.app.screen
        assert isinstance(screen, WatchScreen)
        await until(pilot, lambda: screen.progress.end is not None, timeout=60)
        own = [event for event in stream if isinstance(event, (Token, Finished))]
        shown = screen.panes.tokens.tokens
        assert [token.id for token in shown] == [token.id for token in own if isinstance(token, Token)]
        assert isinstance(own[-1], Finished)
        assert own[-1].text.split() == screen.panes.output.text.split()[-len(own[-1].text.split()) :]
        assert len(shown[-1].candidates) >= 10
        assert "400/400" in screen.status.text
