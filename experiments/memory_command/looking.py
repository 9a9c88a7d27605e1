"""Actions that only look: stats, search, show, history."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from embodied_mem.errors import unknown_name
from embodied_mem.experiments.memory_command.opening import as_json, open_store
from embodied_mem.filters import where
from embodied_mem.log import EntryKind
from embodied_mem.queries import Query
from embodied_mem.records import Recalled, Status
from embodied_mem.upkeep.archive import unknown_experience


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
    if options.outcome and options.outcome not in tuple(Status):
        raise unknown_name("outcome", options.outcome, Status)
    wanted = {"kind": options.kind, "outcome": options.outcome}
    condition = where(**{name: value for name, value in wanted.items() if value})
    query = Query(text=options.text, where=condition, k=options.k, include_archived=options.include_archived)
    with open_store(options.folder, read_only=True) as store:
        hits = store.memory("frozen").recall(query)
    for hit in hits:
        yield from _lines(hit)
    if not hits:
        yield "nothing was recalled"


def show(options: argparse.Namespace) -> Iterator[str]:
    """One experience, whole, as JSON."""
    with open_store(options.folder, read_only=True) as store:
        (found,) = store.backend.get([options.id])
        if found is None or found.entry.kind != EntryKind.EXPERIENCE:
            raise unknown_experience(store.backend, options.id)
    yield json.dumps(found.entry.payload, indent=2, sort_keys=True)  # which escapes what is not ASCII


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


def one_line(text: str, limit: int = 160) -> str:
    """Text from a memory is data: control characters, which a terminal would obey, are not printed."""
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
}
