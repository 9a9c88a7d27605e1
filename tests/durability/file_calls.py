"""What a program does to the files of one folder: every write, sync and rename, in order.

A small layer in C (`file_calls.c`) is loaded into the program with `LD_PRELOAD`, so this works on Linux with
a C compiler. Benchmarks count how often a program waits for the disk; the durability tests build from the
journal what a power cut would leave behind.
"""

import enum
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_mem.errors import ExperimentError

SOURCE = Path(__file__).with_name("file_calls.c")

_HEADER = struct.Struct("<6I3Q")
_MAGIC = 0x46434C53


class CallKind(enum.IntEnum):
    """What was done; the numbers are those of `file_calls.c`."""

    CREATE = 1
    MKDIR = 2
    WRITE = 3
    TRUNCATE = 4
    SYNC = 5
    RENAME = 6
    UNLINK = 7
    RMDIR = 8
    SNAPSHOT = 9
    LINK = 10
    MARK = 11


@dataclass(frozen=True, slots=True)
class FileCall:
    """One call, as noted in the journal.

    Attributes:
        kind: What was done.
        pid: The process that did it.
        inode: The file or folder it was done to; 0 where only a name counts.
        path: Its path.
        second: The new path of a rename or link.
        offset: Where a write starts, in bytes; the new size of a truncated file.
        data: What was written; all of the file for a snapshot; the text of a mark.
    """

    kind: CallKind
    pid: int
    inode: int
    path: str
    second: str = ""
    offset: int = 0
    data: bytes = b""


def missing_reason() -> str:
    """Why the layer cannot be used here; empty where it can."""
    if not sys.platform.startswith("linux"):
        return "the layer between a program and its files needs Linux (LD_PRELOAD)"
    return "" if shutil.which("cc") else "the layer between a program and its files needs a C compiler (cc)"


def build_layer(folder: Path) -> Path:
    """Compile the layer into this folder; the library's path.

    Raises:
        ExperimentError: There is no compiler, or it failed.
    """
    if reason := missing_reason():
        raise ExperimentError(f"{reason}; install one, or leave this out")
    library = folder / "file_calls.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExperimentError(f"cc could not compile {SOURCE}: {done.stderr.strip()[:2000]}")
    return library


def layer_variables(
    library: Path, folder: Path, journal: Path, *, only_syncs: bool = False, space_bytes: int | None = None
) -> dict[str, str]:
    """Environment variables with which a program runs on top of the layer.

    Args:
        library: What `build_layer` gave.
        folder: The folder that is watched; it is there already.
        journal: Where calls are noted, outside of the folder.
        only_syncs: Note syncs alone, which costs next to nothing.
        space_bytes: How much the files may grow before the disk is full; None for no limit.
    """
    variables = {
        "LD_PRELOAD": str(library),
        "FILE_CALLS_FOLDER": str(folder.resolve()),
        "FILE_CALLS_JOURNAL": str(journal.resolve()),
    }
    if only_syncs:
        variables["FILE_CALLS_ONLY_SYNCS"] = "1"
    if space_bytes is not None:
        variables["FILE_CALLS_SPACE"] = str(space_bytes)
    return variables


def read_journal(journal: Path, *, start: int = 0) -> Iterator[FileCall]:
    """Every whole record of a journal from this byte on, in the order in which things happened."""
    data = journal.read_bytes() if journal.exists() else b""
    at = start
    while at + _HEADER.size <= len(data):
        magic, kind, pid, n_path, n_second, _, inode, offset, n_data = _HEADER.unpack_from(data, at)
        if magic != _MAGIC:
            raise ExperimentError(f"{journal} is damaged at byte {at}")
        at += _HEADER.size
        if at + n_path + n_second + n_data > len(data):
            return  # the program was killed while it wrote this
        path = os.fsdecode(data[at : at + n_path])
        second = os.fsdecode(data[at + n_path : at + n_path + n_second])
        at += n_path + n_second
        yield FileCall(CallKind(kind), pid, inode, path, second, offset, data[at : at + n_data])
        at += n_data


def count_syncs(
    command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
) -> dict[str, int]:
    """How often a command waited for the disk (`fsync` or `fdatasync` that returned 0), by file.

    Args:
        command: The program and its arguments; its child processes are counted too.
        folder: The folder that is watched; made if absent.
        environment: Environment variables of the program; those of this process if None.
        timeout_s: How long it may take.

    Returns:
        Path relative to the folder (`.` for itself) -> number of syncs; files without one are absent.

    Raises:
        ExperimentError: There is no compiler, or the command failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        journal = Path(temporary) / "journal"
        variables = layer_variables(build_layer(Path(temporary)), folder, journal, only_syncs=True)
        done = subprocess.run(
            list(command),
            env={**(os.environ if environment is None else environment), **variables},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            raise ExperimentError(
                f"{' '.join(command)[:200]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
            )
        calls = [call for call in read_journal(journal) if call.kind is CallKind.SYNC]
    root = folder.resolve()
    return dict(Counter(str(Path(call.path).relative_to(root)) for call in calls))
