"""Live progress of a run: episodes done, success so far by arm, time left."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

from embodied_mem.experiments.seeds import Phase

LINE_EVERY_S = 5.0


class Progress:
    """Counts episodes and shows the count, as a bar on a terminal and as a line every few seconds elsewhere.

    Args:
        totals: Arm -> how many episodes it plays in all.
        file: Where to show it; standard error by default, so that standard output holds results only.
        clock: Seconds, for the time left.
    """

    def __init__(
        self,
        totals: Mapping[str, int],
        *,
        file: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._totals, self._clock = dict(totals), clock
        self._file = file or sys.stderr
        self._done = dict.fromkeys(totals, 0)
        self._held_out = dict.fromkeys(totals, 0)
        self._won = dict.fromkeys(totals, 0)
        self._started_s = self._shown_s = clock()
        self._n_before = 0  # episodes that an earlier attempt had finished

    def start(self, finished: Iterable[tuple[str, str, bool]] = ()) -> None:
        """Begin, counting (arm, phase, success) of what an earlier attempt had finished."""
        for arm, phase, success in finished:
            self._count(arm, phase, success)
        self._n_before = sum(self._done.values())
        self._started_s = self._shown_s = self._clock()
        self._show()

    def episode(self, arm: str, phase: str, success: bool) -> None:
        """Count one finished episode."""
        self._count(arm, phase, success)
        pause_s = 0.2 if self._file.isatty() else LINE_EVERY_S
        if self._clock() - self._shown_s >= pause_s:
            self._show()

    def close(self) -> None:
        """Show the last count."""
        self._show()
        if self._file.isatty():
            self._file.write("\n")

    def line(self) -> str:
        """The count in words."""
        n_done, n_all = sum(self._done.values()), sum(self._totals.values())
        shares = [
            f"{arm} {self._won[arm] / self._held_out[arm]:.2f}" for arm in self._totals if self._held_out[arm]
        ]
        held_out = f" | held-out success: {', '.join(shares)}" if shares else ""
        return f"{n_done:,} of {n_all:,} episodes, {self._time_left(n_done, n_all)}{held_out}"

    def _time_left(self, n_done: int, n_all: int) -> str:
        elapsed_s = self._clock() - self._started_s
        n_new = n_done - self._n_before
        if n_done >= n_all:
            return f"{elapsed_s:.0f} s"
        return f"about {elapsed_s / n_new * (n_all - n_done):.0f} s left" if n_new else "starting"

    def _count(self, arm: str, phase: str, success: bool) -> None:
        self._done[arm] += 1
        if phase == Phase.HELD_OUT:
            self._held_out[arm] += 1
            self._won[arm] += success

    def _show(self) -> None:
        self._shown_s = self._clock()
        if self._file.isatty():
            from shutil import get_terminal_size

            self._file.write(f"\r\x1b[K{self._bar()} {self.line()}"[: get_terminal_size().columns + 4])
        else:
            self._file.write(f"{self.line()}\n")
        self._file.flush()

    def _bar(self, width: int = 20) -> str:
        n_all = max(1, sum(self._totals.values()))
        filled = width * sum(self._done.values()) // n_all
        return f"[{'#' * filled}{'.' * (width - filled)}]"
