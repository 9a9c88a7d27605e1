"""Checks of arguments, so that a wrong one raises at the call and not later."""

from collections.abc import Callable
from typing import Any

import numpy as np

from embodied_mem.errors import InvalidQuery

MAX_TIMEOUT_S = 86_400.0


def check_embedder(embedder: Any) -> None:
    """Reject an embedder that is not an object with an `embed` method, for example a name or a class.

    Raises:
        InvalidQuery: The embedder is a class or has no callable `embed`.
    """
    if isinstance(embedder, type) or not callable(getattr(embedder, "embed", None)):
        raise InvalidQuery(
            f"embedder is {_shown(embedder)}; expected an embedder, such as embodied_mem.HashedEmbedder(512)"
        )


def check_policy(policy: Any) -> None:
    """Reject a forgetting policy that is not an object with a `retention` method, for example a class.

    Raises:
        InvalidQuery: The policy is a class or has no callable `retention`.
    """
    if isinstance(policy, type) or not callable(getattr(policy, "retention", None)):
        raise InvalidQuery(
            f"policy is {_shown(policy)}; expected a registered name such as 'lru', or a new policy such as "
            "embodied_mem.memory.forgetting.Lru()"
        )


def check_type(name: str, value: object, expected: type, how: str) -> None:
    """Reject a value of the wrong type.

    Args:
        name: Name of the argument.
        value: The value.
        expected: The required type.
        how: An example for the message: `Scope(agent="robot-1")`.

    Raises:
        InvalidQuery: The value is not an instance of `expected`.
    """
    if not isinstance(value, expected):
        raise InvalidQuery(f"{name} is {_shown(value)}; expected {how}")


def check_callable(name: str, value: object, how: str) -> Callable[..., Any]:
    """Return the value if it is callable.

    Raises:
        InvalidQuery: The value is not callable.
    """
    if not callable(value):
        raise InvalidQuery(f"{name} is {_shown(value)}; expected {how}")
    return value


def check_clock(clock: object) -> None:
    """Reject a clock that is not callable, for example a float.

    Raises:
        InvalidQuery: The clock is not callable.
    """
    check_callable("clock", clock, "a function that returns seconds since the Unix epoch, such as time.time")


def check_number(name: str, value: object) -> None:
    """Reject a value that is not an int or float, or is NaN.

    Raises:
        InvalidQuery: The value is NaN, a bool or not a number.
    """
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or value != value:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected a number")


def check_timeout(name: str, value: Any) -> None:
    """Reject a timeout that SQLite cannot use.

    Raises:
        InvalidQuery: The value is not a number of seconds from 0 to 86,400.
    """
    check_number(name, value)
    if not 0 <= value <= MAX_TIMEOUT_S:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected seconds from 0 to {MAX_TIMEOUT_S:,.0f}")


def check_count(name: str, value: object, *, at_least: int) -> None:
    """Reject a value that is not an int of at least `at_least`.

    Raises:
        InvalidQuery: The value is a bool, not an int, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected an integer of at least {at_least}")


def _shown(value: object) -> str:
    return repr(value)[:200]
