"""Check the log: the database file, the hash of every entry, vectors, filter columns, purges."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.backends.sqlite import examining
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.file import connect, store_errors
from embodied_mem.store.upkeep.check_report import Finding, Severity, repair_with
from embodied_mem.store.upkeep.damaged_folder import DamagedFolder
from embodied_mem.store.upkeep.purge import finish_purges, unfinished_purges
from embodied_mem.store.upkeep.salvage_store import salvage_store

N_NAMED = 5  # how many sequence numbers a message names


def check_log(backend: SqliteBackend, path: Path, aside: DamagedFolder | None) -> list[Finding]:
    """Report faults of the database; `aside` is given for a repair."""
    with reading(backend.path) as db:
        faults = examining.faults_of_file(db)
    if faults:
        found = _file(backend, path, faults, aside)
        if found.is_open:
            return [found]
        return [found, *_tables(backend, aside)]
    return _tables(backend, aside)


def check_purges(backend: SqliteBackend, path: Path, *, repair: bool) -> list[Finding]:
    """Report purges that were interrupted."""
    n_unfinished = len(unfinished_purges(backend))
    if not n_unfinished:
        return []
    if repair:
        finish_purges(backend, path)
    return [
        Finding(
            name="purges",
            severity=Severity.WARNING,
            what=f"{n_unfinished} purges were interrupted, so what they should remove may still exist",
            done="finished" if repair else "",
            next_step="" if repair else repair_with(path),
        )
    ]


def _file(backend: SqliteBackend, path: Path, faults: Sequence[str], aside: DamagedFolder | None) -> Finding:
    what = f"SQLite reports: {'; '.join(faults[:3])}" + (f" and {len(faults) - 3} more" if faults[3:] else "")
    if aside is None:
        step = f"copy the folder, then {repair_with(path)}"
        return Finding(name="file", severity=Severity.DAMAGE, what=what, next_step=step)
    if _reindexed(backend, aside, faults):
        return Finding(
            name="file", severity=Severity.DAMAGE, what=what, done="the indexes of the tables were rebuilt"
        )
    backend.close()
    try:
        return salvage_store(path, aside, fault=what)
    finally:
        backend.reopen()


def _reindexed(backend: SqliteBackend, aside: DamagedFolder, faults: Sequence[str]) -> bool:
    """Rebuild SQLite's own indexes; return whether that was enough."""
    if not all("index" in fault for fault in faults):
        return False
    backend.copy_to(aside.path / backend.path.name)
    with _writing(backend.path) as db:
        db.execute("REINDEX")
    with reading(backend.path) as db:
        return not examining.faults_of_file(db)


def _tables(backend: SqliteBackend, aside: DamagedFolder | None) -> list[Finding]:
    with reading(backend.path) as db:
        damaged = examining.damaged_entries(db)
        vectors = examining.faults_of_vectors(db)
        columns = sorted(set(examining.wrong_columns(db)) - set(damaged))
        n_orphans = examining.count_orphans(db)
    findings = [_entries(backend, damaged, vectors, aside)] if damaged else []
    if columns:
        findings.append(_columns(backend, columns, aside))
    if n_orphans:
        findings.append(_orphans(backend, n_orphans, aside))
    return findings


def _entries(
    backend: SqliteBackend, damaged: Sequence[int], vectors: Sequence[int], aside: DamagedFolder | None
) -> Finding:
    n_vectors = len(set(vectors) & set(damaged))
    what = f"{len(damaged):,} entries do not match their stored hash: {named(damaged)}" + (
        f"; {n_vectors:,} of them have a vector of an unknown space or a wrong length" if n_vectors else ""
    )
    if aside is None:
        step = f"{repair_with(backend.path.parent)}, which moves them aside, or restore a copy"
        return Finding(name="entries", severity=Severity.DAMAGE, what=what, next_step=step)
    _keep_copy(backend, aside)
    with reading(backend.path) as db:
        aside.keep_entries(examining.raw_entries(db, damaged))
    backend.delete(damaged)
    return Finding(
        name="entries",
        severity=Severity.DAMAGE,
        what=what,
        done="moved aside",
        next_step="merge a copy of the store if there is one, or record them again",
    )


def _columns(backend: SqliteBackend, sequences: Sequence[int], aside: DamagedFolder | None) -> Finding:
    if aside is not None:
        _keep_copy(backend, aside)
        with _writing(backend.path) as db:
            examining.write_columns(db, sequences)
    return Finding(
        name="columns",
        severity=Severity.DAMAGE,
        what=f"filter columns of {len(sequences):,} entries differ from their content: {named(sequences)}",
        done="rebuilt from the content" if aside is not None else "",
        next_step="" if aside is not None else repair_with(backend.path.parent),
    )


def _orphans(backend: SqliteBackend, n_orphans: int, aside: DamagedFolder | None) -> Finding:
    if aside is not None:
        _keep_copy(backend, aside)
        with _writing(backend.path) as db:
            examining.delete_orphans(db)
    return Finding(
        name="orphans",
        severity=Severity.WARNING,
        what=f"{n_orphans:,} contents or vectors do not belong to any entry",
        done="removed" if aside is not None else "",
        next_step="" if aside is not None else repair_with(backend.path.parent),
    )


def _keep_copy(backend: SqliteBackend, aside: DamagedFolder) -> None:
    target = aside.path / backend.path.name
    if not target.exists():
        backend.copy_to(target)


def named(sequences: Sequence[int]) -> str:
    """The first few sequence numbers, as text."""
    shown = ", ".join(map(str, sequences[:N_NAMED]))
    return f"{shown} and others" if len(sequences) > N_NAMED else shown


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a separate read-only connection; SQLite's errors become `StoreError`s with a next step."""
    db = connect(path, read_only=True, fsync=False, busy_timeout_s=5.0, now_s=0.0)
    try:
        with store_errors(path):
            yield db
    finally:
        db.close()


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    db = connect(path, read_only=False, fsync=True, busy_timeout_s=5.0, now_s=0.0)
    try:
        with store_errors(path):
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        db.close()
