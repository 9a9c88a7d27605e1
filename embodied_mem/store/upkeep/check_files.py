"""Check the files beside the log: attachments, and leftover files of killed processes."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME, INDEX, PARTIAL
from embodied_mem.errors import DamagedAttachment
from embodied_mem.store.upkeep.attached import named_digests
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.check_report import Finding, Severity, repair_with
from embodied_mem.store.upkeep.damaged_folder import DamagedFolder
from embodied_mem.store.upkeep.staged_vectors import staged_files
from embodied_mem.store.upkeep.unreferenced import settle_aside

LEFT_OVER_AGE_S = 300.0  # younger ones may belong to a running process


def check_attachments(backend: SqliteBackend, path: Path, aside: DamagedFolder | None) -> list[Finding]:
    """Report attachments that are missing, damaged or unreferenced; `aside` is given for a repair."""
    store = AttachmentStore(path / ATTACHMENTS)
    named = named_digests(backend)
    here = list(store)
    damaged = [digest for digest in here if _is_damaged(store, digest)]
    findings = _set_aside(backend, path, repair=aside is not None) if store.aside_files() else []
    if damaged:
        for digest in damaged if aside is not None else ():
            cast("DamagedFolder", aside).move(store.path_of(digest))
        findings.append(
            Finding(
                name="attachments",
                severity=Severity.DAMAGE,
                what=f"{len(damaged):,} files do not hash to their names: {_some(damaged)}",
                done="moved aside" if aside is not None else "",
                next_step="put the originals again, or merge a copy of the store",
            )
        )
    missing = sorted((named - set(here)) | (set(damaged) & named if aside is not None else set()))
    if missing:
        findings.append(
            Finding(
                name="attachments",
                severity=Severity.WARNING,
                what=f"{len(missing):,} files that experiences name are missing: {_some(missing)}",
                next_step="put the originals again, or merge a store that has them",
            )
        )
    unreferenced = set(here) - named - set(damaged)
    if unreferenced:
        findings.append(
            Finding(
                name="attachments",
                severity=Severity.NOTE,
                what=f"{len(unreferenced):,} files are not named by any experience (yet)",
                next_step=f"to remove old ones, run: embodied-mem memory remove-unreferenced {path}",
            )
        )
    return findings


def check_leftovers(path: Path, *, now_s: float, repair: bool) -> list[Finding]:
    """Report leftover files of killed processes, and an unfinished re-embedding."""
    findings: list[Finding] = []
    old = [file for file in _temporary(path) if now_s - _modified_s(file) > LEFT_OVER_AGE_S]
    if old:
        for file in old if repair else ():
            shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink(missing_ok=True)
        findings.append(
            Finding(
                name="leftovers",
                severity=Severity.WARNING,
                what=f"{len(old):,} temporary files of killed processes: "
                + _some([file.name for file in old]),
                done="removed" if repair else "",
                next_step="" if repair else f"they do no harm; to remove them, {repair_with(path)}",
            )
        )
    if staged_files(path):
        findings.append(
            Finding(
                name="reembed",
                severity=Severity.NOTE,
                what="a field is being re-embedded, or its re-embedding was interrupted",
                next_step=f"the old vectors are in use; to continue, run: embodied-mem memory reembed {path}",
            )
        )
    return findings


def _set_aside(backend: SqliteBackend, path: Path, *, repair: bool) -> list[Finding]:
    if repair:
        settle_aside(backend, path)
    return [
        Finding(
            name="attachments",
            severity=Severity.WARNING,
            what="files are set aside by a removal that is running or was interrupted",
            done="restored the files that experiences name, and removed the others" if repair else "",
            next_step="" if repair else repair_with(path),
        )
    ]


def _is_damaged(store: AttachmentStore, digest: str) -> bool:
    try:
        store.get(digest)
    except DamagedAttachment:
        return True
    return False


def _temporary(path: Path) -> list[Path]:
    own = path.glob(f".{FILE_NAME}.*.part")
    siblings = path.parent.glob(f".{path.name}{PARTIAL}*")
    copies = (path / ATTACHMENTS).glob(f"??/.*{PARTIAL}*")
    index = (path / INDEX).glob("*.tmp")
    return [*own, *siblings, *copies, *index, *AttachmentStore(path / ATTACHMENTS).partial_files()]


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and others" if names[3:] else "")
