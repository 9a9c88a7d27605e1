"""Actions that copy a store: export, import, branch, merge."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import combinations

from embodied_mem.errors import unknown_name
from embodied_mem.experiments.memory_command.looking import one_line, some_of
from embodied_mem.experiments.memory_command.opening import (
    as_json,
    embedder_named,
    open_or_make_store,
    open_store,
    progress,
)
from embodied_mem.store import MemoryStore
from embodied_mem.store.transfer.branch import branch as branch_store
from embodied_mem.store.transfer.foreign import SYSTEMS, import_foreign
from embodied_mem.store.transfer.import_folder import import_folder
from embodied_mem.store.transfer.merge import MergeReport, check_spaces


def export(options: argparse.Namespace) -> Iterator[str]:
    """Write a store into one folder of plain files."""
    with open_store(options.folder) as store:
        manifest = store.export(options.target, progress=progress("exported"))
    if options.json:
        yield as_json(manifest)
        return
    counts = ", ".join(f"{count:,} {kind}" for kind, count in manifest.counts.items())
    yield f"exported {counts or 'nothing'} into {options.target}, {len(manifest.files)} files with checksums"
    if manifest.missing_attachments:
        yield f"warning: {len(manifest.missing_attachments)} attachments that experiences name are missing"


def import_store(options: argparse.Namespace) -> Iterator[str | int]:
    """Create a store from an exported folder, or add the files of another system to a store."""
    if options.system is not None:
        yield from _import_foreign(options)
        return
    embedder = embedder_named(options.embedder) if options.embedder else None
    path = import_folder(options.source, options.folder, embedder=embedder, progress=progress("imported"))
    with open_store(str(path), read_only=True) as store:
        yield f"imported {store.stats().n_experiences:,} experiences into {options.folder}"


def _import_foreign(options: argparse.Namespace) -> Iterator[str | int]:
    """Print what became of each entry; the last item is 1 if one was malformed."""
    embedder = embedder_named(options.embedder) if options.embedder else None
    if options.system not in SYSTEMS:  # before a store is created
        raise unknown_name("system", options.system, SYSTEMS)
    with open_or_make_store(options.folder) as store:
        report = import_foreign(store, options.system, options.source, embedder=embedder)
    yield f"{report.n_recorded:,} experiences recorded, {report.n_known:,} were here already"
    reasons = Counter(each.why for each in report.skipped if not each.is_malformed)
    yield from (f"  {count:,} entries left out: {one_line(why)}" for why, count in reasons.items())
    if report.malformed:
        yield f"  {len(report.malformed):,} entries are malformed and were left out:"
        yield from (f"    {one_line(each.place)}: {one_line(each.why)}" for each in report.malformed)
        yield 1


def branch(options: argparse.Namespace) -> Iterator[str]:
    """Copy a store into a new folder."""
    with open_store(options.folder) as store:
        branch_store(store.backend, store.path, options.target, sequence=options.sequence)
    with open_store(options.target, read_only=True) as copy:
        stats = copy.stats()
    yield f"{options.target} holds {stats.n_experiences:,} experiences up to entry {stats.last_sequence:,}"


def merge(options: argparse.Namespace) -> Iterator[str]:
    """Add the entries of other stores, in this order, to a store that is created if absent."""
    reports = {}
    with ExitStack() as stack:
        others = [stack.enter_context(open_store(other, read_only=True)) for other in options.others]
        _check_spaces(others)  # before a store is created
        store = stack.enter_context(open_or_make_store(options.folder))
        _check_spaces([store, *others])  # before anything is added
        for name, other in zip(options.others, others, strict=True):
            reports[name] = store.merge(other)
            if not options.json:
                yield from _merged(name, reports[name])
    if options.json:
        yield as_json(reports)


def _check_spaces(stores: Sequence[MemoryStore]) -> None:
    for one, other in combinations(stores, 2):
        check_spaces(one.backend, one.path, other.backend, other.path)


def _merged(other: str, report: MergeReport) -> Iterator[str]:
    yield f"{other}: {report.n_added:,} entries added, {report.n_known:,} were here already"
    left = {
        "withdrawn there, not copied": report.n_withdrawn,
        "about experiences that were not copied": report.n_left,
        "purged here, not copied": len(report.purged),
        "attachments missing there": len(report.missing_attachments),
    }
    yield from (f"  {count:,} {what}" for what, count in left.items() if count)
    if report.conflicts:
        shown = some_of(report.conflicts)
        yield f"  conflict: {len(report.conflicts):,} ids have different content here, which is kept: {shown}"
    if report.hidden:
        yield f"  {len(report.hidden):,} are withdrawn here and stay hidden"


ACTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str | int]]] = {
    "export": export,
    "import": import_store,
    "branch": branch,
    "merge": merge,
}
