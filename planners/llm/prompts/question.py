"""`Question`: makes the request of one question, each time it is put."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.planners.llm.models.language_model import Request

Tail: TypeAlias = tuple[str, ...]
"""What follows a prompt when it is put again: earlier answers with what speaks against each."""

Question: TypeAlias = Callable[[Tail], Awaitable[Request]]
"""Makes the request for a tail."""


class PromptTooLong(EmbodiedMemError):
    """What must be in a prompt exceeds its budget of tokens."""


class Quotes(Protocol):
    """A template, as far as asking anew needs it."""

    @property
    def opening(self) -> str:
        """What the model continues."""
        ...

    def quoted(self, text: str) -> str:
        """Text as data: on one line, without what opens an answer."""
        ...
