"""Check a store against its checksums, and repair what can be rebuilt.

No data is discarded: a repair moves what it takes out of the log into `damaged/`, beside a copy of the
original database.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import FILE_NAME
from embodied_mem.errors import StoreError
from embodied_mem.records.log import Search
from embodied_mem.store.folder import check_store, store_folder
from embodied_mem.store.upkeep.check_files import check_attachments, check_leftovers
from embodied_mem.store.upkeep.check_index import check_index
from embodied_mem.store.upkeep.check_links import check_links
from embodied_mem.store.upkeep.check_log import check_log, check_purges
from embodied_mem.store.upkeep.check_report import CheckReport, Finding, Severity, repair_with
from embodied_mem.store.upkeep.damaged_folder import DamagedFolder
from embodied_mem.store.upkeep.salvage_store import finish_salvage, salvage_store

logger = logging.getLogger(__name__)


def check(
    backend: SqliteBackend,
    path: Path,
    *,
    repair: bool = False,
    clock: Callable[[], float] = time.time,
) -> CheckReport:
    """Compare a store with its checksums and its parts with each other.

    Checks the database file, the content hash of every entry, its vectors and filter columns, links between
    entries, attachments, index snapshots, unfinished purges and leftover files. While the file or entries are
    damaged, the remaining checks are skipped.

    Args:
        backend: The log. A repair that rebuilds the file reopens this handle.
        path: The store's folder.
        repair: Rebuild what can be rebuilt, and move aside what cannot. If the file itself is damaged, no
            other process may use the store meanwhile.
        clock: Returns seconds since the Unix epoch, from which the age of leftover files is measured.

    Raises:
        StoreError: A repair was requested and the store is read-only, in use, or cannot be written.
    """
    if repair and backend.read_only:
        raise StoreError(f"{path} is open for reading only; open it without read_only to repair it")
    if not backend.read_only:
        backend.flush()
    aside = DamagedFolder(path)
    findings: list[Finding] = []
    n_entries = 0
    for part in _parts(backend, path, aside if repair else None, clock):
        findings += part
        if any(finding.name in ("file", "entries") and finding.is_open for finding in findings):
            break  # the other checks rely on sound entries
    if not any(finding.name == "file" and finding.is_open for finding in findings):
        n_entries = backend.search(Search(kind=None, k=0)).n_candidates
    for finding in findings:
        logger.info("%s: %s", path, finding)
    return CheckReport(path=path, n_entries=n_entries, findings=tuple(findings), damaged_folder=aside.used)


def check_folder(
    path: str | Path, *, repair: bool = False, clock: Callable[[], float] = time.time
) -> CheckReport:
    """Check a store that may be too damaged to open, for example a truncated one.

    Raises:
        StoreError: There is no store in the folder, or a repair could read no entry.
    """
    folder = store_folder(path)
    finish_salvage(folder)
    check_store(folder)
    try:
        backend = SqliteBackend(folder / FILE_NAME, read_only=not repair)
    except StoreError as error:
        return _check_unopened(folder, error, repair=repair, clock=clock)
    with backend:
        return check(backend, folder, repair=repair, clock=clock)


def _parts(
    backend: SqliteBackend, path: Path, aside: DamagedFolder | None, clock: Callable[[], float]
) -> Iterator[list[Finding]]:
    yield check_log(backend, path, aside)
    yield check_purges(backend, path, repair=aside is not None)
    yield check_links(backend, aside)
    yield check_attachments(backend, path, aside)
    yield check_index(backend, path, repair=aside is not None)
    yield check_leftovers(path, now_s=float(clock()), repair=aside is not None)


def _check_unopened(
    folder: Path, error: StoreError, *, repair: bool, clock: Callable[[], float]
) -> CheckReport:
    """Report, or salvage, a store that SQLite cannot open."""
    if not _is_damage(error):
        raise error  # in use, no permission, a newer version: no repair helps
    if not repair:
        finding = Finding(
            name="file",
            severity=Severity.DAMAGE,
            what=_fault(folder, error),
            next_step=f"to save what can be read, {repair_with(folder)}",
        )
        return CheckReport(path=folder, n_entries=0, findings=(finding,))
    aside = DamagedFolder(folder)
    finding = salvage_store(folder, aside, fault=_fault(folder, error))
    with SqliteBackend(folder / FILE_NAME) as backend:
        rest = check(backend, folder, repair=True, clock=clock)
    return CheckReport(
        path=folder, n_entries=rest.n_entries, findings=(finding, *rest.findings), damaged_folder=aside.used
    )


def _fault(folder: Path, error: StoreError) -> str:
    """SQLite's error, without the advice that the `StoreError` adds for opening a store."""
    return f"{folder / FILE_NAME}: {error.__cause__}"


def _is_damage(error: StoreError) -> bool:
    """Whether SQLite reports a corrupt file."""
    code = str(getattr(error.__cause__, "sqlite_errorname", ""))
    return code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
