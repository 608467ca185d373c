"""When a failed delivery is tried again: full-jitter exponential backoff, and the point of giving up.

Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): "full jitter", here with a lower bound.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient an effect is. `gives_up_after` None means never; delays are in seconds."""

    gives_up_after: int | None
    first_delay: float = 0.25
    longest_delay: float = 60.0


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Try again after `delay` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Set it aside as a dead letter, for a person to find and replay."""


def decide(policy: RetryPolicy, attempts: int, uniform: Callable[[float, float], float] = random.uniform) -> RetryLater | GiveUp:
    """Return what follows the `attempts`-th failed attempt (counted from 1)."""
    if policy.gives_up_after is not None and attempts >= policy.gives_up_after:
        return GiveUp()
    ceiling = min(policy.longest_delay, policy.first_delay * 2 ** min(attempts, 30))
    return RetryLater(uniform(policy.first_delay / 2, ceiling))
