"""How full screens follow the size of the terminal."""

from typing import Final

# From so many cells on, a screen has this class.
WIDTHS: Final = [(0, "-tiny"), (40, "-narrow"), (100, "-wide")]
HEIGHTS: Final = [(0, "-flat"), (12, "-short"), (30, "-tall")]
TOO_SMALL: Final = "llmtui needs 40 × 12 cells:\nmake the terminal larger.\n\n^Q quits."
