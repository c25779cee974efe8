"""The panes of a generation: its text, its tokens, the token under the cursor, and how surprising it all was."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.style import Style

from llmtui.engine.events import Event, Failed, Finished, Lookahead, Prefilled, Started, Token
from llmtui.engine.requests import GenerationRequest, SamplingParams
from llmtui.tui import heat
from llmtui.tui.progress import SEPARATOR
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.inspector import Inspector
from llmtui.tui.widgets.output import Kind, Output
from llmtui.tui.widgets.surprisal_strip import SurprisalStrip
from llmtui.tui.widgets.token_view import TokenView

# While tokens stream in, the inspector shows the newest so often: faster, nobody could read it.
INSPECT_SECONDS: Final = 0.25
# An echo of a longer prompt is cut in the middle.
ECHO_CHARACTERS: Final = 8_000


class Panes(Horizontal):
    """Gives each pane its part of what arrives. Texts stay from run to run, tokens are those of the newest."""

    def __init__(self, *, glyphs: GlyphSet, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._mark = "▌" if glyphs == "unicode" else "| "
        self._cross = "✗" if glyphs == "unicode" else "!"
        self._temperature = 0.0
        self._vocab_size: int | None = None
        self._first: int | None = None
        self._ranked: Callable[[Token], int] = _no_ranks
        self._inspected_at = 0.0
        self._asked: SamplingParams | None = None
        self._lookaheads: dict[int, Lookahead] = {}
        self.output = Output(id="output")
        self.tokens = TokenView(glyphs=glyphs, id="tokens")
        self.inspector = Inspector(glyphs=glyphs, id="inspector")
        self.strip = SurprisalStrip(glyphs=glyphs, id="strip")

    def compose(self) -> ComposeResult:
        yield self.output
        with Vertical(id="side"):
            yield self.tokens
            yield self.inspector
            with Vertical(id="strip-box"):
                yield self.strip

    def on_mount(self) -> None:
        self.output.border_title = Content("Output")
        self.query_one("#strip-box").border_title = Content("Surprisal")
        self._name_colour()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._name_colour())

    def use_vocabulary(self, size: int) -> None:
        """How many tokens the loaded model knows."""
        self._vocab_size = size

    def begin(self, request: GenerationRequest, prompt: str, ranked: Callable[[Token], int] | None = None) -> None:
        """A request was made.

        ranked: how many of a token's first candidates are the most probable ones; by default as the request asks for.
        """
        self._temperature = request.params.temperature
        self._asked = request.params
        self._ranked = ranked or (lambda _: request.params.top_logprobs)
        self.output.add(Kind.HEADING, self._mark + ("you" if request.messages else "prompt"))
        self.output.add(Kind.PROMPT, shortened(prompt))
        self.output.follow()
        self._clear_tokens()

    def take(self, events: Sequence[Event]) -> None:
        """Events of the generation, oldest first."""
        tokens: list[Token] = []
        for event in events:
            match event:
                case Started():
                    facts = (event.model, f"T {self._temperature:g}", f"seed {event.seed}")
                    self.output.add(Kind.HEADING, self._mark + SEPARATOR.join(facts))
                    self.output.add(Kind.TEXT, "")
                    self._first = event.prompt_tokens
                case Prefilled():
                    tokens.extend(event.tokens)
                case Token():
                    self._note_missing(event)
                    tokens.append(event)
                case Lookahead():
                    self._lookaheads[event.index] = event
                case Finished() | Failed():
                    self._asked = None
        self.output.extend("".join(event.delta for event in events if isinstance(event, (Token, Finished))))
        self.tokens.append(tokens)
        self.strip.push(tokens)
        end = events[-1] if events else None
        if isinstance(end, Failed):
            self.fail(end.error)
        elif isinstance(end, Finished):
            self.output.add(Kind.NOTE, "")
        self._inspect(at_once=isinstance(end, (Finished, Failed)))

    def fail(self, sentence: str) -> None:
        """The request came to nothing more."""
        self.output.add(Kind.ERROR, f"{self._cross} {sentence}")
        self.output.add(Kind.NOTE, "")

    def clear(self) -> None:
        """Begin with nothing."""
        self.output.clear()
        self._clear_tokens()

    def next_colour(self) -> None:
        """Let the colours tell the next thing."""
        self.tokens.mode = self.tokens.mode.next
        self._name_colour()

    @on(TokenView.CursorMoved)
    def _cursor_moved(self, message: TokenView.CursorMoved) -> None:
        message.stop()
        self._inspect(at_once=True)

    def _inspect(self, *, at_once: bool) -> None:
        """Show the token under the cursor; without a cursor the newest, but not more often than one can read."""
        now = time.monotonic()
        if at_once or now - self._inspected_at >= INSPECT_SECONDS:
            self._inspected_at = now
            token = self.tokens.current
            ranked = 0 if token is None else self._ranked(token)
            lookahead = None if token is None else self._lookaheads.get(token.index)
            self.inspector.show(token, self._vocab_size, ranked, lookahead, self._awaited(token))

    def _awaited(self, token: Token | None) -> int:
        """How many alternatives of a token are still being continued: those of the newest tokens of a running text."""
        asked = self._asked
        if asked is None or token is None or token.is_prompt:
            return 0
        return asked.lookahead if self.tokens.tokens[-1].index - token.index <= asked.lookahead_depth else 0

    def _note_missing(self, token: Token) -> None:
        """Say how many tokens there were before the first one that came, if it is not the first."""
        if self._first is not None and token.index > self._first:
            self.output.add(Kind.NOTE, f"… {token.index - self._first:,} tokens before these are no longer kept …")
            self.output.add(Kind.TEXT, "")
        self._first = None

    def _clear_tokens(self) -> None:
        self.tokens.clear()
        self.strip.clear()
        self._lookaheads.clear()
        self.inspector.show(None)

    def _name_colour(self) -> None:
        side = self.query_one("#side")
        side.border_title = Content(f"Tokens · colour: {self.tokens.mode}")
        side.border_subtitle = Content(" ").join(self._legend())

    def _legend(self) -> list[Content]:
        """What each colour stands for, in it."""
        entries = []
        for entry in heat.legend(self.tokens.mode):
            label = entry.label if self._glyphs == "unicode" else entry.label.replace("≤", "<=")
            style = heat.style(entry.level, dark=self.app.current_theme.dark)
            entries.append(Content.styled(label, Style.from_rich_style(style)))
        return entries


def _no_ranks(_: Token) -> int:
    return 0


def shortened(prompt: str) -> str:
    """A prompt for the output: very long ones without their middle, which says how much of it there is."""
    if len(prompt) <= ECHO_CHARACTERS:
        return prompt
    half = ECHO_CHARACTERS // 2
    return f"{prompt[:half]}\n… {len(prompt) - 2 * half:,} more characters …\n{prompt[-half:]}"
