"""One writer per folder: a lock that the operating system releases when its holder dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.errors import ExperimentError

try:
    import fcntl
except ImportError:  # Windows, where a second writer is not detected
    fcntl = None  # type: ignore[assignment]


@contextmanager
def folder_lock(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a folder's `.lock` during a `with` block.

    Args:
        folder: Created if absent.
        wait_s: How long to wait for another process to release it.

    Raises:
        ExperimentError: Another process holds the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        deadline_s = time.monotonic() + wait_s
        while fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline_s:
                    raise ExperimentError(
                        f"another process is writing {folder}; wait until it ends, or end it, and try again"
                    ) from None
                time.sleep(0.05)
        yield
