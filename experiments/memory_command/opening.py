"""Parts that actions share: opening a store, an embedder by its name, JSON, progress."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embodied_mem.registry import load

if TYPE_CHECKING:
    from embodied_mem.contracts import Embedder
    from embodied_mem.store import MemoryStore

PROGRESS_EVERY_S = 2.0


def open_store(folder: str, *, read_only: bool = False) -> "MemoryStore":
    """Open the store in a folder; never create one.

    Raises:
        StoreError: The folder holds no store.
    """
    from embodied_mem.store import MemoryStore
    from embodied_mem.store.folder import check_store

    check_store(folder)
    return MemoryStore.open(folder, read_only=read_only)


def open_or_make_store(folder: str) -> "MemoryStore":
    """Open the store in a folder; if it is absent or empty, create one and say so on standard error.

    Raises:
        StoreError: The folder holds something else, or a store cannot be created.
    """
    from embodied_mem.store import MemoryStore

    target = Path(folder).expanduser()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        return open_store(folder)
    store = MemoryStore.open(folder)
    sys.stderr.write(f"made a new store, {folder}\n")
    return store


def embedder_named(name: str) -> "Embedder[str]":
    """A registered embedder with its default settings.

    Raises:
        UnknownName: No embedder is registered under this name.
    """
    embedder: Embedder[str] = load("embedders", name)()
    return embedder


def as_json(report: Any) -> str:
    """A dataclass, or a collection of them, as indented JSON in ASCII."""
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
