"""Actions that maintain a store, from check to snapshot-index."""

import argparse
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from embodied_mem.errors import InvalidQuery
from embodied_mem.experiments.call_logs import CallLogsReport, purge_call_logs, run_of
from embodied_mem.experiments.memory_command.filter_flags import where_of
from embodied_mem.experiments.memory_command.looking import one_line
from embodied_mem.experiments.memory_command.opening import as_json, embedder_named, open_store, progress
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep.check import check_folder
from embodied_mem.store.upkeep.purge import RUN_FOLDERS, PurgeReport
from embodied_mem.store.upkeep.retention import Retention, RetentionReport
from embodied_mem.store.upkeep.unreferenced import unreferenced

NOT_CONFIRMED = 1


def check(options: argparse.Namespace) -> Iterator[str | int]:
    """Compare everything in the store with its checksums."""
    report = check_folder(options.folder, repair=options.repair)
    yield as_json(report) if options.json else str(report)
    yield 0 if report.is_clean else 1


def archive(options: argparse.Namespace) -> Iterator[str]:
    """Hide experiences from recall without deleting them."""
    with open_store(options.folder) as store:
        changed = store.archive(options.ids, reason=options.reason)
    yield f"archived {len(changed):,}; {len(options.ids) - len(changed):,} were archived before"


def restore(options: argparse.Namespace) -> Iterator[str]:
    """Make archived experiences recallable again."""
    with open_store(options.folder) as store:
        changed = store.restore(options.ids, reason=options.reason)
    yield f"restored {len(changed):,}; {len(options.ids) - len(changed):,} were not archived"


def forget(options: argparse.Namespace) -> Iterator[str]:
    """Archive the experiences that a forgetting policy retains least."""
    condition = where_of(options)
    with open_store(options.folder) as store:
        gone = store.forget(options.policy, keep=options.keep, below=options.below, where=condition)
    yield as_json({"archived": gone}) if options.json else f"archived {len(gone):,} by {options.policy}"


def retain(options: argparse.Namespace) -> Iterator[str]:
    """Archive or purge experiences of a kind that are too old, too many or too large."""
    rule = _rule(options)
    with open_store(options.folder) as store:
        report = store.apply_retention(
            rule,
            policy=options.policy,
            action="purge" if options.purge else "archive",
        )
    yield from [as_json(report)] if options.json else _retained(report)


def _rule(options: argparse.Namespace) -> Retention:
    """The rule that the flags give.

    Raises:
        InvalidQuery: No limit is given, or `--purge` is not confirmed.
    """
    limits = {name: getattr(options, name) for name in ("max_count", "max_age_s", "max_bytes")}
    if all(limit is None for limit in limits.values()):
        raise InvalidQuery("retain has no limit; give --max-count, --max-age-s or --max-bytes")
    if options.purge and not options.yes:
        raise InvalidQuery(
            "--purge removes permanently; add --yes to confirm, or leave --purge out to archive"
        )
    return Retention(kind=options.kind, **limits)


def _retained(report: RetentionReport) -> Iterator[str]:
    done = {"archive": "archived", "purge": "removed"}[report.action]
    for kind in report.kinds:
        counts = Counter(kind.because.values())
        why = ", ".join(f"{n:,} by {limit}" for limit, n in sorted(counts.items())) or "within its limits"
        yield f"{one_line(kind.kind)}: {done} {len(kind.gone):,} of {kind.n_before:,} ({why})"
        yield f"  {kind.bytes_after / 1e6:,.1f} MB of {kind.bytes_before / 1e6:,.1f} MB remain"


def purge(options: argparse.Namespace) -> Iterator[str | int]:
    """Remove experiences permanently; without `--yes`, report what would be removed."""
    selector = _selector(options)
    with open_store(options.folder, read_only=not options.yes) as store:
        logs = _purge_call_logs(store, store.purge(selector, dry_run=True), dry_run=not options.yes)
        report = store.purge(selector, dry_run=not options.yes)
    report = dataclasses.replace(report, unreached=_unreached(report, logs))
    removed = {str(path): count for path, count in logs.removed.items()}
    document = dataclasses.asdict(report) | {"call_logs": removed}
    yield from [as_json(document)] if options.json else _purged(report, removed)
    yield NOT_CONFIRMED if report.is_dry_run else 0


def _unreached(report: PurgeReport, logs: CallLogsReport) -> tuple[str, ...]:
    """What a purge of the store could not reach, or of the run that it belongs to."""
    if not logs.remaining:
        return report.unreached
    others = (f"other {what}" if what == RUN_FOLDERS else what for what in report.unreached)
    return (*logs.remaining, *others)


def _purge_call_logs(store: MemoryStore, planned: PurgeReport, *, dry_run: bool) -> CallLogsReport:
    """Purge the logs of the run of a store; before the store, which alone knows the texts."""
    run = run_of(store.path)
    if run is None:
        return CallLogsReport()
    logged = store.backend.get((*planned.purged, *planned.derived))
    gone = (experience_from_document(each.entry.payload) for each in logged if each is not None)
    return purge_call_logs(run, gone, dry_run=dry_run)


def _purged(report: PurgeReport, call_logs: Mapping[str, int]) -> Iterator[str]:
    removed = "would remove" if report.is_dry_run else "removed"
    yield f"{removed} {len(report.purged):,} experiences and {len(report.derived):,} derived from them"
    yield f"  with {report.n_entries_about:,} entries about them and {len(report.attachments):,} attachments"
    for path, count in call_logs.items():
        yield f"  with {count:,} lines of {one_line(path)}"
    yield from (f"  not searched: {one_line(str(file))}" for file in report.other_files)
    yield from (f"  not reached: {what}" for what in report.unreached)
    if report.is_dry_run:
        yield "nothing was removed; add --yes to do it"


def remove_unreferenced(options: argparse.Namespace) -> Iterator[str | int]:
    """Delete attachments that no experience names; without `--yes`, report which would be deleted."""
    with open_store(options.folder, read_only=not options.yes) as store:
        if options.yes:
            gone = store.remove_unreferenced(older_than_s=options.older_than_s)
            yield as_json({"removed": gone}) if options.json else f"removed {len(gone):,} attachments"
            return
        found = unreferenced(store.backend, store.path, older_than_s=options.older_than_s)
        n_bytes = sum(map(store.attachments.size_bytes, found))
    summary = f"would remove {len(found):,} attachments, {n_bytes / 1e6:,.1f} MB; add --yes to do it"
    yield as_json({"would_remove": found}) if options.json else summary
    yield NOT_CONFIRMED


def reembed(options: argparse.Namespace) -> Iterator[str]:
    """Replace the vectors of a field."""
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


def compact(options: argparse.Namespace) -> Iterator[str]:
    """Free the disk space that the log does not use."""
    with open_store(options.folder) as store:
        before = store.stats().size_bytes
        store.compact()
        after = store.stats().size_bytes
    yield f"the log takes {after / 1e6:,.1f} MB; it took {before / 1e6:,.1f} MB"


def _selector(options: argparse.Namespace) -> Where | list[str]:
    """The ids or the filter to purge.

    Raises:
        InvalidQuery: Both are given, and one would be ignored, or neither, which would select everything.
    """
    condition = where_of(options)
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
    "retain": retain,
    "purge": purge,
    "remove-unreferenced": remove_unreferenced,
    "reembed": reembed,
    "compact": compact,
    "snapshot-index": snapshot_index,
}
