"""`import_foreign`: files of another system into a store; importing them again adds nothing."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from embodied_mem.contracts import Embedder
from embodied_mem.errors import unknown_name
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Experience
from embodied_mem.records.json_values import JsonObject, canonical
from embodied_mem.store.memory_store import MemoryStore
from embodied_mem.store.transfer.foreign.entries import Entry, Read, Skipped
from embodied_mem.store.transfer.foreign.systems import SYSTEMS

logger = logging.getLogger(__name__)

BATCH = 256
CONTENT = (  # what the id is a digest of; a change would import files a second time
    *("kind", "task", "state", "plan", "outcome", "state_after"),
    *("facts", "scope", "happened_at_s", "position_m", "metadata"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReport:
    """What an import did with each entry of the files.

    Attributes:
        n_recorded: Number of new experiences.
        n_known: Number of experiences that the store held already, or that the files repeat.
        skipped: The entries that gave none, each with its place and the reason.
    """

    n_recorded: int
    n_known: int
    skipped: tuple[Skipped, ...]

    @property
    def malformed(self) -> tuple[Skipped, ...]:
        """The skipped entries that are not as the system writes them."""
        return tuple(each for each in self.skipped if each.is_malformed)


def import_foreign(
    store: MemoryStore, system: str, path: str | Path, *, embedder: Embedder[str] | None = None
) -> ForeignReport:
    """Record what the files of another system hold.

    The id of an experience is a digest of its content, so importing the same files again adds nothing, also
    under another name. `metadata.imported` names the system, the file and the entry.

    Args:
        store: The store that gets the experiences.
        system: Name of the system; see `SYSTEMS`.
        path: The file or folder, as the system wrote it.
        embedder: The embedder of the store, if it has one.

    Raises:
        StoreError: The files are missing, or are not those of the system; or the store cannot be written.
            What was recorded before stays, and the import can be repeated.
        UnknownName: The system is unknown; the message gives the close names.
    """
    if system not in SYSTEMS:
        raise unknown_name("system", system, SYSTEMS)
    entries = SYSTEMS[system](Path(path).expanduser())
    memory = store.memory(embedder=embedder)
    skipped: list[Skipped] = []
    n_recorded = n_known = 0
    while batch := list(islice(entries, BATCH)):
        skipped += (each for each in batch if isinstance(each, Skipped))
        found = list(_named(batch, system))
        new = _unknown(store, found)
        memory.record_all(new)
        n_recorded += len(new)
        n_known += len(found) - len(new)
    logger.info(
        "imported %s of %s: %d new, %d known, %d skipped", path, system, n_recorded, n_known, len(skipped)
    )
    return ForeignReport(n_recorded=n_recorded, n_known=n_known, skipped=tuple(skipped))


def _named(batch: Sequence[Entry], system: str) -> Iterator[Experience]:
    """Iterate over the experiences with their ids and where they come from."""
    for entry in batch:
        if isinstance(entry, Read):
            given = entry.experience
            metadata = {**given.metadata, "imported": {"from": system, "entry": entry.place}}
            yield given.replace(id=f"{system}-{_digest(given)}", metadata=metadata)


def _digest(experience: Experience) -> str:
    document = experience_to_document(experience)
    content: JsonObject = {name: document.get(name) for name in CONTENT}
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:32]


def _unknown(store: MemoryStore, found: Sequence[Experience]) -> list[Experience]:
    """Return the experiences that the store does not hold, each once."""
    once = {experience.id: experience for experience in found}
    held = store.backend.get(list(once))
    return [each for each, logged in zip(once.values(), held, strict=True) if logged is None]
