"""Checks of parts that a caller hands in, so that a wrong one is told at the call and not deep inside."""

from collections.abc import Callable
from typing import Any

import numpy as np

from embodied_mem.errors import InvalidQuery

MAX_TIMEOUT_S = 86_400.0


def check_embedder(embedder: Any) -> None:
    """Refuse what cannot embed, such as the name of an embedder.

    Raises:
        InvalidQuery: It is something else.
    """
    if isinstance(embedder, type) or not callable(getattr(embedder, "embed", None)):
        raise InvalidQuery(
            f"embedder is {_shown(embedder)}; expected an embedder, such as embodied_mem.HashedEmbedder(512)"
        )


def check_policy(policy: Any) -> None:
    """Refuse what cannot say what to let go of, such as the class of a policy.

    Raises:
        InvalidQuery: It is something else.
    """
    if isinstance(policy, type) or not callable(getattr(policy, "retention", None)):
        raise InvalidQuery(
            f"policy is {_shown(policy)}; expected a registered name such as 'lru', or a new policy such as "
            "embodied_mem.memory.forgetting.Lru()"
        )


def check_type(name: str, value: object, expected: type, how: str) -> None:
    """Refuse a value of another type.

    Args:
        name: What the argument is called.
        value: What was given.
        expected: The type it has to have.
        how: How one is made, for the message: `Scope(agent="robot-1")`.

    Raises:
        InvalidQuery: It is of another type.
    """
    if not isinstance(value, expected):
        raise InvalidQuery(f"{name} is {_shown(value)}; expected {how}")


def check_callable(name: str, value: object, how: str) -> Callable[..., Any]:
    """The value, which can be called.

    Raises:
        InvalidQuery: It cannot.
    """
    if not callable(value):
        raise InvalidQuery(f"{name} is {_shown(value)}; expected {how}")
    return value


def check_clock(clock: object) -> None:
    """Refuse what does not tell the time, such as a time.

    Raises:
        InvalidQuery: It cannot be called.
    """
    check_callable("clock", clock, "a function that gives seconds since the Unix epoch, such as time.time")


def check_number(name: str, value: object) -> None:
    """Refuse what is no number, or is one that cannot be compared.

    Raises:
        InvalidQuery: It is a text, a truth value, NaN ...
    """
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or value != value:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected a number")


def check_timeout(name: str, value: Any) -> None:
    """Refuse what SQLite cannot wait for.

    Raises:
        InvalidQuery: It is no number of seconds from 0 to a day.
    """
    check_number(name, value)
    if not 0 <= value <= MAX_TIMEOUT_S:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected seconds from 0 to {MAX_TIMEOUT_S:,.0f}")


def check_count(name: str, value: object, *, at_least: int) -> None:
    """Refuse what is no whole number, or too small a one.

    Raises:
        InvalidQuery: It is.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise InvalidQuery(f"{name} is {_shown(value)}; expected a whole number of at least {at_least}")


def _shown(value: object) -> str:
    return repr(value)[:200]
