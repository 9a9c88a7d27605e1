"""Actions that only read: stats, search, show, history, archived, near-duplicates, utility."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from embodied_mem.experiments.memory_command.filter_flags import where_of
from embodied_mem.experiments.memory_command.opening import as_json, embedder_named, open_store
from embodied_mem.records import Recalled
from embodied_mem.records.filters import lookup
from embodied_mem.records.log import EntryKind
from embodied_mem.records.queries import Query
from embodied_mem.store.upkeep.archiving import unknown_experience

N_NAMED = 10  # how many ids are printed in a line


def stats(options: argparse.Namespace) -> Iterator[str]:
    """How much a store holds."""
    with open_store(options.folder, read_only=True) as store:
        found = store.stats()
    if options.json:
        yield as_json(found)
        return
    yield f"experiences  {found.n_experiences:,}"
    yield f"withdrawn    {found.n_withdrawn:,}"
    yield f"archived     {found.n_archived:,}"
    yield f"feedback     {found.n_feedback:,}"
    yield f"log entries  {found.last_sequence:,}"
    yield f"size         {found.size_bytes / 1e6:,.1f} MB"
    if found.n_attachments:
        yield f"attachments  {found.n_attachments:,}, {found.attachments_bytes / 1e6:,.1f} MB"
    for field, space in found.spaces.items():
        yield f"vectors      {field}: {space}"
    if found.origin is not None:
        yield one_line(f"branch of    {found.origin.get('path')}, entry {found.origin.get('sequence')}")
    yield f"kept with    schema {found.schema_version}, SQLite {found.sqlite_version}"


def search(options: argparse.Namespace) -> Iterator[str]:
    """Recall by text, with each score in parts."""
    names = ("text", "k", "as_of", "as_of_s", "distinct", "include_archived")
    query = Query(where=where_of(options), **{name: getattr(options, name) for name in names})
    embedder = embedder_named(options.embedder) if options.embedder else None
    with open_store(options.folder, read_only=True) as store:
        hits = store.memory("frozen", embedder=embedder).recall(query)
    for hit in hits:
        yield from _lines(hit)
    if not hits:
        yield "nothing was recalled"


def show(options: argparse.Namespace) -> Iterator[str]:
    """One experience as JSON."""
    with open_store(options.folder, read_only=True) as store:
        (found,) = store.backend.get([options.id])
        if found is None or found.entry.kind != EntryKind.EXPERIENCE:
            raise unknown_experience(store.backend, options.id)
    yield json.dumps(found.entry.payload, indent=2, sort_keys=True)  # escapes non-ASCII characters


def history(options: argparse.Namespace) -> Iterator[str]:
    """Everything that happened to one experience."""
    with open_store(options.folder, read_only=True) as store:
        changes = store.history(options.id)
    if options.json:
        yield as_json(changes)
        return
    for change in changes:
        when = "" if change.at_s is None else f"{datetime.fromtimestamp(change.at_s, UTC):%Y-%m-%d %H:%M:%S}"
        parts = [change.reason, f"by {change.by}" if change.by else "", "withdrawn" * change.is_withdrawn]
        yield one_line(
            f"{change.sequence:>8}  {when:<19}  {change.kind:<10} {', '.join(filter(None, parts))}"
        )


def archived(options: argparse.Namespace) -> Iterator[str]:
    """The archived experiences, in the order of archiving."""
    with open_store(options.folder, read_only=True) as store:
        ids = store.archived()
        found = [] if options.json else store.backend.get(ids)
    if options.json:
        yield as_json(ids)
        return
    for experience_id, logged in zip(ids, found, strict=True):
        task = "" if logged is None else str(lookup(logged.entry.payload, "task.text")[1])
        yield f"{one_line(experience_id)}  {one_line(task)}"
    if not ids:
        yield "nothing is archived"


def near_duplicates(options: argparse.Namespace) -> Iterator[str]:
    """Near-duplicate experiences, each group under its first experience."""
    with open_store(options.folder, read_only=True) as store:
        groups = store.near_duplicates()
    if options.json:
        yield as_json(groups)
        return
    for first, duplicates in groups.items():
        yield f"{one_line(first)}  and {len(duplicates):,} alike: {some_of(duplicates)}"
    if not groups:
        yield "no near duplicates"


def utility(options: argparse.Namespace) -> Iterator[str]:
    """The utility of each experience that was used or judged, the most useful first."""
    with open_store(options.folder, read_only=True) as store:
        utilities = store.utility()
    best_first = dict(sorted(utilities.items(), key=lambda pair: -pair[1]))
    if options.json:
        yield as_json(best_first)
        return
    yield from (f"{value:.3f}  {one_line(name)}" for name, value in best_first.items())
    if not best_first:
        yield "nothing was used or judged yet"


def some_of(ids: Sequence[str]) -> str:
    """The first few ids, for one line."""
    more = ", ..." if len(ids) > N_NAMED else ""
    return ", ".join(map(one_line, ids[:N_NAMED])) + more


def one_line(text: str, limit: int = 160) -> str:
    """Shorten a text to one line, without control characters, which a terminal would obey."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def _lines(hit: Recalled) -> Iterator[str]:
    experience = hit.experience
    parts = " + ".join(f"{name} {value:.2f}" for name, value in hit.parts.items())
    plan = "; ".join(map(str, experience.plan))
    kind = one_line(experience.kind)
    yield f"{hit.score:.2f}  {one_line(experience.id)}  {kind}, {experience.outcome.status}"
    for name, text in {"task": experience.task.text, "state": experience.state, "plan": plan}.items():
        if text:
            yield f"      {name:<6} {one_line(text)}"
    yield f"      why    {hit.reason}" + (f" ({parts})" if parts else "")


ACTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str | int]]] = {
    "stats": stats,
    "search": search,
    "show": show,
    "history": history,
    "archived": archived,
    "near-duplicates": near_duplicates,
    "utility": utility,
}
