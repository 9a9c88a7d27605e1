"""Checking saved parts of the index: that each was made of this log, and holds what the log gives.

A part is read piece by piece and compared with pieces made again from the log, so little memory is taken,
and no reading of the log lasts long enough to hold up a purge. The log only grows while its generation stays
the same; a part that seems wrong while that changed, or its file did, is looked at again.
"""

import enum
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_mem.backends.disk import INDEX
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite_rows import read_spaces
from embodied_mem.index import log_reader, snapshot
from embodied_mem.index.kept_parts import Fit, fit_of
from embodied_mem.index.kind_index import TEXTS, UNCOMPRESSED, VECTORS
from embodied_mem.index.rows import RowTable
from embodied_mem.index.snapshot import OpenPart
from embodied_mem.index.text import text_version
from embodied_mem.synonyms import Synonyms
from embodied_mem.upkeep.check_log import reading
from embodied_mem.upkeep.check_report import Finding, Severity, repair_with
from embodied_mem.upkeep.check_texts import fault_of_texts
from embodied_mem.upkeep.check_vectors import fault_of_vectors
from embodied_mem.upkeep.damaged_folder import DamagedFolder

logger = logging.getLogger(__name__)

TRIES = 5  # at a part that others replace meanwhile
_DAMAGED = (ValueError, KeyError, TypeError)
_UNUSABLE = (*_DAMAGED, IndexError, RuntimeError)  # arrays that are not as a column needs them


