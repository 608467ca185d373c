"""The one error that this package shows to people."""


class StartError(Exception):
    """Something cannot be started; the message says what, and what to do about it."""
