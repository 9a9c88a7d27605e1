"""Check the references between entries."""

from collections.abc import Iterable, Sequence

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.memory.views.log_values import LogValues, texts_in
from embodied_mem.records.log import ABOUT_ONE, EntryKind
from embodied_mem.store.upkeep.check_report import Finding, Severity, repair_with
from embodied_mem.store.upkeep.damaged_folder import DamagedFolder


def check_links(backend: SqliteBackend, aside: DamagedFolder | None) -> list[Finding]:
    """Report references to missing experiences; `aside` is given for a repair."""
    known: set[str] = set()
    cited: set[str] = set()
    about: list[tuple[int, str]] = []
    paths = ("id", "sources", "recalled", "experience_id")
    for sequence, kind, values in LogValues(backend).after(0, (EntryKind.EXPERIENCE, *ABOUT_ONE), paths):
        if kind == EntryKind.EXPERIENCE:
            known.add(str(values["id"]))
            cited |= {*texts_in(values["sources"]), *texts_in(values["recalled"])}
        else:
            about.append((sequence, str(values["experience_id"])))
    findings = _feedback(backend, [at for at, target in about if target not in known], aside)
    if cited - known:
        findings.append(_citations(cited - known))
    return findings


def _feedback(backend: SqliteBackend, dangling: Sequence[int], aside: DamagedFolder | None) -> list[Finding]:
    if not dangling:
        return []
    step = "" if aside is not None else f"they have no effect; {repair_with(backend.path.parent)}"
    if aside is not None:
        aside.keep_entries(
            {
                "sequence": found.sequence,
                "id": found.entry.id,
                "kind": found.entry.kind,
                **found.entry.payload,
            }
            for found in backend.get(dangling)
            if found is not None
        )
        backend.delete(dangling)
    return [
        Finding(
            name="links",
            severity=Severity.WARNING,
            what=f"{len(dangling):,} feedback or archive entries refer to missing experiences",
            done="moved aside" if aside is not None else "",
            next_step=step,
        )
    ]


def _citations(missing: Iterable[str]) -> Finding:
    return Finding(
        name="links",
        severity=Severity.NOTE,
        what=f"{len(set(missing)):,} experiences that others cite are missing: purged, in another store, or "
        "never recorded",
    )
