"""The one error of this package that is meant for people."""


class StartError(Exception):
    """Something cannot be started; the message says what, and what to do about it."""