class Trouble(enum.Enum):
    """What is the matter with a part."""

    UNUSABLE = "it is damaged or of another log, so it is not used"
    WRONG = "it is used, and what it holds is not what the log gives"
    OUTDATED = "it was made before entries were changed or removed, so it is not used"
    UNCOMPARED = "it was made with other synonyms or by another version, so it is not used here"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A part that is not just as it should be.

    Attributes:
        file: Where it is.
        trouble: What is the matter.
        what: The same in detail.
    """

    file: Path
    trouble: Trouble
    what: str


def check_index(backend: SqliteBackend, path: Path, aside: DamagedFolder | None) -> list[Finding]:
    """Saved parts of the index that do not fit the log or hold something else.

    A part that is merely older than the log is sound: it is read on from there.

    Args:
        backend: The log.
        path: The store's folder.
        aside: Where a repair moves what cannot be used; None repairs nothing.
    """
    with reading(backend.path) as db:
        files = sorted((path / INDEX).glob(f"*{snapshot.SUFFIX}"))
        looked_at = [_examined(db, file, backend.synonyms) for file in files]
    verdicts = [verdict for verdict in looked_at if verdict is not None]
    findings = [
        _finding(path, trouble, found, is_repair=aside is not None)
        for trouble in Trouble
        if (found := [verdict for verdict in verdicts if verdict.trouble is trouble])
    ]
    if aside is not None:
        _repair(backend, verdicts, aside)
    return findings


def _repair(backend: SqliteBackend, verdicts: Sequence[Verdict], aside: DamagedFolder) -> None:
    """Take away what is of no use; the index is made again from the log when it is next needed."""
    for verdict in verdicts:
        if verdict.trouble in (Trouble.UNUSABLE, Trouble.WRONG) and verdict.file.exists():
            aside.move(verdict.file)
        elif verdict.trouble is Trouble.OUTDATED:
            verdict.file.unlink(missing_ok=True)
    if any(verdict.trouble is Trouble.WRONG for verdict in verdicts):
        backend.forget_index()  # it may be in memory, from where it would be saved again


def _finding(path: Path, trouble: Trouble, verdicts: Sequence[Verdict], *, is_repair: bool) -> Finding:
    told = "; ".join(verdict.what for verdict in verdicts[:3])
    what = f"{told}{f' and {len(verdicts) - 3} more' if verdicts[3:] else ''}"
    match trouble:
        case Trouble.WRONG:
            severity, done, step = Severity.DAMAGE, _MOVED, repair_with(path)
            what = f"index snapshots say something else than the log, and recall trusts them: {what}"
        case Trouble.UNUSABLE:
            severity, done = Severity.WARNING, _MOVED
            step = "none needed: the index is made again from the log"
            what = f"index snapshots cannot be used: {what}"
        case Trouble.OUTDATED:
            severity, done, step = Severity.NOTE, "removed; they are made again from the log", ""
            what = f"index snapshots are not used any more: {what}"
        case _:
            severity, done, step = Severity.NOTE, "", ""
            what = f"index snapshots were not compared with the log: {what}"
    return Finding(
        name="index",
        severity=severity,
        what=what,
        done=done if is_repair else "",
        next_step="" if is_repair else step,
    )


_MOVED = "moved aside; they are made again from the log, by other processes once they open the store again"


def _examined(db: sqlite3.Connection, file: Path, synonyms: Synonyms) -> Verdict | None:
    """What is the matter with a part; None if nothing is, or it is gone, or is replaced all the time.

    No transaction is held meanwhile: what is read belongs together if nothing has changed at the end.
    """
    for _ in range(TRIES):
        before = _moment(db, file)
        verdict = _verdict(db, file, synonyms)
        if verdict is None or _moment(db, file) == before:
            return verdict
        logger.info("%s or entries were replaced while it was compared; looking again", file)
    return None


def _moment(db: sqlite3.Connection, file: Path) -> tuple[int, ...]:
    """Equal as long as neither the file nor anything already written was changed."""
    generation = log_reader.head(db).generation
    try:
        found = file.stat()
    except FileNotFoundError:
        return (generation,)
    return generation, found.st_ino, found.st_mtime_ns, found.st_size


def _verdict(db: sqlite3.Connection, file: Path, synonyms: Synonyms) -> Verdict | None:
    try:
        with snapshot.opened(file) as part:  # before the log is read, which may then only be further on
            if snapshot.file_of(file.parent, part.name) != file or not part.is_whole():
                return Verdict(file, Trouble.UNUSABLE, f"{file.name} is damaged")
            return _verdict_on(db, file, part, synonyms)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Verdict(file, Trouble.UNUSABLE, f"{file.name} cannot be read: {error}")
    except _DAMAGED:
        return Verdict(file, Trouble.UNUSABLE, f"{file.name} is damaged")


def _verdict_on(db: sqlite3.Connection, file: Path, part: OpenPart, synonyms: Synonyms) -> Verdict | None:
    kind, _, name = part.name.partition("\n")
    shown = f"{file.name} ({part.name.replace(chr(10), ' ')})"
    table = _table(db, kind)
    fit = fit_of(db, table, part.made_of)
    if fit is Fit.OUTDATED:
        return Verdict(file, Trouble.OUTDATED, f"{shown} was made before entries were changed or removed")
    if fit is Fit.NONE or not _is_of_its_space(db, name, part):
        return Verdict(file, Trouble.UNUSABLE, f"{shown} is of another log")
    if name.startswith(TEXTS) and not _is_made_by(part, synonyms):
        what = f"{shown} was made with other synonyms or by another version"
        return Verdict(file, Trouble.UNCOMPARED, what)
    logger.info("comparing %s with the log", shown)
    fault = _fault(db, table, name, part, synonyms)
    return Verdict(file, Trouble.WRONG, f"{shown}: {fault}") if fault else None


def _fault(db: sqlite3.Connection, table: RowTable, name: str, part: OpenPart, synonyms: Synonyms) -> str:
    """How the content differs from what the log gives; empty if it does not."""
    try:
        if name.startswith(TEXTS):
            return fault_of_texts(db, table, name.removeprefix(TEXTS), part, synonyms)
        if (field := _field_of_vectors(name)) is not None:
            return fault_of_vectors(db, table, field, read_spaces(db)[field][1], part)
    except _UNUSABLE as error:
        return f"its arrays make no column: {error}"
    return ""  # of a kind that this version neither writes nor reads


def _table(db: sqlite3.Connection, kind: str) -> RowTable:
    """The rows of a kind as they are now."""
    table = RowTable(kind)
    for each, sequences in log_reader.kinds_after(db, 0):
        if each == kind:
            table.append(sequences)
    return table


def _field_of_vectors(name: str) -> str | None:
    beginning = next((each for each in (VECTORS, UNCOMPRESSED) if name.startswith(each)), None)
    return None if beginning is None else name.removeprefix(beginning)


def _is_of_its_space(db: sqlite3.Connection, name: str, part: OpenPart) -> bool:
    """Whether it says that it is of the space that its field has now; texts have none."""
    field = _field_of_vectors(name)
    if field is None:
        return not name.startswith(TEXTS) or part.made_of.get("space") == ""
    held = read_spaces(db).get(field)
    return held is not None and part.made_of.get("space") == repr(held[1])


def _is_made_by(part: OpenPart, synonyms: Synonyms) -> bool:
    """Whether loading would take it for a column of these synonyms and this version."""
    return part.arrays["made_by"].tobytes() == text_version(synonyms)
