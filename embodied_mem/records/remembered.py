"""`Remembered`: the input of a forgetting policy for one memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One memory as a forgetting policy sees it.

    Attributes:
        id: Id of the memory.
        is_failure: Whether it records a failure.
        surprise: Unexpectedness of its outcome, in [0, 1]; 0 if unknown.
    """

    id: str
    is_failure: bool = False
    surprise: float = 0.0
