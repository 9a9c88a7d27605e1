"""The process that solves a game: `python -m embodied_mem.envs.text_games.alfworld.planner_process GAME BYTES`.

It prints the commands that win as JSON, or `null` if there are none.
"""

import contextlib
import json
import os
import resource
import sys

from embodied_mem.envs.text_games.alfworld.engine import open_game


def main(game: str, memory_bytes: str) -> None:
    """Print the plan of a game as the last line."""
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        _, state = open_game(game, has_plan=True)
    print(json.dumps(state["policy_commands"] or None))


if __name__ == "__main__":
    main(*sys.argv[1:])
