"""Make TextWorld's games as worlds: "textworld:cooking"."""

from embodied_mem.envs.knowledge import Revealed
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.textworld.engine import TextWorldGame
from embodied_mem.envs.text_games.textworld.forms import grammar
from embodied_mem.envs.text_games.textworld.game_files import GameFiles
from embodied_mem.envs.text_games.textworld.kinds import KINDS
from embodied_mem.envs.text_games.world import TextGameWorld
from embodied_mem.errors import unknown_name
from embodied_mem.optional import require

KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("which key fits a lock in reach, once it is carried", "choices of unlock and lock"),
    Revealed("whether food can be eaten, cut or cooked as it is now", "choices of eat, cook, slice, ..."),
    Revealed("that a thing is locked, and by which key it opens", "failure of open, in the game's words"),
    Revealed("the room, its exits and doors, what is in it and what is carried", "facts visible"),
    Revealed("the same of rooms seen before, as it was then, and how walked rooms lie", "facts facts, scene"),
)


def make_textworld(
    kind: str = "", *, games: str | None = None, max_steps: int | None = None
) -> TextGameWorld:
    """Make the world of a kind of TextWorld game; a seed's game is made at its first use, in about 3 s.

    Args:
        kind: `treasure_hunter`, `coin_collector`, `simple`, `cooking`, `cleaning`, or another of `KINDS`.
        games: Folder where generated games are kept; None: `embodied-mem/textworld` in the user's cache.
        max_steps: Commands of an episode; None: those of the kind.

    Raises:
        MissingExtra: TextWorld is not installed.
        UnknownName: The kind does not exist; the message gives the nearest names.
    """
    require("textworld", extra="textworld")
    if kind not in KINDS:
        raise unknown_name("TextWorld kind", kind, KINDS)
    game = TextWorldGame(GameFiles(kind, KINDS[kind], games))
    env = TextGameEnv(game, max_steps=max_steps or KINDS[kind].max_steps)
    options = {} if max_steps is None else {"max_steps": max_steps}
    return TextGameWorld(env, grammar(), kind=f"textworld:{kind}", options=dict(options), knowledge=KNOWLEDGE)
