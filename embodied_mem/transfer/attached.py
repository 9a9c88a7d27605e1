"""Which files entries of the log name, and where they lie."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from embodied_mem.log import Entry, EntryKind


def attached_digests(entries: Iterable[Entry]) -> list[str]:
    """Digests of the attachments that entries name, each once, in their order."""
    found: dict[str, None] = {}
    for entry in entries:
        if entry.kind == EntryKind.EXPERIENCE:
            attachments = cast("list[dict[str, Any]]", entry.payload.get("attachments") or [])
            found |= dict.fromkeys(str(attachment["digest"]) for attachment in attachments)
    return list(found)


def attachment_file(folder: Path, digest: str) -> Path:
    """Where the file of a digest lies in a folder of attachments."""
    return folder / digest[:2] / digest
