"""Actions that carry a store elsewhere: export, import, branch, merge."""

import argparse
from collections.abc import Callable, Iterator, Mapping

from embodied_mem.contracts import Embedder
from embodied_mem.experiments.memory_command.looking import one_line
from embodied_mem.experiments.memory_command.opening import as_json, open_store, progress
from embodied_mem.registry import load
from embodied_mem.transfer.branch import branch as branch_store
from embodied_mem.transfer.import_folder import import_folder
from embodied_mem.transfer.merge import MergeReport, check_spaces

N_NAMED = 10  # of many ids, so many are printed


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
        yield f"warning: {len(manifest.missing_attachments)} attachments are named and not here"


def take_in(options: argparse.Namespace) -> Iterator[str]:
    """Make a store of an exported folder."""
    embedder = embedder_named(options.embedder) if options.embedder else None
    path = import_folder(options.source, options.folder, embedder=embedder, progress=progress("imported"))
    with open_store(str(path), read_only=True) as store:
        yield f"imported {store.stats().n_experiences:,} experiences into {options.folder}"


def branch(options: argparse.Namespace) -> Iterator[str]:
    """Copy a store into a folder of its own."""
    with open_store(options.folder) as store:
        branch_store(store.backend, store.path, options.target, sequence=options.sequence)
    with open_store(options.target, read_only=True) as copy:
        stats = copy.stats()
    yield f"{options.target} holds {stats.n_experiences:,} experiences up to entry {stats.last_sequence:,}"


def merge(options: argparse.Namespace) -> Iterator[str]:
    """Add what other stores hold, in this order."""
    reports = {}
    with open_store(options.folder) as store:
        for other in options.others:
            with open_store(other, read_only=True) as opened:  # before anything is added
                check_spaces(store.backend, store.path, opened.backend, opened.path)
        for other in options.others:
            reports[other] = store.merge(other)
            if not options.json:
                yield from _merged(other, reports[other])
    if options.json:
        yield as_json(reports)


def embedder_named(name: str) -> Embedder[str]:
    """A registered embedder with its default settings.

    Raises:
        UnknownName: None is registered under that name.
    """
    embedder: Embedder[str] = load("embedders", name)()
    return embedder


def _merged(other: str, report: MergeReport) -> Iterator[str]:
    yield f"{other}: {report.n_added:,} entries added, {report.n_known:,} were here"
    left = {
        "withdrawn there, stayed behind": report.n_withdrawn,
        "about what stayed behind": report.n_left,
        "purged here, not added again": len(report.purged),
        "attachments that are missing there": len(report.missing_attachments),
    }
    yield from (f"  {count:,} {what}" for what, count in left.items() if count)
    if report.conflicts:
        shown = ", ".join(map(one_line, report.conflicts[:N_NAMED]))
        yield f"  conflict: {len(report.conflicts):,} ids have other content here, which is kept: {shown}"
    if report.hidden:
        yield f"  {len(report.hidden):,} are withdrawn here and stay hidden"


ACTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str | int]]] = {
    "export": export,
    "import": take_in,
    "branch": branch,
    "merge": merge,
}
