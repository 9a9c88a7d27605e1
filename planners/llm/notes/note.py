"""`Note`, and the contract of what writes one for a decision."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True)
class Note:
    """Lines under a heading, which a prompt tells before its worked examples.

    Attributes:
        heading: What the lines are, such as `Lessons`.
        lines: The lines, as data: a template quotes them. The most important comes last, as examples do.
        shown: Ids of the recalled experiences that they tell of: one for each line, or none.
    """

    heading: str
    lines: tuple[str, ...]
    shown: tuple[str, ...] = ()

    def last(self, n: int) -> "Note":
        """The same with its last n lines."""
        start = max(0, len(self.lines) - max(0, n))
        return Note(self.heading, self.lines[start:], self.shown[start:])


@runtime_checkable
class NoteSource(Protocol):
    """Writes a note for a decision."""

    async def note(self, context: Context) -> Note | None:
        """Return the note; None if there is nothing to tell."""
        ...

    def describe(self) -> JsonObject:
        """Name and settings."""
        ...
