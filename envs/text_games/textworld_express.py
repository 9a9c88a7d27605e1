"""TextWorld-Express (extra: textworld_express, and Java): eight fast games with folds and gold paths.

Jansen and Côté, "TextWorldExpress: Simulating Text Games at One Million Steps Per Second", EACL 2023.
"""

from collections.abc import Sequence
from typing import Any

from embodied_mem.envs.knowledge import Revealed
from embodied_mem.envs.text_games.commands import CommandGrammar, Form
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.folds import Fold, check_fold, fold_of, pick
from embodied_mem.envs.text_games.java import end_jvm, require_java
from embodied_mem.envs.text_games.turn import Opening, Turn
from embodied_mem.envs.text_games.world import TextGameWorld
from embodied_mem.errors import unknown_name
from embodied_mem.optional import require
from embodied_mem.records.json_values import JsonObject

GAMES = ("coin", "cookingworld", "mapreader", "twc", "arithmetic", "sorting", "simonsays", "peckingorder")
FORMS = (
    Form("look", "look around", "Read again what is in the room."),
    Form("inventory", "inventory", "Read again what is carried."),
    Form("read_task", "task", "Read the task again."),
    Form("read", "read {object}", "Read a thing."),
    Form("examine", "examine {object}", "Look closely at a thing."),
    Form("go", "move {direction}", "Walk to the next room.", ("go {direction}",)),
    Form("open_door", "open door to {direction}", "Open the door in a direction."),
    Form("close_door", "close door to {direction}", "Close the door in a direction."),
    Form("open", "open {object}", "Open a container."),
    Form("close", "close {object}", "Close a container."),
    Form("take", "take {object}", "Take a thing along."),
    Form("put_in", "put {item} in {target}", "Put a carried thing in or on another one."),
    Form("drop", "drop {object}", "Put a carried thing on the floor."),
    Form("cook", "cook {object} in {tool}", "Cook food; an oven roasts, a stove fries, a barbecue grills."),
    Form("slice", "slice {object}", "Slice food with a knife."),
    Form("dice", "dice {object}", "Dice food with a knife."),
    Form("chop", "chop {object}", "Chop food with a knife."),
    Form("eat", "eat {object}", "Eat what can be eaten."),
    Form("prepare_meal", "prepare meal", "Make the meal of the recipe from what is carried, in the kitchen."),
)
TELLING = ("look", "inventory", "task", "read", "examine")  # first words of commands that change nothing
KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("which things can be taken, opened or cooked here, also where it would be refused", "choices"),
)


class TextWorldExpressGame:
    """Plays one game; its JVM starts with the first episode and ends with `close`.

    Args:
        name: Name of the game.
        fold: Part of the games; None: by seed, see `folds`.
    """

    def __init__(self, name: str, fold: Fold | None = None) -> None:
        self._name, self._fold = name, fold
        self._env: Any = None
        self._last: dict[str, Any] = {}
        self._game: tuple[int, Fold] = (0, "train")

    def start(self, seed: int) -> Opening:
        """Start the game of a seed."""
        if self._env is None:
            require_java("TextWorld-Express")
            module = require("textworld_express", extra="textworld_express")
            self._env = module.TextWorldExpressEnv(envStepLimit=1_000_000)  # our environment counts the steps
            self._env.load(self._name, "")
        fold = self._fold or fold_of(seed)
        self._game = pick(seed, getattr(self._env, f"getValidSeeds{fold.title()}")()), fold
        _, self._last = self._generate(has_gold_path=False)
        return Opening(
            objective=" ".join(self._last["taskDescription"].split()),
            problem=[self._name, *self._game],
            turn=_turn("", self._last, refusal=""),
        )

    def play(self, command: str) -> Turn:
        """Type a command; one that changes neither the place nor what is carried had no effect."""
        before = self._last
        text, _, _, self._last = self._env.step(command)
        return _turn(text, self._last, refusal="" if _had_effect(command, before, self._last) else text)

    def walkthrough(self) -> Sequence[str]:
        """The engine's gold path; the game is made anew for it, in the state of its start."""
        self._generate(has_gold_path=True)
        return tuple(self._env.getGoldActionSequence())

    def close(self) -> None:
        """End the JVM."""
        if self._env is not None:
            end_jvm(self._env._gateway)
            self._env = None

    def _generate(self, *, has_gold_path: bool) -> tuple[str, dict[str, Any]]:
        seed, fold = self._game
        text, info = self._env.reset(
            seed=seed, gameFold=fold, gameName=self._name, gameParams="", generateGoldPath=has_gold_path
        )
        return text, info


def _had_effect(command: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    if after["observation"].startswith("Unknown action"):
        return False
    is_telling = command.split(" ")[0] in TELLING
    seen = ("look", "inventory", "score", "tasksuccess", "taskfailure")
    return is_telling or any(before[name] != after[name] for name in seen)


def _turn(text: str, info: dict[str, Any], *, refusal: str) -> Turn:
    is_won, is_lost = bool(info["tasksuccess"]), bool(info["taskfailure"])
    return Turn(
        feedback=text,
        place=info["look"].strip(),
        inventory=info["inventory"].strip(),
        commands=() if is_won or is_lost else tuple(sorted(set(info["validActions"]))),
        score=float(info["score"]),
        is_won=is_won,
        is_lost=is_lost and not is_won,
        refusal=refusal,
    )


def make_textworld_express(
    game: str = "", *, fold: Fold | None = None, max_steps: int = 100
) -> TextGameWorld:
    """Make the world of a TextWorld-Express game.

    Args:
        game: `coin`, `cookingworld`, `mapreader`, `twc` or another of `GAMES`.
        fold: `train`, `dev` or `test`; None: that of each seed, see `folds`.
        max_steps: Commands of an episode.

    Raises:
        MissingExtra: TextWorld-Express or Java is not installed.
        UnknownName: The game does not exist; the message gives the nearest names.
        InvalidRecord: The fold does not exist.
    """
    require("textworld_express", extra="textworld_express")
    require_java("TextWorld-Express")
    if game not in GAMES:
        raise unknown_name("TextWorld-Express game", game, GAMES)
    check_fold(fold)
    options: JsonObject = {} if max_steps == 100 else {"max_steps": max_steps}
    env = TextGameEnv(TextWorldExpressGame(game, fold), max_steps=max_steps)
    return TextGameWorld(
        env, CommandGrammar(FORMS), kind=f"textworld_express:{game}", options=options, knowledge=KNOWLEDGE
    )
