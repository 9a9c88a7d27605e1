"""Check the saved parts of the index: each must be undamaged and made from this log.

The content of a part is not compared with the log: its checksums prove that it is what was saved.
"""

from pathlib import Path

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import INDEX
from embodied_mem.backends.sqlite.log_reader import SqliteLogReader
from embodied_mem.index import part_files as snapshot
from embodied_mem.index.kept_parts import is_of_this_log
from embodied_mem.index.log_reader import LogReader
from embodied_mem.store.upkeep.check_log import reading
from embodied_mem.store.upkeep.check_report import Finding, Severity, repair_with

_OUTDATED = "was saved before entries were changed or removed"


def check_index(backend: SqliteBackend, path: Path, *, repair: bool) -> list[Finding]:
    """Report saved parts of the index that recall does not use: damaged, outdated, or of another log.

    A part that only lacks the newest entries is sound: recall adds them from the log.

    Args:
        backend: The log.
        path: The store's folder.
        repair: Remove these parts; the next recall rebuilds the index from the log.
    """
    files = sorted((path / INDEX).glob(f"*{snapshot.SUFFIX}"))
    with reading(backend.path) as db:
        faults = {file: fault for file in files if (fault := _fault_of(SqliteLogReader(db), file))}
    if not faults:
        return []
    for file in faults if repair else ():
        file.unlink(missing_ok=True)
    named = [f"{file.name} {fault}" for file, fault in faults.items()]
    more = f" and {len(named) - 3:,} more" if named[3:] else ""
    return [
        Finding(
            name="index",
            severity=Severity.NOTE if set(faults.values()) == {_OUTDATED} else Severity.WARNING,
            what=f"{len(named):,} saved parts of the index are not used: {'; '.join(named[:3])}{more}",
            done="removed; the next recall rebuilds the index from the log" if repair else "",
            next_step="" if repair else f"recall rebuilds the index; to remove them, {repair_with(path)}",
        )
    ]


def _fault_of(log: LogReader, file: Path) -> str:
    """Why recall does not use a part; empty if it does, or if another process just removed the part."""
    try:
        made_of = snapshot.verified_header(file)["made_of"]  # read before the log, which can only grow
        if is_of_this_log(log, made_of):
            return ""
        # Read last: an entry removed since the comparison makes the part outdated, not of another log.
        is_outdated = made_of["generation"] < log.head().generation
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"is damaged ({error})"
    return _OUTDATED if is_outdated else "is of another log"
