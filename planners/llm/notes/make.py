"""Makes the notes of a prompt from their configuration."""

from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.notes.facts_in_prompt import FactsInPrompt
from embodied_mem.planners.llm.notes.lessons import Lessons
from embodied_mem.planners.llm.notes.note import NoteSource
from embodied_mem.planners.llm.notes.recent_calls import RecentCalls

SOURCES: Mapping[str, Callable[..., NoteSource]] = {
    "facts": FactsInPrompt,
    "lessons": Lessons,
    "recent_calls": RecentCalls,
}


def make_notes(notes: Mapping[str, Mapping[str, Any]]) -> tuple[NoteSource, ...]:
    """Make the sources of notes, in the order in which a prompt tells them.

    Args:
        notes: Name -> keyword arguments, such as `{"lessons": {"k": 3}}`.

    Raises:
        UnknownName: There is no source of this name.
        ExperimentError: It does not take these arguments.
    """
    made = []
    for name, options in notes.items():
        if name not in SOURCES:
            raise unknown_name("note", name, SOURCES)
        try:
            made.append(SOURCES[name](**options))
        except TypeError as error:
            raise ExperimentError(f"note {name!r} cannot be made with {dict(options)}: {error}") from error
    return tuple(made)
