"""One writer a folder: a lock that the operating system lets go of when its holder dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.errors import ExperimentError

try:
    import fcntl
except ImportError:  # not on Windows; there a second writer is not noticed
    fcntl = None  # type: ignore[assignment]


@contextmanager
def folder_lock(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a folder's `.lock` for the length of a block.

    Args:
        folder: Made if absent.
        wait_s: How long to wait for another process to let go.

    Raises:
        ExperimentError: Another process holds it.
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
