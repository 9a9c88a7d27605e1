"""The attachment files that entries name, and their paths."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from embodied_mem.contracts import Backend
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import Entry, EntryKind


def digests_in(attachments: JsonValue) -> list[str]:
    """Digests in the `attachments` of an experience's JSON form, in order."""
    return [str(attachment["digest"]) for attachment in cast("list[dict[str, Any]]", attachments or [])]


def attached_digests(entries: Iterable[Entry]) -> list[str]:
    """Digests of the attachments that entries name, without duplicates, in order."""
    found: dict[str, None] = {}
    for entry in entries:
        if entry.kind == EntryKind.EXPERIENCE:
            found |= dict.fromkeys(digests_in(entry.payload.get("attachments")))
    return list(found)


def named_digests(backend: Backend) -> set[str]:
    """Digests of the attachments that any experience of a log names, withdrawn and archived ones included."""
    rows = LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("attachments",))
    return {digest for _, _, values in rows for digest in digests_in(values["attachments"])}


def attachment_file(folder: Path, digest: str) -> Path:
    """Path of a digest's file in a folder of attachments."""
    return folder / digest[:2] / digest
