"""`Statement`: one entry of the log that says from when a fact holds, or that it no longer does."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts.triplet import Triplet
from embodied_mem.memory.views.log_values import texts_in
from embodied_mem.records.experience import Experience, Kind, Task
from embodied_mem.records.json_values import JsonValue

PATHS = ("id", "kind", "metadata", "sources", "happened_at_s")  # of an experience, that a statement needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an entry of the log says about one fact.

    Attributes:
        sequence: Its sequence number: when it was recorded.
        id: Id of the experience.
        triplet: The fact.
        holds: Whether the fact was seen; False: it was said to hold no longer.
        valid_at: From when this is so, in the unit of the world.
        sources: Ids of the experiences in which it was seen.
    """

    sequence: int
    id: str
    triplet: Triplet
    holds: bool
    valid_at: float
    sources: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[float, int]:
        """The order of statements: by valid time, and of those at one time the last recorded is last."""
        return (self.valid_at, self.sequence)


def fact_experience(
    triplet: Triplet,
    *,
    holds: bool = True,
    sources: tuple[str, ...] = (),
    valid_at: float | None = None,
    instance: str = "",
) -> Experience:
    """Return the experience that states a fact.

    Args:
        triplet: The fact in its stored form.
        holds: Whether it holds; False: no longer.
        sources: Ids of the experiences in which it was seen.
        valid_at: From when, in the unit of the world; None: from the time of recording, in seconds.
        instance: Name of the problem in which it was seen, for the leakage guard.
    """
    metadata: dict[str, JsonValue] = {
        "subject": triplet.subject,
        "relation": triplet.relation,
        "object": triplet.object,
        "holds": holds,
    }
    if valid_at is not None:
        metadata["valid_at"] = _finite(valid_at)
    state = triplet.text if holds else f"no longer: {triplet.text}"
    task = Task("", instance=instance)  # no kind: a fact is no attempt, and would count among the attempts
    return Experience(kind=Kind.FACT, task=task, state=state, sources=sources, metadata=metadata)


def statement_from(sequence: int, values: Mapping[str, JsonValue]) -> Statement | None:
    """Return the statement of an experience; None if it states no fact in this form.

    Args:
        sequence: Its sequence number.
        values: The values at `PATHS`.
    """
    metadata = values["metadata"]
    if values["kind"] != Kind.FACT or not isinstance(metadata, dict):
        return None
    at = metadata.get("valid_at", values["happened_at_s"])
    if isinstance(at, bool) or not isinstance(at, int | float):
        return None
    try:
        triplet = Triplet(*(_text(metadata.get(name)) for name in ("subject", "relation", "object")))
    except InvalidRecord:  # an experience of a user's own kind `fact`
        return None
    return Statement(
        sequence=sequence,
        id=str(values["id"]),
        triplet=triplet,
        holds=metadata.get("holds") is not False,
        valid_at=float(at),
        sources=tuple(texts_in(values["sources"])),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _finite(time: float) -> float:
    if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(time):
        raise InvalidRecord(f"the time of a fact is {time!r}; expected a finite number")
    return float(time)
