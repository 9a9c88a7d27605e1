"""`Heartbeat`: what a process does now, readable by another even while it hangs in a simulator's C code."""

import contextlib
import mmap
import tempfile
import time
from pathlib import Path
from typing import Literal, TypeAlias

Activity: TypeAlias = Literal["", "reset", "step"]

_ACTIVITIES: tuple[Activity, ...] = ("", "reset", "step")
_BEGAN, _N_STEPS, _ACTIVITY = range(3)  # places on the page; when it began is 0 while nothing goes on


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
        self._numbers = memoryview(self._page).cast("d")  # each is written at once, so that none is read half

    def begin(self, activity: Activity, *, n_steps: int) -> None:
        """Note that a call of the environment begins."""
        self._numbers[_N_STEPS], self._numbers[_ACTIVITY] = n_steps, _ACTIVITIES.index(activity)
        self._numbers[_BEGAN] = time.monotonic()

    def end(self, *, n_steps: int) -> None:
        """Note that it is over."""
        self._numbers[_BEGAN] = 0.0
        self._numbers[_N_STEPS] = n_steps

    def read(self) -> tuple[Activity, float, int]:
        """Return the current call of the environment, the seconds since it began, and the steps taken."""
        began_s = self._numbers[_BEGAN]
        n_steps = int(self._numbers[_N_STEPS])
        if not began_s:
            return "", 0.0, n_steps
        return _ACTIVITIES[int(self._numbers[_ACTIVITY])], time.monotonic() - began_s, n_steps

    def close(self) -> None:
        """Release the page."""
        self._numbers.release()
        self._page.close()
        self.unlink()

    def unlink(self) -> None:
        """Remove the file once the other process has it open, so that nothing is left by a kill."""
        if self._own:
            with contextlib.suppress(OSError):  # some systems keep an open file
                self.path.unlink()
