"""The entries that purges leave in the log, with hashes by which a purged id can be recognised."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, TypeAlias, cast

from embodied_mem.contracts import Backend
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Entry, EntryKind

Stage: TypeAlias = Literal["begun", "done"]

_PATHS = ("stage", "of", "selector", "n", "at_s", "salt", "ids")


@dataclass(frozen=True, slots=True)
class IdHashes:
    """Salted 128-bit hashes of ids, which recognise an id and do not reveal it.

    They can confirm a guessed id; random ids, which records get by default, cannot be guessed.

    Attributes:
        salt: Hex, a new one for each purge.
        hashes: Hex, one for each id.
    """

    salt: str
    hashes: frozenset[str]

    @classmethod
    def of(cls, ids: Sequence[str], *, salt: str | None = None) -> "IdHashes":
        """Hash these ids, with a new salt if none is given."""
        salt = uuid.uuid4().hex if salt is None else salt
        return cls(salt, frozenset(_hash(each, salt) for each in ids))

    def __contains__(self, experience_id: object) -> bool:
        return isinstance(experience_id, str) and _hash(experience_id, self.salt) in self.hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """A purge as recorded in the log.

    Attributes:
        sequence: Sequence number of the entry that began it.
        is_done: Whether it was finished.
        selector: The selector without any value: `{"ids": 3}` or `{"paths": ["scope.person"]}`.
        n: Number of experiences.
        at_s: Time of its begin, seconds since the Unix epoch.
        ids: Hashes of the purged ids.
    """

    sequence: int
    is_done: bool
    selector: JsonObject
    n: int
    at_s: float
    ids: IdHashes

    def entry(self, stage: Stage) -> Entry:
        """The log entry that records the begin or the end of the purge."""
        payload: JsonObject = {"stage": stage, "selector": self.selector, "n": self.n, "at_s": self.at_s}
        if stage == "begun":
            payload |= {"salt": self.ids.salt, "ids": [*sorted(self.ids.hashes)]}
        else:
            payload["of"] = self.sequence
        return Entry(id=uuid.uuid4().hex, kind=EntryKind.PURGE, payload=payload)


def purges(backend: Backend) -> list[Purge]:
    """Every purge of a store, oldest first."""
    found: dict[int, dict[str, Any]] = {}
    done: set[int] = set()
    for sequence, _, values in LogValues(backend).after(0, (EntryKind.PURGE,), _PATHS):
        if values["stage"] == "done":
            done.add(cast("int", values["of"]))
        else:
            found[sequence] = dict(values)
    return [
        Purge(
            sequence=sequence,
            is_done=sequence in done,
            selector=values["selector"],
            n=values["n"],
            at_s=values["at_s"],
            ids=IdHashes(values["salt"], frozenset(values["ids"])),
        )
        for sequence, values in found.items()
    ]


def purges_of(backend: Backend, experience_id: str) -> Iterator[tuple[int, float]]:
    """Sequence number and time of each purge that removed an experience with this id."""
    return ((purge.sequence, purge.at_s) for purge in purges(backend) if experience_id in purge.ids)


def _hash(experience_id: str, salt: str) -> str:
    data = experience_id.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16, salt=bytes.fromhex(salt)).hexdigest()
