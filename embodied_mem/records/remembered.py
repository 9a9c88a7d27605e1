"""`Remembered`: what a forgetting policy knows of one memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One memory as a forgetting policy sees it.

    Attributes:
        id: Its id.
        is_failure: Whether it tells of something that went wrong.
        surprise: How unexpected its outcome was, in [0, 1]; 0 where that is not known.
    """

    id: str
    is_failure: bool = False
    surprise: float = 0.0
