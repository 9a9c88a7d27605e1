"""`Note`, and the contract of what writes one for a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True)
class Note:
    """Lines under a heading, which a prompt tells before its worked examples.

    Attributes:
        heading: What the lines are, such as `Lessons`.
        lines: The lines, as data: a template quotes them. The most important comes last, as examples do.
        shown: For each line the id of the recalled experience that it tells of, or an empty text; or nothing.
    """

    heading: str
    lines: tuple[str, ...]
    shown: tuple[str, ...] = ()

    def last(self, n: int) -> "Note":
        """The same with its last n lines."""
        start = max(0, len(self.lines) - max(0, n))
        return Note(self.heading, self.lines[start:], self.shown[start:])


@dataclass(frozen=True, slots=True)
class Told:
    """What a source tells for one decision.

    Attributes:
        notes: The notes, in order; none if there is nothing to tell.
        cost: Named costs ("tokens", "usd", "seconds"), each finite and >= 0.
    """

    notes: tuple[Note, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class NoteSource(Protocol):
    """Writes notes for a decision; several episodes may share one."""

    async def tell(self, context: Context) -> Told:
        """Return what to tell."""
        ...

    def describe(self) -> JsonObject:
        """Name and settings."""
        ...
