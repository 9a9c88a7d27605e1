"""Actions that keep a store in order: check, archive, restore, forget, purge, reembed and more."""

import argparse
from collections.abc import Callable, Iterator, Mapping

from embodied_mem.errors import InvalidQuery
from embodied_mem.experiments.memory_command.looking import one_line
from embodied_mem.experiments.memory_command.opening import as_json, open_store, progress
from embodied_mem.experiments.memory_command.transferring import embedder_named
from embodied_mem.filters import EVERYTHING, Between, Where, all_of, where
from embodied_mem.upkeep.check import check_folder
from embodied_mem.upkeep.purge import selected
from embodied_mem.upkeep.unreferenced import unreferenced

NOT_CONFIRMED = 1
SCOPES = ("agent", "world", "place", "person", "run")


def check(options: argparse.Namespace) -> Iterator[str | int]:
    """Compare everything that is kept with its checksums."""
    report = check_folder(options.folder, repair=options.repair)
    yield as_json(report) if options.json else str(report)
    yield 0 if report.is_clean else 1


def archive(options: argparse.Namespace) -> Iterator[str]:
    """Softly forget experiences."""
    with open_store(options.folder) as store:
        changed = store.archive(options.ids, reason=options.reason)
    yield f"archived {len(changed):,}; {len(options.ids) - len(changed):,} were archived before"


def restore(options: argparse.Namespace) -> Iterator[str]:
    """Bring archived experiences back."""
    with open_store(options.folder) as store:
        changed = store.restore(options.ids, reason=options.reason)
    yield f"restored {len(changed):,}; {len(options.ids) - len(changed):,} were not archived"


def forget(options: argparse.Namespace) -> Iterator[str]:
    """Archive what a forgetting policy keeps least."""
    with open_store(options.folder) as store:
        gone = store.forget(options.policy, keep=options.keep, below=options.below, kind=options.kind)
    yield as_json({"archived": gone}) if options.json else f"archived {len(gone):,} by {options.policy}"


def purge(options: argparse.Namespace) -> Iterator[str | int]:
    """Remove experiences for good; without `--yes`, say what would be removed."""
    selector = _selector(options)
    with open_store(options.folder, read_only=not options.yes) as store:
        if not options.yes:
            count = len(selected(store.backend, selector)[0])
            said = f"would remove {count:,} experiences and what is derived from them; add --yes to do it"
            yield as_json({"would_remove": count}) if options.json else said
            yield NOT_CONFIRMED
            return
        report = store.purge(selector)
    if options.json:
        yield as_json(report)
        return
    yield f"removed {len(report.purged):,} experiences and {len(report.derived):,} derived from them"
    yield f"  with {report.n_entries_about:,} entries about them and {len(report.attachments):,} attachments"
    yield from (f"  not looked into: {one_line(str(file))}" for file in report.other_files)
    yield from (f"  not reached: {what}" for what in report.unreached)


def remove_unreferenced(options: argparse.Namespace) -> Iterator[str | int]:
    """Delete attachments that no experience names; without `--yes`, say which would be removed."""
    with open_store(options.folder, read_only=not options.yes) as store:
        if options.yes:
            gone = store.remove_unreferenced(older_than_s=options.older_than_s)
            yield as_json({"removed": gone}) if options.json else f"removed {len(gone):,} attachments"
            return
        found = unreferenced(store.backend, store.path, older_than_s=options.older_than_s)
        n_bytes = sum(map(store.attachments.size_bytes, found))
    said = f"would remove {len(found):,} attachments, {n_bytes / 1e6:,.1f} MB; add --yes to do it"
    yield as_json({"would_remove": found}) if options.json else said
    yield NOT_CONFIRMED


def reembed(options: argparse.Namespace) -> Iterator[str]:
    """Make the vectors of a field anew."""
    embedder = embedder_named(options.embedder)
    with open_store(options.folder) as store:
        report = store.reembed(embedder, field=options.field, progress=progress("embedded"))
    resumed = f", after {report.n_resumed:,} of an earlier attempt" if report.n_resumed else ""
    yield f"{report.field}: {report.n_embedded:,} vectors of {report.new_space}{resumed}"


def snapshot_index(options: argparse.Namespace) -> Iterator[str]:
    """Save the index."""
    with open_store(options.folder) as store:
        store.save_index()
    yield f"saved the index of {options.folder}"


def _selector(options: argparse.Namespace) -> Where | list[str]:
    """Ids, or a filter.

    Raises:
        InvalidQuery: Both are given, of which one would go unheeded, or neither, which would be everything.
    """
    scope = {f"scope__{name}": getattr(options, name) for name in SCOPES if getattr(options, name)}
    times = options.after is not None or options.before is not None
    condition = all_of(
        where(**scope), Between("happened_at_s", options.after, options.before) if times else EVERYTHING
    )
    if options.ids and condition != EVERYTHING:
        raise InvalidQuery("purge takes ids or a filter, not both; nothing was removed")
    if not options.ids and condition == EVERYTHING:
        raise InvalidQuery(
            "purge needs ids or a filter, such as --person NAME; to remove all, delete the folder"
        )
    return options.ids or condition


ACTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str | int]]] = {
    "check": check,
    "archive": archive,
    "restore": restore,
    "forget": forget,
    "purge": purge,
    "remove-unreferenced": remove_unreferenced,
    "reembed": reembed,
    "snapshot-index": snapshot_index,
}
