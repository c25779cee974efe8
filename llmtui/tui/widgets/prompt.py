"""Where the person types."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from llmtui.tui.actions import bindings
from llmtui.tui.text import GLYPHS, GlyphSet

# Pasting more than this into an editor that wraps every line would stall the screen.
MAX_TEXT: Final = 100_000

TO_CONTINUE: Final = "Type a beginning, such as: Once upon a time"
TO_CHAT: Final = "Type a message"

# Control characters, what reorders text (bidirectional marks), other line ends, and halves of characters.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Prompt(TextArea):
    """A text of one to five lines that Enter sends; the arrows walk through earlier prompts at its edges."""

    BINDING_GROUP_TITLE = "Prompt"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]
    DEFAULT_CSS = """
    Prompt {
        height: auto;
        min-height: 3;
        max-height: 7;
        padding: 0 1;
        border: solid $border-blurred;
        border-title-color: $text-muted;
        background: $surface;
        scrollbar-size-vertical: 1;
        &:focus { border: solid $border; }
        & .text-area--placeholder { color: $text-disabled; }
    }
    """

    @dataclass
    class Submitted(Message):
        """The person wants this text sent. It stays in the prompt until it is taken."""

        text: str

    @dataclass
    class ScrollWanted(Message):
        """The person wants to read `pages` further in the output."""

        pages: int

    @dataclass
    class Warned(Message):
        """Something was not taken as it came; `reason` says what and why."""

        reason: str

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        signs = GLYPHS[glyphs]
        super().__init__(
            id=id,
            placeholder=TO_CONTINUE,
            highlight_cursor_line=False,
            show_line_numbers=False,
            tab_behavior="focus",
        )
        # An idle screen sends nothing.
        self.cursor_blink = False
        self.border_title = Content(f"Prompt {signs.rule} Enter sends {signs.dot} ^J new line {signs.dot} / commands")
        self._prompts: list[str] = []
        self._place = 0
        self._draft = ""

    def invite(self, *, chat: bool) -> None:
        """Say, while it is empty, what a text in it is for: a turn of a conversation, or one to be continued."""
        self.placeholder = TO_CHAT if chat else TO_CONTINUE

    def take(self) -> None:
        """The text was sent: remember it, and be empty."""
        if self.text and (not self._prompts or self._prompts[-1] != self.text):
            self._prompts.append(self.text)
        self._place = len(self._prompts)
        self.write("")

    def write(self, text: str) -> None:
        """Replace the text and put the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    # keys

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter" or event.key.startswith("alt+"):
            # Not the newline of a text area, nor the letter that a terminal sends with alt: it bubbles to the binding.
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        text, removed = _HARMFUL.subn("", event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(self.text) + len(text) > MAX_TEXT:
            self.post_message(
                self.Warned(
                    f"{len(text):,} characters are too many to paste (at most {MAX_TEXT:,}): "
                    "`llmtui generate -` reads a text of any length"
                )
            )
            return
        if removed:
            self.post_message(self.Warned(f"{removed} control characters were left out of the paste"))
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
            self.focus()

    def action_send(self) -> None:
        """Offer the text to whoever sends it."""
        self.post_message(self.Submitted(self.text))

    def action_newline(self) -> None:
        """Begin a new line at the cursor."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_earlier(self) -> None:
        """One line up; from the first line: the prompt before."""
        at = self.cursor_location
        if not (self.navigator.is_first_document_line(at) and self.navigator.is_first_wrapped_line(at)):
            self.action_cursor_up()
        elif self._place > 0:
            self._walk_to(self._place - 1)
        else:
            # to whatever else the key means around the prompt
            raise SkipAction()

    def action_later(self) -> None:
        """One line down; from the last line: the prompt after, and at last what was being typed."""
        at = self.cursor_location
        if not (self.navigator.is_last_document_line(at) and self.navigator.is_last_wrapped_line(at)):
            self.action_cursor_down()
        elif self._place < len(self._prompts):
            self._walk_to(self._place + 1)
        else:
            raise SkipAction()

    def action_output_up(self) -> None:
        """Ask for the page of output before."""
        self.post_message(self.ScrollWanted(-1))

    def action_output_down(self) -> None:
        """Ask for the page of output after."""
        self.post_message(self.ScrollWanted(1))

    def _walk_to(self, place: int) -> None:
        if self._place == len(self._prompts):
            self._draft = self.text
        self._place = place
        self.write(self._prompts[place] if place < len(self._prompts) else self._draft)
