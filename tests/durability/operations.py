"""Everything that changes a store, each as something that can be interrupted anywhere and done again.

An operation works in a folder: the store is `store` in it. What it acknowledges, it says through `say`.
"""

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem import MemoryStore
from embodied_mem.backends.sqlite import checkpoint
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.memory.forgetting import Lru
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Entry, EntryKind
from embodied_mem.store.transfer import merge as merging
from embodied_mem.store.upkeep.archiving import archive, restore
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.forget import forget
from embodied_mem.store.upkeep.purge import finish_purges, purge
from embodied_mem.store.upkeep.retention import Retention, apply_retention
from tests.durability.examples import EMBEDDER, example, experience_id

Say = Callable[[str], None]

N_BEFORE = 12
BEFORE = [experience_id("before", n) for n in range(N_BEFORE)]
DURING = [experience_id("during", n) for n in range(12)]
ATTACHED = [experience_id("attached", n) for n in range(4)]
MOSTLY = BEFORE[2:]
OTHER = [experience_id("other", n) for n in range(8)]
OLD_SCHEMA = Path(__file__).parents[1] / "compatibility/fixtures/0.1.0/store/experiences.sqlite"
NEW_EMBEDDER = HashedEmbedder(32)
PICTURES = [bytes([n]) * (2_000 * n + 1) for n in range(3)]
STRAY = [b"stray", b"another stray"]
AT_S = 1e9


@dataclass(frozen=True)
class Operation:
    """Something that is done to a store.

    Attributes:
        run: Does it in a folder; a second time after an interruption, it does what is left to do.
        prepare: Makes what it starts from.
        look: What there is afterwards, comparable with the same after an unbroken run.
        gone: Ids that it removes.
        is_open: What a check finds open all the same.
        is_open_meanwhile: What it may find open after an interruption, until it is done again.
    """

    run: Callable[[Path, Say, dict[str, Any]], None]
    prepare: Callable[[Path], None]
    look: Callable[[Path], object]
    gone: tuple[str, ...] = ()
    is_open: tuple[str, ...] = ()
    is_open_meanwhile: tuple[str, ...] = ()

    @property
    def starts_with_some(self) -> bool:
        """Whether the ids of `BEFORE` are there at the start."""
        return self.prepare not in (nothing, old_store)


def nothing(folder: Path) -> None:
    """Start from no store at all."""


def some_experiences(folder: Path) -> None:
    """Start from a store with a few experiences, feedback and an attachment."""
    with MemoryStore.open(folder / "store") as store:
        memory = store.memory(embedder=EMBEDDER, clock=lambda: AT_S)
        for identity in BEFORE:
            memory.record(example(identity))
        for identity in BEFORE[:4]:
            memory.feedback(identity, helped=True)


def two_stores(folder: Path) -> None:
    """Start from a store, and another one to merge into it."""
    some_experiences(folder)
    with MemoryStore.open(folder / "other") as store:
        memory = store.memory(embedder=EMBEDDER)
        for identity, data in zip((*OTHER, *BEFORE[:2]), itertools.cycle(PICTURES), strict=False):
            picture = store.attachments.put(data, role="image", media_type="image/png")
            given = example(identity)
            memory.record(given if identity in BEFORE else given.replace(attachments=(picture,)))
            memory.feedback(identity, helped=False)
        memory.record(example(BEFORE[2]).replace(task="another task under the same id"))
        memory.feedback(BEFORE[2], helped=True)  # which stays behind with it
        store.archive(OTHER[:2], reason="old")


def old_store(folder: Path) -> None:
    """Start from a store of the oldest schema."""
    (folder / "store").mkdir(parents=True)
    shutil.copyfile(OLD_SCHEMA, folder / "store" / "experiences.sqlite")


