"""`embodied-mem memory`: look into a store from the command line."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embodied_mem.errors import StoreError, unknown_name

if TYPE_CHECKING:
    from embodied_mem.records import Recalled
    from embodied_mem.store import MemoryStore

KNOWN_IDS = 20  # the newest ones, among which an unknown id is told its nearest


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the command; `verbs` is what `add_subparsers` gave, of a class that argparse keeps private."""
    memory = verbs.add_parser("memory", help="look into a memory: stats, search, show")
    actions = memory.add_subparsers(dest="action", metavar="ACTION", required=True)

    stats = actions.add_parser("stats", parents=[common], help="how much a store holds")
    stats.add_argument("folder", metavar="FOLDER", help="folder of a store")

    search = actions.add_parser("search", parents=[common], help="recall by text, with each score in parts")
    search.add_argument("folder", metavar="FOLDER", help="folder of a store")
    search.add_argument("text", nargs="?", default="", help="what to look for; the newest if left out")
    search.add_argument("-k", type=int, default=10, help="at most so many (default 10)")
    search.add_argument("--kind", help="only experiences of this kind, such as repair")
    search.add_argument("--outcome", help="only experiences with this outcome, such as failure")

    show = actions.add_parser("show", parents=[common], help="one experience, whole, as JSON")
    show.add_argument("folder", metavar="FOLDER", help="folder of a store")
    show.add_argument("id", metavar="ID", help="its id, as search prints it")


def run(options: argparse.Namespace) -> int:
    """Run one of the actions; prints to standard output.

    Raises:
        StoreError: The folder holds no store.
        UnknownName: No experience of that id.
    """
    actions: dict[str, Callable[[MemoryStore, argparse.Namespace], Iterator[str]]] = {
        "stats": _stats,
        "search": _search,
        "show": _show,
    }
    with _open(Path(options.folder)) as store:
        for line in actions[options.action](store, options):
            sys.stdout.write(f"{line}\n")
    return 0


def _open(folder: Path) -> "MemoryStore":
    from embodied_mem.store import FILE_NAME, MemoryStore

    if not (folder / FILE_NAME).is_file():
        raise StoreError(
            f"{folder} holds no {FILE_NAME}; give the folder of a store, such as memories/lab or "
            "lifetimes/memory/00/memory of a run"
        )
    return MemoryStore.open(folder, read_only=True)


def _stats(store: "MemoryStore", options: argparse.Namespace) -> Iterator[str]:
    stats = store.stats()
    yield f"experiences  {stats.n_experiences:,}"
    yield f"withdrawn    {stats.n_withdrawn:,}"
    yield f"feedback     {stats.n_feedback:,}"
    yield f"log entries  {stats.last_sequence:,}"
    yield f"size         {stats.size_bytes / 1e6:,.1f} MB"
    for field, space in stats.spaces.items():
        yield f"vectors      {field}: {space}"


def _search(store: "MemoryStore", options: argparse.Namespace) -> Iterator[str]:
    from embodied_mem.filters import where
    from embodied_mem.queries import Query
    from embodied_mem.records import Status

    if options.outcome and options.outcome not in tuple(Status):
        raise unknown_name("outcome", options.outcome, Status)
    wanted = {"kind": options.kind, "outcome": options.outcome}
    condition = where(**{name: value for name, value in wanted.items() if value})
    hits = store.memory("frozen").recall(Query(text=options.text, where=condition, k=options.k))
    for hit in hits:
        yield from _lines(hit)
    if not hits:
        yield "nothing was recalled"


def _lines(hit: "Recalled") -> Iterator[str]:
    experience = hit.experience
    parts = " + ".join(f"{name} {value:.2f}" for name, value in hit.parts.items())
    plan = "; ".join(map(str, experience.plan))
    yield f"{hit.score:.2f}  {experience.id}  {experience.kind}, {experience.outcome.status}"
    for name, text in {"task": experience.task.text, "state": experience.state, "plan": plan}.items():
        if text:
            yield f"      {name:<6} {_one_line(text)}"
    yield f"      why    {hit.reason}" + (f" ({parts})" if parts else "")


def _one_line(text: str, limit: int = 160) -> str:
    """Text from a memory is data: control characters, which a terminal would obey, are not printed."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def _show(store: "MemoryStore", options: argparse.Namespace) -> Iterator[str]:
    import json

    from embodied_mem.log import EntryKind

    (found,) = store.backend.get([options.id])
    if found is None or found.entry.kind != EntryKind.EXPERIENCE:
        newest = store.memory().recall(k=KNOWN_IDS)
        raise unknown_name("experience", options.id, [hit.experience.id for hit in newest])
    yield json.dumps(found.entry.payload, indent=2, sort_keys=True)  # which escapes what is not ASCII
