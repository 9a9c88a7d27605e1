"""A worker process: reads units from standard input, plays them, writes events to standard output.

One JSON object per line in both directions: no pickle, no socket. When standard input ends, the parent is
gone and this process exits at once; a resumed run plays its episode again.
"""

import traceback
from pathlib import Path

from embodied_mem.agent import EpisodeProcesses
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.config import from_document, make_plan
from embodied_mem.experiments.lifetime import LifetimeRun, Row, Unit
from embodied_mem.isolation.json_process import JsonChannel


def main() -> None:
    """Serve until standard input ends."""
    channel = JsonChannel()
    setup = channel.receive()
    plan = make_plan(from_document(setup["config"]))
    arms = {arm.name: arm for arm in plan.arms}
    processes = EpisodeProcesses(is_quiet=True)

    def notify(row: Row) -> None:
        channel.send({"event": "episode", "row": dict(row)})

    while True:
        order = channel.receive()
        unit = Unit(arms[order["arm"]], order["lifetime"])
        try:
            LifetimeRun(
                plan,
                unit,
                Path(setup["folder"]),
                attempt=setup["attempt"],
                processes=processes,
                notify=notify,
            ).play()
        except Exception as error:  # sent to the parent, which stops the run
            text = str(error) if isinstance(error, EmbodiedMemError) else f"{type(error).__name__}: {error}"
            channel.send({"event": "failed", "message": text, "traceback": traceback.format_exc()})
        else:
            channel.send({"event": "finished"})


if __name__ == "__main__":
    main()
