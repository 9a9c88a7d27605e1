"""An experience as an entry of the log, serialized on the way."""

import dataclasses
from collections.abc import Mapping

from embodied_mem.codec import experience_to_document
from embodied_mem.experience_json import experience_json
from embodied_mem.log import Entry, EntryKind, SerializedEntry
from embodied_mem.records import Experience, Scope
from embodied_mem.spaces import FieldVector

_KIND = EntryKind.EXPERIENCE.value  # a plain text, which SQLite takes without asking what it is


def experience_entry(
    experience: Experience,
    scope: Scope,
    happened_at_s: float,
    texts: Mapping[str, str],
    vectors: tuple[FieldVector, ...],
) -> Entry:
    """The entry of an experience; scope and time, which recording fills in, take the place of its own."""
    try:
        payload_json = experience_json(experience, scope=scope, happened_at_s=happened_at_s)
    except (TypeError, ValueError):  # changed since it was made: whoever writes it converts or refuses it
        payload = experience_to_document(experience)
        payload["scope"], payload["happened_at_s"] = dataclasses.asdict(scope), happened_at_s
        return Entry(id=experience.id, kind=_KIND, payload=payload, texts=texts, vectors=vectors)
    return SerializedEntry(
        id=experience.id,
        kind=_KIND,
        payload_json=payload_json,
        values=_values(experience, scope, happened_at_s),
        texts=texts,
        vectors=vectors,
    )


def _values(experience: Experience, scope: Scope, happened_at_s: float) -> dict[str, str | float]:
    """What filters ask most often, by path."""
    task = experience.task
    return {
        "kind": experience.kind,
        "scope.agent": scope.agent,
        "scope.world": scope.world,
        "scope.place": scope.place,
        "scope.person": scope.person,
        "scope.run": scope.run,
        "task.kind": task.kind,
        "task.instance": task.instance,
        "outcome.status": experience.outcome.status._value_,  # `value` itself is two calls
        "happened_at_s": happened_at_s,
    }
