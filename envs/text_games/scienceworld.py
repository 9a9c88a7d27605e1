"""ScienceWorld (extra: scienceworld, and Java): 30 tasks of elementary science, each in many variations.

Wang et al., "ScienceWorld: Is your Agent Smarter than a 5th Grader?", EMNLP 2022.
"""

import re
from collections.abc import Sequence
from typing import Any

from embodied_mem.envs.knowledge import Revealed
from embodied_mem.envs.text_games.commands import CommandGrammar, Form
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.folds import Fold, check_fold, fold_of, pick
from embodied_mem.envs.text_games.java import end_jvm, require_java
from embodied_mem.envs.text_games.turn import Opening, Turn
from embodied_mem.envs.text_games.world import TextGameWorld
from embodied_mem.errors import EpisodeError, unknown_name
from embodied_mem.optional import require
from embodied_mem.records.json_values import JsonObject, JsonValue

TASKS = (
    "boil",
    "melt",
    "freeze",
    "change-the-state-of-matter-of",
    "use-thermometer",
    "measure-melting-point-known-substance",
    "measure-melting-point-unknown-substance",
    "power-component",
    "power-component-renewable-vs-nonrenewable-energy",
    "test-conductivity",
    "test-conductivity-of-unknown-substances",
    "find-living-thing",
    "find-non-living-thing",
    "find-plant",
    "find-animal",
    "grow-plant",
    "grow-fruit",
    "chemistry-mix",
    "chemistry-mix-paint-secondary-color",
    "chemistry-mix-paint-tertiary-color",
    "lifespan-longest-lived",
    "lifespan-shortest-lived",
    "lifespan-longest-lived-then-shortest-lived",
    "identify-life-stages-1",
    "identify-life-stages-2",
    "inclined-plane-determine-angle",
    "inclined-plane-friction-named-surfaces",
    "inclined-plane-friction-unnamed-surfaces",
    "mendelian-genetics-known-plant",
    "mendelian-genetics-unknown-plant",
)
FORMS = (
    Form("look", "look around", "Read again what is in the place."),
    Form("look_at", "look at {object}", "Look at a thing."),
    Form("look_in", "look in {object}", "Look into a thing."),
    Form("examine", "examine {object}", "Look closely at a thing."),
    Form("inventory", "inventory", "Read again what is carried."),
    Form("read_task", "task", "Read the task again."),
    Form("read", "read {object}", "Read a book or a recipe."),
    Form("go", "go to {target}", "Walk to a place through an open door."),
    Form("teleport", "teleport to {target}", "Be in another place at once."),
    Form("open", "open {object}", "Open a door or a container."),
    Form("close", "close {object}", "Close a door or a container."),
    Form("take", "pick up {object}", "Take a thing along."),
    Form("put_down", "put down {object}", "Put a carried thing down."),
    Form("drop", "drop {object}", "Put a carried thing down."),
    Form("move", "move {item} to {target}", "Move a thing into or onto another one."),
    Form("pour", "pour {item} into {target}", "Pour what a container holds into another one."),
    Form("pour_in", "pour {item} in {target}", "Pour what a container holds into another one."),
    Form("dunk", "dunk {item} into {target}", "Fill a container from a liquid."),
    Form("dunk_in", "dunk {item} in {target}", "Fill a container from a liquid."),
    Form("mix", "mix {object}", "Mix what a container holds."),
    Form("activate", "activate {object}", "Switch a device on."),
    Form("deactivate", "deactivate {object}", "Switch a device off."),
    Form("connect", "connect {item} to {target}", "Connect two electrical terminals."),
    Form("disconnect", "disconnect {object}", "Disconnect a terminal."),
    Form("use", "use {tool}", "Use a device."),
    Form("use_on", "use {tool} on {object}", "Use a tool on a thing."),
    Form("focus", "focus on {object}", "Say which thing the task is about; a wrong one loses it."),
    Form("eat", "eat {object}", "Eat a thing."),
    Form("flush", "flush {object}", "Flush a toilet."),
    Form("wait", "wait", "Let ten steps of time pass."),
    Form("wait_one", "wait1", "Let one step of time pass."),
    Form("reset_task", "reset task", "Begin the task again."),
)
KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("every pair of a kind of action and things here that the simulator lists", "skills and choices"),
    Revealed("which actions a question of the game offers, by number", "choices of type_command"),
    Revealed(
        "with the simplification easy: open doors and containers, teleporting, plants that pollinate", "game"
    ),
)
SIMPLIFICATION = "easy"
# The simulator does not say whether an action had an effect. Its answers have these words where it had none.
_REFUSED = re.compile(
    r"no known action|not clear how|already|can't|cannot|doesn't appear|isn't|not sure|unable|"
    r"is not (?:open|closed|in|a |an |something|movable|possible)|nothing (?:happens|to)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"^(\d+):", re.MULTILINE)


class ScienceWorldGame:
    """Plays the variations of one task; its JVM starts with the first game and ends with `close`.

    Args:
        task: Name of the task.
        fold: Part of the benchmark; None: by seed, see `folds`.
    """

    def __init__(self, task: str, fold: Fold | None = None) -> None:
        self._task, self._fold = task, fold
        self._env: Any = None
        self._variation = -1

    def start(self, seed: int) -> Opening:
        """Start the variation of a seed."""
        if self._env is None:
            require_java("ScienceWorld")
            module = require("scienceworld", extra="scienceworld")
            self._env = module.ScienceWorldEnv("", envStepLimit=1_000_000)  # our environment counts the steps
            self._env.load(self._task, 0, "")  # the folds are known only then
        self._variation = pick(seed, self._variations(self._fold or fold_of(seed)))
        text, info = self._load(has_gold_path=False)
        objective = " ".join(info["taskDesc"].removeprefix("Task Description:").split())
        problem: list[JsonValue] = [self._task, self._variation, SIMPLIFICATION]
        return Opening(objective=objective, problem=problem, turn=_turn(text, info, is_over=False))

    def play(self, command: str) -> Turn:
        """Type a command."""
        text, _, is_over, info = self._env.step(command)
        return _turn(text, info, is_over=bool(is_over))

    def walkthrough(self) -> Sequence[str]:
        """The simulator's gold path; the game is loaded anew for it, in the state of its start."""
        self._load(has_gold_path=True)
        return tuple(self._env.get_gold_action_sequence())

    def close(self) -> None:
        """End the JVM."""
        if self._env is not None:
            end_jvm(self._env._gateway)
            self._env._obj_tree_tempdir.cleanup()
            self._env = None

    def _load(self, *, has_gold_path: bool) -> tuple[str, dict[str, Any]]:
        self._env.load(self._task, self._variation, SIMPLIFICATION, generateGoldPath=has_gold_path)
        text, info = self._env.reset()
        return text, info

    def _variations(self, fold: Fold) -> list[int]:
        found = list(getattr(self._env, f"get_variations_{fold}")())
        if not found:
            raise EpisodeError(f"{self._task} has no variations in the fold {fold}; give another fold")
        return found


def _turn(text: str, info: dict[str, Any], *, is_over: bool) -> Turn:
    is_question = text.startswith("Ambiguous request")
    is_won = is_over and info["score"] >= 100
    commands = _QUESTION.findall(text) if is_question else info["valid"]
    return Turn(
        feedback=text,
        place=info["look"].strip(),
        inventory=info["inv"].strip(),
        commands=() if is_over else tuple(sorted(set(commands))),
        score=info["score"] / 100,
        is_won=is_won,
        is_lost=is_over and not is_won,
        refusal=text if len(text) < 200 and _REFUSED.search(text) and not is_question else "",
    )


def make_scienceworld(task: str = "", *, fold: Fold | None = None, max_steps: int = 100) -> TextGameWorld:
    """Make the world of a ScienceWorld task, with the simplification `easy`.

    Args:
        task: Such as `boil` or `find-living-thing`.
        fold: `train`, `dev` or `test`; None: that of each seed, see `folds`.
        max_steps: Commands of an episode.

    Raises:
        MissingExtra: ScienceWorld or Java is not installed.
        UnknownName: The task does not exist; the message gives the nearest names.
        InvalidRecord: The fold does not exist.
    """
    require("scienceworld", extra="scienceworld")
    require_java("ScienceWorld")
    if task not in TASKS:
        raise unknown_name("ScienceWorld task", task, TASKS)
    check_fold(fold)
    options: JsonObject = {} if max_steps == 100 else {"max_steps": max_steps}
    env = TextGameEnv(ScienceWorldGame(task, fold), max_steps=max_steps)
    return TextGameWorld(
        env, CommandGrammar(FORMS), kind=f"scienceworld:{task}", options=options, knowledge=KNOWLEDGE
    )
