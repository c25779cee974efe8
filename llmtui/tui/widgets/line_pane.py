"""What panes of many lines share: a window on them that moves without a layout of the screen."""

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class LinePane(ScrollView, can_focus=True):
    """A ScrollView whose lines come and go while everything around it stays where it is."""

    @property
    def window(self) -> Size:
        """The cells there are for lines."""
        return self.scrollable_content_region.size

    def fit(self, lines: int, top: int) -> None:
        """Have `lines` lines, and make `top` the first one in the window, without a layout of the screen.

        `virtual_size` lays out the whole screen when it is set as usual; the scrollbar is always there, so that nothing
        around it can move.
        """
        size = Size(self.window.width, max(lines, top + self.window.height))
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
