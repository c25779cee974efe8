"""Whether this process is a program of llmtui's, or somebody else's who imported llmtui as a library."""

_own = False


def claim() -> None:
    """Called by llmtui's programs before anything heavy is imported: nobody else's code will run in this process."""
    global _own
    _own = True


def is_ours() -> bool:
    """Whether what llmtui never uses may be switched off for the whole process."""
    return _own
