"""Experiences as JSON documents, and back. Filters name their paths (`embodied_mem.filters.FIELDS`)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from embodied_mem.errors import InvalidRecord
from embodied_mem.json_values import JsonObject, JsonValue
from embodied_mem.records import Attachment, Experience, Origin, Outcome, Scope, SkillCall, Task
from embodied_mem.spaces import FieldVector

SCHEMA_VERSION = 1

_SCOPE = ("agent", "world", "place", "person", "run")
_ORIGIN = ("run", "attempt", "episode", "first_step", "last_step", "planner", "model")
_TASK = ("text", "kind", "instance")
_OUTCOME = ("status", "reward", "explanation", "steps")
_ATTACHMENT = ("role", "digest", "media_type")


def experience_to_document(experience: Experience) -> JsonObject:
    """The experience as a plain JSON object, without its vectors (those travel in `Entry.vectors`)."""
    outcome = _fields(experience.outcome, _OUTCOME)
    outcome["status"] = experience.outcome.status.value
    return {
        "schema_version": SCHEMA_VERSION,
        "id": experience.id,
        "kind": experience.kind,
        "task": _fields(experience.task, _TASK),
        "state": experience.state,
        "plan": [_call_document(call) for call in experience.plan],
        "outcome": {**outcome, "cost": dict(experience.outcome.cost)},
        "state_after": experience.state_after,
        "scope": _fields(experience.scope, _SCOPE),
        "facts": dict(experience.facts),
        "sources": list(experience.sources),
        "recalled": list(experience.recalled),
        "origin": {**_fields(experience.origin, _ORIGIN), "versions": dict(experience.origin.versions)},
        "happened_at_s": experience.happened_at_s,
        "metadata": dict(experience.metadata),
        "attachments": [_fields(attachment, _ATTACHMENT) for attachment in experience.attachments],
    }


def experience_from_document(
    document: Mapping[str, JsonValue], vectors: Sequence[FieldVector] = ()
) -> Experience:
    """The experience of a document; keys of a newer version are ignored, missing ones take their default.

    Raises:
        InvalidRecord: The document has no id or task, or a value that no experience can hold.
    """
    source = cast("Mapping[str, Any]", document)
    try:
        return Experience(
            task=Task(**_known(source["task"], _TASK)),
            plan=tuple(
                SkillCall(**_known(call, ("name", "arguments", "count"))) for call in source.get("plan", ())
            ),
            outcome=Outcome(**_known(source.get("outcome", {}), (*_OUTCOME, "cost"))),
            scope=Scope(**_known(source.get("scope", {}), _SCOPE)),
            origin=Origin(**_known(source.get("origin", {}), (*_ORIGIN, "versions"))),
            attachments=tuple(Attachment(**_known(a, _ATTACHMENT)) for a in source.get("attachments", ())),
            sources=tuple(source.get("sources", ())),
            recalled=tuple(source.get("recalled", ())),
            vectors=tuple(vectors),
            id=source["id"],
            **_known(source, ("kind", "state", "state_after", "facts", "happened_at_s", "metadata")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidRecord(f"not the document of an experience: {type(error).__name__} {error}") from error


def _call_document(call: SkillCall) -> JsonObject:
    return {"name": call.name, "arguments": dict(call.arguments), "count": call.count}


def _fields(record: object, names: Sequence[str]) -> JsonObject:
    return {name: getattr(record, name) for name in names}


def _known(document: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}
