"""ReMEmbR (arXiv 2409.13682): captions of what a robot saw, with time, position and heading."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Experience, Kind, Task
from embodied_mem.records.json_values import JsonValue
from embodied_mem.store.transfer.foreign.entries import (
    Entry,
    converted,
    files_in,
    is_number,
    items_of,
    mapping,
    text,
)

TIME_OFFSET_S = 1_721_761_000  # what its database subtracts from a time, and stores with a 0 behind it


def read(path: Path) -> Iterator[Entry]:
    """Read a `captions_*.json`, or all in a folder: id, caption, time, position, theta, camera_id.

    The vectors of another embedder are left out; `MemoryStore.reembed` makes those of yours.
    """
    for file in files_in(path, "captions*.json"):
        yield from converted(items_of(file), _experiences)


def _experiences(given: Any) -> Iterator[Experience]:
    entry = mapping(given)
    caption = text(entry, "caption")
    if not caption.strip():
        raise InvalidRecord("caption is empty; expected what was seen")
    yield Experience(
        kind=Kind.NOTE,
        task=Task(""),
        state=caption,
        happened_at_s=_time(entry.get("time")),
        position_m=_position(entry.get("position")),
        metadata=_metadata(entry),
    )


def _time(value: Any) -> float:
    if isinstance(value, list) and len(value) == 2 and is_number(value[0]):  # as its database stores it
        return float(value[0]) + TIME_OFFSET_S
    if not is_number(value):
        raise InvalidRecord(f"time is {value!r}; expected seconds")
    return float(value)


def _position(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) not in (2, 3) or not all(map(is_number, value)):
        raise InvalidRecord(f"position is {value!r}; expected x, y and maybe z in metres")
    return tuple(map(float, value))


def _metadata(entry: Mapping[str, Any]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {
        name: entry[name] for name in ("id", "camera_id", "file_start", "file_end") if entry.get(name)
    }
    theta = entry.get("theta")
    if theta is not None:
        if not is_number(theta):
            raise InvalidRecord(f"theta is {theta!r}; expected radians")
        found["theta_rad"] = float(theta)
    return found
