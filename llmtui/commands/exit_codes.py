"""What the shell is told when a command ends."""

DONE = 0
ERROR = 1
USAGE = 2
NO_MODEL = 3
INTERRUPTED = 130
PIPE_CLOSED = 141
