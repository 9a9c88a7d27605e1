"""What several actions need: opening a store that is there, JSON, progress."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.store import MemoryStore

PROGRESS_EVERY_S = 2.0


def open_store(folder: str, *, read_only: bool = False) -> "MemoryStore":
    """The store in a folder, which is never made by looking.

    Raises:
        StoreError: There is none.
    """
    from embodied_mem.store import MemoryStore
    from embodied_mem.store_folder import check_store

    check_store(folder)
    return MemoryStore.open(folder, read_only=read_only)


def as_json(report: Any) -> str:
    """A dataclass, or several, as indented JSON; what is not ASCII is escaped."""
    return json.dumps(_plain(report), indent=2, sort_keys=True, default=str)


def progress(what: str) -> Callable[[int, int], None]:
    """A callback that writes a line to standard error every few seconds."""
    shown_s = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown_s
        now_s = time.monotonic()
        if now_s - shown_s >= PROGRESS_EVERY_S:
            shown_s = now_s
            sys.stderr.write(f"{what}: {done:,} of {total:,}\n")
            sys.stderr.flush()

    return show


def _plain(report: Any) -> Any:
    if dataclasses.is_dataclass(report) and not isinstance(report, type):
        return {field.name: _plain(getattr(report, field.name)) for field in dataclasses.fields(report)}
    if isinstance(report, dict):
        return {str(key): _plain(value) for key, value in report.items()}
    if isinstance(report, list | tuple):
        return [_plain(item) for item in report]
    return report
