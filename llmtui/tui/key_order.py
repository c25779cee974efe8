"""One key after the other: each finds the focus where the keys before it have put it.

Textual hands a key to what has the focus when it comes. What the key before does, such as Down that goes to the next
field, is done later, when nothing wanted it on its way up to the program. Keys that come together, as from a slow line
or a paste, would go to the field before, or to the screen below a window that is about to open.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from textual.app import App
from textual.events import Event
from textual.message_pump import MessagePump

# A key is given at last, whatever still works on the one before: quitting must not wait.
PATIENCE_SECONDS: Final = 0.5


class KeyOrder:
    """Holds keys and pastes back until those before are done, and has the program take them one at a time."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._held: deque[Event] = deque()
        self._due: Event | None = None
        self._last: MessagePump | None = None
        self._task: asyncio.Task[None] | None = None

    def hold(self, event: Event) -> bool:
        """Whether a key or a paste must wait: it comes again when it is its turn."""
        if event is self._due:
            self._due = None
            self._last = self._app.focused or self._app.screen
            return False
        self._held.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._release())
        return True

    async def _release(self) -> None:
        while self._held:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled(), PATIENCE_SECONDS)
            self._due = self._held.popleft()
            self._app.post_message(self._due)

    async def _settled(self) -> None:
        """Wait for what the last key was given to, for what that said in turn, and for what has the focus then."""
        await _worked_off(self._app)
        await _worked_off(self._last)
        await _worked_off(self._last)
        await _worked_off(self._app.focused or self._app.screen)


async def _worked_off(node: MessagePump | None) -> None:
    """Wait until a node, and then all above it, have worked off what they have been told by now."""
    while node is not None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if node.call_later(_mark, done):
            await done
        node = node._parent


def _mark(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
