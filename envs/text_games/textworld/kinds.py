"""The kinds of TextWorld game and their settings; each is made from a seed, without a download."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embodied_mem.envs.text_games.textworld.cleaning import make_cleaning


@dataclass(frozen=True, slots=True)
class GameKind:
    """One kind of game.

    Attributes:
        challenge: TextWorld's own challenge; empty for one of ours.
        settings: The challenge's settings.
        max_steps: Commands of an episode.
        make: Maker of a game that is no challenge.
    """

    challenge: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int = 100
    make: Callable[[Any], Any] | None = None


COOKING = {"cook": True, "cut": True, "open": True, "drop": False, "recipe_seed": 0, "split": None}
EASY_COOKING = {**COOKING, "cook": False, "cut": False, "recipe": 1, "take": 1, "go": 1}
KINDS: Mapping[str, GameKind] = {
    "treasure_hunter": GameKind("tw-treasure_hunter", {"level": 12}, max_steps=50),
    "treasure_hunter_hard": GameKind("tw-treasure_hunter", {"level": 22}),
    "coin_collector": GameKind("tw-coin_collector", {"level": 105}, max_steps=50),
    "simple": GameKind("tw-simple", {"rewards": "dense", "goal": "brief", "test": False}, max_steps=50),
    "cooking_easy": GameKind("tw-cooking", EASY_COOKING),
    "cooking": GameKind("tw-cooking", {**COOKING, "recipe": 1, "take": 1, "go": 6}),
    "cooking_hard": GameKind("tw-cooking", {**COOKING, "recipe": 3, "take": 3, "go": 9}, max_steps=150),
    "cleaning": GameKind("", make=make_cleaning),
}


def make_game(kind: GameKind, options: Any) -> Any:
    """Make a game of TextWorld's `GameOptions`, whose seeds decide everything that is left open."""
    if kind.make is not None:
        return kind.make(options)
    import textworld.challenges

    _, make, _ = textworld.challenges.CHALLENGES[kind.challenge]
    return make(dict(kind.settings), options)
