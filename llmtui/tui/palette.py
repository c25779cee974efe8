"""The actions in the command palette."""

from collections.abc import Callable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from llmtui.errors import LlmtuiError
from llmtui.tui.actions import ACTIONS, Action, key_labels
from llmtui.tui.app import LlmTui


class ActionProvider(Provider):
    """Everything of the action table, found by title or command."""

    async def discover(self) -> Hits:
        """All actions, before anything is typed."""
        for action in ACTIONS:
            if action.id != "command_palette":
                yield DiscoveryHit(_label(action), self._command(action), text=_label(action), help=action.help)

    async def search(self, query: str) -> Hits:
        """The actions whose title, keys or command match."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            label = _label(action)
            score = matcher.match(label)
            if score > 0 and action.id != "command_palette":
                yield Hit(score, matcher.highlight(label), self._command(action), text=label, help=action.help)

    def _command(self, action: Action) -> Callable[[], object]:
        app = self.app
        assert isinstance(app, LlmTui)
        return partial(run, app, action)


async def run(app: LlmTui, action: Action) -> None:
    """Do an action, or let the person finish its command."""
    if action.needs_argument:
        app.main.type_command(action)
        return
    try:
        await app.main.perform(action)
    except LlmtuiError as error:
        app.main.complain(error)


def _label(action: Action) -> str:
    also = "  ".join(part for part in (key_labels(action), action.slash and f"/{action.slash}") if part)
    return f"{action.title}  ({also})" if also else action.title