def record(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """One experience after the other."""
    with MemoryStore.open(folder / "store", **options) as store:
        for identity in DURING:
            store.memory(embedder=EMBEDDER).record(example(identity))
            say(identity)


def record_batches(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Several experiences a commit."""
    with MemoryStore.open(folder / "store", commit_every=5, **options) as store:
        memory = store.memory(embedder=EMBEDDER)
        receipts = [memory.record(example(identity)) for identity in DURING]
        for receipt in receipts:
            receipt.wait()
            say(receipt.experience_id)


def record_and_checkpoint(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """The log is brought into the file every few entries."""
    checkpoint.ENTRIES_BETWEEN = 4
    record(folder, say, options)


def compact(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """The file is written anew."""
    with MemoryStore.open(folder / "store", **options) as store:
        store.backend.compact()


def save_index(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """The searchable columns are saved beside the log, twice with something new in between."""
    with MemoryStore.open(folder / "store", **options) as store:
        memory = store.memory(embedder=EMBEDDER)
        for identity in DURING[:2]:
            memory.record(example(identity))
            say(identity)
            memory.recall("red ball")
            store.backend.save_index()


def indexed_experiences(folder: Path) -> None:
    """Start from a store with a saved index."""
    some_experiences(folder)
    with MemoryStore.open(folder / "store") as store:
        store.memory(embedder=EMBEDDER).recall("red ball")
        store.backend.save_index()


def purge_while_indexed(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Most is removed for good, by a process that has the index in memory and saves it anew."""
    with MemoryStore.open(folder / "store", **options) as store:
        memory = store.memory(embedder=EMBEDDER)
        memory.recall("red ball")
        finish_purges(store.backend, store.path)
        purge(store.backend, store.path, MOSTLY, at_s=AT_S)
        memory.recall("red ball")
        store.backend.save_index()


def attached(folder: Path) -> None:
    """Start from a store where some experiences have files, two of them the same one."""
    some_experiences(folder)
    with MemoryStore.open(folder / "store") as store:
        for identity, data in zip(ATTACHED, (*PICTURES, PICTURES[2]), strict=True):
            file = store.attachments.put(data, role="image", media_type="image/png")
            store.memory(embedder=EMBEDDER).record(example(identity).replace(attachments=(file,)))


def purge_attached(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Experiences are removed with the files that nobody else needs."""
    with MemoryStore.open(folder / "store", **options) as store:
        finish_purges(store.backend, store.path)
        purge(store.backend, store.path, ATTACHED[:3], at_s=AT_S)


def stray(folder: Path) -> None:
    """Start from a store with files that no experience names beside those that one does."""
    attached(folder)
    with MemoryStore.open(folder / "store") as store:
        for data in STRAY:
            store.attachments.put(data, role="image", media_type="image/png")


def remove_unreferenced(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Files that no experience names are removed."""
    with MemoryStore.open(folder / "store", **options) as store:
        store.remove_unreferenced(older_than_s=0.0)


def forget_and_retain(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """A policy archives some, and the limit of their kind more; purging them is an operation of its own."""
    with MemoryStore.open(folder / "store", **options) as store:
        forget(store.backend, Lru(), keep=9, at_s=AT_S)
        limits = [Retention(kind="episode", max_count=6)]
        apply_retention(store.backend, store.path, limits, now_s=AT_S, action="archive")


def damaged(folder: Path) -> None:
    """Start from a store with feedback on nothing, a damaged file and a damaged index."""
    indexed_experiences(folder)
    with MemoryStore.open(folder / "store") as store:
        payload: JsonObject = {"experience_id": "nobody", "helped": True, "at_s": AT_S}
        store.backend.append([Entry(id="stray", kind=EntryKind.FEEDBACK, payload=payload)])
        file = store.attachments.put(PICTURES[0], role="image", media_type="image/png")
        store.attachments.path_of(file.digest).write_bytes(b"another picture")
    for path in (folder / "store" / "index").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")


def repair(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """What a check finds is made anew or moved aside."""
    with MemoryStore.open(folder / "store", **options) as store:
        assert store.check(repair=True).is_clean


def archive_and_restore(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Soft forgetting, and some of it back."""
    with MemoryStore.open(folder / "store", **options) as store:
        known = {logged.entry.kind for logged in store.backend.changes_since(0)}
        if EntryKind.RESTORE not in known:
            archive(store.backend, BEFORE[:4], reason="old", at_s=AT_S)
            restore(store.backend, BEFORE[:2], reason="missed", at_s=AT_S)


def migrate(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """A store of the oldest schema is opened."""
    MemoryStore.open(folder / "store", **options).close()


def merge(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Another store is merged in, in several commits."""
    merging.BATCH = 3
    with MemoryStore.open(folder / "store", **options) as store:
        store.merge(folder / "other")


def branch(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """A copy of the store is made; a copy that is there is whole."""
    with MemoryStore.open(folder / "store", **options) as store:
        if not (folder / "branch").exists():
            store.branch(folder / "branch").close()


def export(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """A folder of plain files is written; one that is there is whole."""
    with MemoryStore.open(folder / "store", **options) as store:
        if not (folder / "export").exists():
            store.export(folder / "export")


def export_and_import(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """And read into a new store."""
    export(folder, say, options)
    if not (folder / "imported").exists():
        MemoryStore.import_folder(folder / "export", folder / "imported", embedder=EMBEDDER).close()


def reembed(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Every vector is made anew."""
    with MemoryStore.open(folder / "store", **options) as store:
        store.reembed(NEW_EMBEDDER)


def attach(folder: Path, say: Say, options: dict[str, Any]) -> None:
    """Files are kept, and experiences that refer to them."""
    with MemoryStore.open(folder / "store", **options) as store:
        files = AttachmentStore(store.path / "attachments")
        memory = store.memory(embedder=EMBEDDER)
        for identity, data in zip(DURING, PICTURES, strict=False):
            attachment = files.put(data, role="image", media_type="image/png")
            memory.record(example(identity).replace(metadata={}, attachments=(attachment,)))
            say(identity)


def log_in(folder: Path, name: str = "store") -> list[tuple[str, str, JsonObject, list[str]]]:
    """Kind, id, payload and spaces of each entry, without what differs from run to run."""
    with MemoryStore.open(folder / name) as store:
        return [
            (
                entry.kind,
                entry.id if entry.kind == EntryKind.EXPERIENCE else "",
                _comparable(entry.payload, entry.kind),
                [f"{vector.space} {vector.values.tobytes().hex()[:64]}" for vector in entry.vectors],
            )
            for entry in (logged.entry for logged in store.backend.changes_since(0))
        ]


def look_at_log(folder: Path) -> object:
    """The log of the store."""
    return log_in(folder)


def look_at_both(name: str) -> Callable[[Path], object]:
    """The log of the store and of another one."""
    return lambda folder: (log_in(folder), log_in(folder, name))


def look_at_export(folder: Path) -> object:
    """The log, and the exported files with their content; the manifest says when it was written."""
    files = {path for path in (folder / "export").rglob("*") if path.is_file()}
    return log_in(folder), {
        str(path.relative_to(folder)): path.read_bytes() if path.name != "manifest.json" else b""
        for path in files
    }


def look_at_attachments(folder: Path) -> object:
    """The log, and each attachment's bytes, verified."""
    files = AttachmentStore(folder / "store" / "attachments")
    return log_in(folder), {digest: files.get(digest) for digest in files}


def look_at_repaired(folder: Path) -> object:
    """The log, the attachments, and what was moved aside, wherever that is."""
    aside = [path.read_bytes() for path in (folder / "store" / "damaged").rglob("*") if path.is_file()]
    return look_at_attachments(folder), set(aside) - {b""}  # which a killed one may have left


def _comparable(payload: JsonObject, kind: str) -> JsonObject:
    if kind == EntryKind.PURGE:  # with salted hashes
        return {name: value for name, value in payload.items() if name in ("n", "selector", "stage")}
    return payload


OPERATIONS = {
    "record": Operation(record, nothing, look_at_log),
    "record_batches": Operation(record_batches, some_experiences, look_at_log),
    "checkpoint": Operation(record_and_checkpoint, some_experiences, look_at_log),
    "compact": Operation(compact, some_experiences, look_at_log),
    "save_index": Operation(save_index, some_experiences, look_at_log),
    "purge_indexed": Operation(purge_while_indexed, indexed_experiences, look_at_log, gone=tuple(MOSTLY)),
    "purge_attached": Operation(
        purge_attached, attached, look_at_attachments, is_open_meanwhile=("attachments",)
    ),
    "remove_unreferenced": Operation(
        remove_unreferenced, stray, look_at_attachments, is_open_meanwhile=("attachments",)
    ),
    "retention": Operation(forget_and_retain, some_experiences, look_at_log),
    "repair": Operation(repair, damaged, look_at_repaired, is_open=("links", "attachments", "index")),
    "archive": Operation(archive_and_restore, some_experiences, look_at_log),
    "migrate": Operation(migrate, old_store, look_at_log),
    "merge": Operation(merge, two_stores, look_at_log),
    "branch": Operation(branch, some_experiences, look_at_both("branch")),
    "export": Operation(export, some_experiences, look_at_export),
    "import": Operation(export_and_import, some_experiences, look_at_both("imported")),
    "reembed": Operation(reembed, some_experiences, look_at_log),
    "attach": Operation(attach, some_experiences, look_at_attachments),
}
