"""What a limit leaves whoever it limits, as answers tell them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit and what is left of it.

    Args:
        name: what it is called in answers.
        amount: how much may be asked for at once.
        window: in how many seconds that much is given again.
        left: how much may be asked for now.
        full_in: in how many seconds all of it may be, if nothing is asked for meanwhile.
    """

    name: str
    amount: int
    window: int
    left: int
    full_in: int
