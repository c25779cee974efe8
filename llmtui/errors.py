"""The root of every error a person may see."""


class LlmtuiError(Exception):
    """Something a person can act on; the message is one sentence that says how."""


class WrongArgument(LlmtuiError):
    """What was typed can mean nothing, whatever the state of things is."""
