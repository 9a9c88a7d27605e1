"""The published games of ALFWorld, where they were downloaded: the folder that `ALFWORLD_DATA` names.

Shridhar et al., "ALFWorld: Aligning Text and Embodied Environments for Interactive Learning", ICLR 2021.
"""

import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from embodied_mem.envs.text_games.folds import FOLDS, Fold, fold_of, pick
from embodied_mem.errors import EpisodeError

SPLITS = {"train": "train", "dev": "valid_seen", "test": "valid_unseen"}
HELP = (
    "download the games with the command alfworld-download and set ALFWORLD_DATA to their folder, or play "
    "alfworld_generated, whose scores are not comparable with published ones"
)


class PublishedGames:
    """The published games of one task type.

    Args:
        task_type: Such as `pick_and_place_simple`.
        folder: Folder with `json_2.1.1`; None: that which `ALFWORLD_DATA` names.
        fold: Part of the games; None: by seed, see `folds`.

    Raises:
        EpisodeError: There is no such folder; the message says how to get the games.
    """

    def __init__(self, task_type: str, folder: str | None = None, fold: Fold | None = None) -> None:
        named = folder or os.environ.get("ALFWORLD_DATA", "")
        if not named:
            raise EpisodeError(f"the published games of ALFWorld are not here: {HELP}")
        self._root = Path(named).expanduser() / "json_2.1.1"
        if not self._root.is_dir():
            raise EpisodeError(f"{named} has no folder json_2.1.1: {HELP}")
        self._task_type, self._fold = task_type, fold

    def find(self, seed: int) -> tuple[Path, str, Sequence[str]]:
        """The game of a seed: its file, its problem, and its walkthrough.

        Raises:
            EpisodeError: The fold has no game of this type.
        """
        fold = self._fold or fold_of(seed)
        games = self._games[fold]
        if not games:
            raise EpisodeError(
                f"{self._root / SPLITS[fold]} has no solvable game of {self._task_type}: {HELP}"
            )
        path = games[pick(seed, range(len(games)))]
        game = json.loads(path.read_text("utf-8"))
        return path, path.relative_to(self._root).as_posix(), game.get("walkthrough") or ()

    @cached_property
    def _games(self) -> dict[Fold, list[Path]]:
        return {fold: sorted(filter(self._is_wanted, self._all(fold))) for fold in FOLDS}

    def _all(self, fold: Fold) -> list[Path]:
        return list((self._root / SPLITS[fold]).glob("*/*/game.tw-pddl"))

    def _is_wanted(self, game: Path) -> bool:
        """As ALFWorld chooses: of this type, solvable, and without slicing or movable receptacles."""
        if any(word in str(game.parent) for word in ("movable", "Sliced")):
            return False
        trajectory = json.loads(game.with_name("traj_data.json").read_text("utf-8"))
        is_of_type = trajectory["task_type"] == self._task_type
        return is_of_type and bool(json.loads(game.read_text("utf-8")).get("solvable"))
