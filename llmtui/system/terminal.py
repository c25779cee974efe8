"""What the terminal we run in can do, as far as its environment tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FRAME_RATE = 30
FRAME_RATE_OVER_SSH = 15
Colours = Literal["none", "16", "256", "truecolor"]


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal in plain facts.

    colours     how many it shows; "none" also where the person asked for none
    unicode     whether the locale is UTF-8, so that blocks and arrows can be drawn
    frame_rate  screens a second that are worth sending
    """

    over_ssh: bool
    in_tmux: bool
    colours: Colours
    unicode: bool
    frame_rate: int


def detect_terminal(environ: Mapping[str, str]) -> Terminal:
    """What `environ` says about the terminal; asks nothing else."""
    over_ssh = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    return Terminal(
        over_ssh=over_ssh,
        # tmux may run at the other end of an SSH connection: then only TERM tells
        in_tmux=bool(environ.get("TMUX")) or environ.get("TERM", "").startswith("tmux"),
        colours=_colours(environ),
        unicode=_is_utf8(environ),
        frame_rate=FRAME_RATE_OVER_SSH if over_ssh else FRAME_RATE,
    )


def _colours(environ: Mapping[str, str]) -> Colours:
    term = environ.get("TERM", "").lower()
    # no-color.org: any value but the empty one
    if environ.get("NO_COLOR") or term in ("", "dumb", "unknown"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "truecolor"
    return "256" if "256color" in term else "16"


def _is_utf8(environ: Mapping[str, str]) -> bool:
    """POSIX: the first of the three that is set and not empty decides."""
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        locale = environ.get(variable)
        if locale:
            return locale.lower().replace("-", "").partition("@")[0].endswith("utf8")
    return False
