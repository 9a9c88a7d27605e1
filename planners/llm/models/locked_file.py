"""`locked`: a file that one of several threads and processes reads and writes at a time."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a run plays one episode of a lifetime at a time
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Hold a file during a `with` block, opened to read and write, at its beginning; made if absent.

    Each block opens it anew, because a lock belongs to an open file and not to a thread.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is written and closed, also by a kill
        yield file
