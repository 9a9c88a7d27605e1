"""Live progress of a run: episodes done, success so far by arm, time left."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from embodied_mem.contracts import Tracker
from embodied_mem.experiments.seeds import Phase

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

LINE_EVERY_S = 5.0
TABLE_EVERY_S = 0.5


class Progress:
    """Counts episodes and shows the count: a table on a terminal, a line every few seconds elsewhere.

    Args:
        totals: Arm -> its total number of episodes.
        file: Where to show it; standard error by default, so that standard output holds results only.
        clock: Returns seconds; used for the time left.
        tracker: Receives the metrics each time they are shown.
    """

    def __init__(
        self,
        totals: Mapping[str, int],
        *,
        file: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        tracker: Tracker | None = None,
    ) -> None:
        self._totals, self._clock, self._tracker = dict(totals), clock, tracker
        self._file = file or sys.stderr
        self._done = dict.fromkeys(totals, 0)
        self._held_out = dict.fromkeys(totals, 0)
        self._won = dict.fromkeys(totals, 0)
        self._success: dict[tuple[str, int, str, int], bool] = {}
        self._started_s = self._shown_s = clock()
        self._n_before = 0  # episodes that an earlier attempt had finished
        self._live: Live | None = None

    def start(self) -> None:
        """Begin this attempt; episodes counted before belong to earlier attempts."""
        self._n_before = sum(self._done.values())
        self._started_s = self._clock()
        if self._file.isatty():
            self._live = self._open_live()
        self._show()

    def episode(self, row: Mapping[str, Any]) -> None:
        """Count one finished episode; an episode played again in a restarted lifetime counts once."""
        arm, key = row["arm"], (row["arm"], row["lifetime"], row["phase"], row["index"])
        is_held_out = row["phase"] == Phase.HELD_OUT
        before = self._success.get(key)
        self._success[key] = row["success"]
        self._done[arm] += before is None
        self._held_out[arm] += is_held_out and before is None
        self._won[arm] += is_held_out and row["success"] - bool(before)
        if self._clock() - self._shown_s >= (TABLE_EVERY_S if self._live else LINE_EVERY_S):
            self._show()

    def close(self) -> None:
        """Show the last count and close the tracker."""
        self._show()
        if self._live is not None:
            self._live.stop()
        if self._tracker is not None:
            self._tracker.close()

    def metrics(self) -> dict[str, float]:
        """Episodes played and held-out success so far, by arm."""
        played = {f"episodes/{arm}": float(n) for arm, n in self._done.items()}
        return played | {
            f"held_out_success/{arm}": self._won[arm] / n for arm, n in self._held_out.items() if n
        }

    def line(self) -> str:
        """The count as one line of text."""
        shares = [f"{arm} {self._share(arm)}" for arm in self._totals if self._held_out[arm]]
        held_out = f" | held-out success: {', '.join(shares)}" if shares else ""
        return f"{self._count()}{held_out}"

    def table(self) -> "Table":
        """The count as a table, one row per arm."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        table = Table("arm", "", "episodes", "held-out success", box=None, caption=self._count())
        for arm, total in self._totals.items():
            bar = ProgressBar(total=max(1, total), completed=self._done[arm], width=24)
            table.add_row(arm, bar, f"{self._done[arm]:,} of {total:,}", self._share(arm))
        return table

    def _count(self) -> str:
        n_done, n_all = sum(self._done.values()), sum(self._totals.values())
        return f"{n_done:,} of {n_all:,} episodes, {self._time_left(n_done, n_all)}"

    def _time_left(self, n_done: int, n_all: int) -> str:
        elapsed_s = self._clock() - self._started_s
        n_new = n_done - self._n_before
        if n_done >= n_all:
            return f"{elapsed_s:.0f} s"
        return f"about {elapsed_s / n_new * (n_all - n_done):.0f} s left" if n_new else "starting"

    def _share(self, arm: str) -> str:
        return f"{self._won[arm] / self._held_out[arm]:.2f}" if self._held_out[arm] else ""

    def _open_live(self) -> "Live":
        from rich.console import Console
        from rich.live import Live

        live = Live(console=Console(file=self._file), auto_refresh=False, redirect_stdout=False)
        live.start()
        return live

    def _show(self) -> None:
        self._shown_s = self._clock()
        if self._tracker is not None:
            self._tracker.log(sum(self._done.values()), self.metrics())
        if self._live is not None:
            self._live.update(self.table(), refresh=True)
            return
        self._file.write(f"{self.line()}\n")
        self._file.flush()
