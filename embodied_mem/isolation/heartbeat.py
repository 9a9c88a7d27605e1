"""`Heartbeat`: what a process does now, readable by another even while it hangs in a simulator's C code."""

import contextlib
import mmap
import struct
import tempfile
import time
from pathlib import Path
from typing import Literal, TypeAlias

Activity: TypeAlias = Literal["", "reset", "step"]

_ACTIVITIES: tuple[Activity, ...] = ("", "reset", "step")
_LAYOUT = struct.Struct("<dqq")  # when it began, the number of steps taken, the activity


class Heartbeat:
    """A page of shared memory in a temporary file.

    Args:
        path: The file; None makes one, removed by `close`.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self._own = path is None
        if path is None:
            with tempfile.NamedTemporaryFile(prefix="embodied_mem-", delete=False) as file:
                file.write(bytes(mmap.PAGESIZE))
            path = file.name
        self.path = Path(path)
        with self.path.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), mmap.PAGESIZE)

    def begin(self, activity: Activity, *, n_steps: int) -> None:
        """Note that a call of the environment begins."""
        _LAYOUT.pack_into(self._page, 0, time.monotonic(), n_steps, _ACTIVITIES.index(activity))

    def end(self, *, n_steps: int) -> None:
        """Note that it is over."""
        _LAYOUT.pack_into(self._page, 0, 0.0, n_steps, 0)

    def read(self) -> tuple[Activity, float, int]:
        """Return the current call of the environment, the seconds since it began, and the steps taken."""
        began_s, n_steps, activity = _LAYOUT.unpack_from(self._page)
        return _ACTIVITIES[activity], time.monotonic() - began_s if activity else 0.0, n_steps

    def close(self) -> None:
        """Release the page."""
        self._page.close()
        self.unlink()

    def unlink(self) -> None:
        """Remove the file once the other process has it open, so that nothing is left by a kill."""
        if self._own:
            with contextlib.suppress(OSError):  # some systems keep an open file
                self.path.unlink()
