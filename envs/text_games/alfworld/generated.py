"""Games of our own for ALFWorld's engine: invented, solved by its planner, and kept."""

import json
import logging
import os
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from embodied_mem.envs.text_games.alfworld.plan import solve
from embodied_mem.envs.text_games.alfworld.problem import invent
from embodied_mem.envs.text_games.cache_folder import cache_folder
from embodied_mem.errors import EpisodeError

logger = logging.getLogger(__name__)

GENERATOR = 1  # raise it when games are invented in another way, so that kept files are not used
MAX_ATTEMPTS = 8


class GeneratedGames:
    """The games of one task type, one for each seed.

    Args:
        task_type: One of `problem.TASKS`.
        folder: Where games are kept; None: `embodied-mem/alfworld` in the user's cache.
    """

    def __init__(self, task_type: str, folder: str | None = None) -> None:
        self._task_type = task_type
        self._folder = cache_folder("alfworld", folder) / f"{task_type}-{GENERATOR}"

    def find(self, seed: int) -> tuple[Path, str, Sequence[str]]:
        """The game of a seed: its file, its problem, and its walkthrough.

        Raises:
            EpisodeError: No invented problem could be solved within the planner's limits.
        """
        path = self._folder / f"{seed}.tw-pddl"
        if not path.is_file():
            self._make(seed, path)
        game = json.loads(path.read_text("utf-8"))
        return path, game["task"] + game["pddl_problem"], game["walkthrough"]

    def _make(self, seed: int, path: Path) -> None:
        """Invent games until one is solved; how many were dropped is kept with it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        n_dropped = 0
        for attempt in range(MAX_ATTEMPTS):
            problem = invent(self._task_type, np.random.default_rng([seed, attempt]))
            if problem is None:
                continue
            game = _game_of(problem.pddl, problem.task)
            with tempfile.NamedTemporaryFile("w", suffix=".tw-pddl", dir=self._folder, delete=False) as file:
                json.dump(game, file)
            work = Path(file.name)
            try:
                game["walkthrough"] = solve(work)
                if game["walkthrough"]:
                    work.write_text(json.dumps({**game, "solvable": True, "n_dropped": n_dropped}), "utf-8")
                    os.replace(work, path)
                    return
            finally:
                work.unlink(missing_ok=True)
            n_dropped += 1
            logger.info("dropped a game of %s that was not solved: seed %d", self._task_type, seed)
        raise EpisodeError(
            f"no game of {self._task_type} was made for seed {seed}: {n_dropped} of {MAX_ATTEMPTS} were not "
            "solved in time, the others did not fit their floor plan; use another seed"
        )


def _game_of(pddl: str, task: str) -> dict[str, object]:
    data = files("alfworld").joinpath("data")
    grammar = data.joinpath("alfred.twl2").read_text("utf-8").replace("UNKNOWN GOAL", task)
    domain = data.joinpath("alfred.pddl").read_text("utf-8")
    return {
        "pddl_domain": domain,
        "grammar": grammar,
        "pddl_problem": pddl,
        "task": task,
        "walkthrough": None,
    }
