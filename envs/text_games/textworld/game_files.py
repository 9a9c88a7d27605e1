"""Files of generated TextWorld games: made when they are first asked for, then kept."""

import hashlib
import os
import shutil
import tempfile
import threading
import warnings
from importlib.metadata import version
from pathlib import Path

from embodied_mem.envs.text_games.cache_folder import cache_folder
from embodied_mem.envs.text_games.textworld.kinds import GameKind, make_game
from embodied_mem.errors import EpisodeError
from embodied_mem.records.json_values import canonical

GENERATOR = 1  # raise it when a game of ours is made in another way, so that kept files are not used
ONE_AT_A_TIME = threading.RLock()  # TextWorld's parser is shared by all threads, and its random numbers too


def quiet() -> None:
    """Silence what Jericho says of every game of TextWorld: its own scores are not used here."""
    warnings.filterwarnings("ignore", message="Game .* is not fully supported")


class GameFiles:
    """The games of one kind, one for each seed.

    Args:
        name: Name of the kind.
        kind: Its settings.
        folder: Where games are kept; None: `embodied-mem/textworld` in the user's cache.
    """

    def __init__(self, name: str, kind: GameKind, folder: str | Path | None = None) -> None:
        self._kind = kind
        made_by = canonical([GENERATOR, version("textworld"), kind.challenge, dict(kind.settings)])
        digest = hashlib.sha256(made_by.encode()).hexdigest()[:12]
        self._folder = cache_folder("textworld", folder) / f"{name}-{digest}"

    def path(self, seed: int) -> Path:
        """The compiled game of a seed; its data lie beside it as `.json`.

        Raises:
            EpisodeError: The game cannot be made or written.
        """
        path = self._folder / f"{seed}.z8"
        with ONE_AT_A_TIME:
            if not path.is_file():
                self._try_to_make(seed, path)
        return path

    def _try_to_make(self, seed: int, path: Path) -> None:
        try:
            self._make(seed, path)
        except Exception as error:  # TextWorld raises errors of many classes, and its compiler fails too
            raise EpisodeError(
                f"TextWorld could not make the game of seed {seed} in {self._folder}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _make(self, seed: int, path: Path) -> None:
        """Make a game beside its place and move it there, the compiled file last: then all is there."""
        import textworld

        quiet()
        self._folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=self._folder))
        try:
            options = textworld.GameOptions()
            options.seeds = seed
            options.grammar.only_last_action = True  # the objective says what is wanted, not each step to it
            options.path = str(work / path.name)
            textworld.generator.compile_game(make_game(self._kind, options), options)
            for suffix in (".json", ".z8"):
                os.replace((work / path.name).with_suffix(suffix), path.with_suffix(suffix))
        finally:
            shutil.rmtree(work, ignore_errors=True)
