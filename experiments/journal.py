"""The journal of a lifetime: one JSON line per episode, each appended in one write, readable after a kill."""

import json
import os
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError

FILE_NAME = "episodes.jsonl"
AHEAD = "ahead.jsonl"  # rows of episodes that ended while an earlier one was in play


class Journal:
    """Appends rows to `episodes.jsonl` in a folder, each in one write.

    Args:
        folder: The lifetime's folder; created if absent.
        name: Name of the file.
    """

    def __init__(self, folder: Path, name: str = FILE_NAME) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, row: dict[str, Any]) -> None:
        """Write one row; once this returns the operating system has it, so it survives `kill -9`.

        Raises:
            ExperimentError: Only part of the row was written, as on a full disk.
        """
        line = (json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
        written = os.write(self._file, line)
        if written < len(line):
            raise ExperimentError(
                f"{self.path}: only {written:,} of {len(line):,} bytes were written; is the disk full?"
            )

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def recover(folder: Path, name: str = FILE_NAME) -> list[dict[str, Any]]:
    """Return the finished rows of a lifetime; moves a last line torn by a kill to `episodes.jsonl.torn`.

    Args:
        folder: The lifetime's folder.
        name: Name of the file.

    Raises:
        ExperimentError: A complete line is not a JSON object.
    """
    path = folder / name
    if not path.exists():
        return []
    whole, newline, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        with (folder / f"{name}.torn").open("ab") as aside:
            aside.write(torn + b"\n")
        os.truncate(path, len(whole) + len(newline))
    return [_row(path, number, line) for number, line in enumerate(whole.split(b"\n"), 1) if line]


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ExperimentError(
            f"{path}, line {number} is not valid JSON ({error}); it was edited or the disk is damaged"
        ) from None
    if not isinstance(row, dict):
        raise ExperimentError(f"{path}, line {number} is {type(row).__name__}; expected a JSON object")
    return row
