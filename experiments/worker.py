"""A worker process: reads units from standard input, plays them, writes events to standard output.

One JSON object per line in both directions: no pickle, no socket. When standard input ends, the parent is
gone and this process exits at once; a resumed run plays its episode again.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.config import from_document, make_plan
from embodied_mem.experiments.lifetime import LifetimeRun, Row, Unit
from embodied_mem.experiments.worlds import Worlds


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    events = _take_over_stdout()
    lines = _read_in_background(sys.stdin)
    setup = json.loads(lines.get())
    plan = make_plan(from_document(setup["config"]))
    arms = {arm.name: arm for arm in plan.arms}
    worlds = Worlds()

    def notify(row: Row) -> None:
        _send(events, {"event": "episode", "row": dict(row)})

    while True:
        order = json.loads(lines.get())
        unit = Unit(arms[order["arm"]], order["lifetime"])
        try:
            LifetimeRun(
                plan, unit, Path(setup["folder"]), attempt=setup["attempt"], worlds=worlds, notify=notify
            ).play()
        except Exception as error:  # sent to the parent, which stops the run
            text = str(error) if isinstance(error, EmbodiedMemError) else f"{type(error).__name__}: {error}"
            _send(events, {"event": "failed", "message": text, "traceback": traceback.format_exc()})
        else:
            _send(events, {"event": "finished"})


def _take_over_stdout() -> TextIO:
    """Return the real standard output, for events only; prints of simulators go to standard error."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _read_in_background(stream: TextIO) -> "queue.SimpleQueue[str]":
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        os._exit(0)  # at once, even during an episode: the parent is gone

    threading.Thread(target=read, daemon=True).start()
    return lines


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
