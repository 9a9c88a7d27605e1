"""Make ALFWorld's games as worlds: "alfworld:pick_and_place_simple", "alfworld_generated:..."."""

from embodied_mem.envs.knowledge import Revealed
from embodied_mem.envs.text_games.alfworld.engine import AlfworldGame
from embodied_mem.envs.text_games.alfworld.generated import GeneratedGames
from embodied_mem.envs.text_games.alfworld.problem import TASKS
from embodied_mem.envs.text_games.alfworld.published import PublishedGames
from embodied_mem.envs.text_games.commands import CommandGrammar, Form
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.folds import Fold, check_fold
from embodied_mem.envs.text_games.world import TextGameWorld
from embodied_mem.errors import unknown_name
from embodied_mem.optional import require
from embodied_mem.records.json_values import JsonObject

MAX_STEPS = 50  # the paper's limit
FORMS = (
    Form("look", "look", "Read what is around."),
    Form("inventory", "inventory", "Read what is carried."),
    Form("read_help", "help", "Read which commands there are."),
    Form("go", "go to {target}", "Walk to a piece of furniture and see what is on it.", ("find {target}",)),
    Form("open", "open {object}", "Open a container."),
    Form("close", "close {object}", "Close a container."),
    Form("take_from", "take {object} from {source}", "Take a thing off or out of another one."),
    Form(
        "put_in",
        "move {item} to {target}",
        "Put a carried thing in or on another one.",
        ("put {item} in {target}",),
    ),
    Form("examine", "examine {object}", "Look closely at a thing."),
    Form("use", "use {object}", "Switch a lamp on or off."),
    Form("heat", "heat {object} with {tool}", "Heat a carried thing."),
    Form("clean", "clean {object} with {tool}", "Clean a carried thing."),
    Form("cool", "cool {object} with {tool}", "Cool a carried thing."),
    Form("slice", "slice {object} with {tool}", "Slice a thing with a carried knife."),
)
KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("every piece of furniture of the room, from the start", "text, choices of go"),
    Revealed("whether a carried thing can be heated, cooled or cleaned here", "choices of heat, cool, clean"),
    Revealed("what is where the player stands, if it is open, and what is carried", "facts visible"),
)


def make_alfworld_generated(
    task_type: str = "", *, games: str | None = None, max_steps: int = MAX_STEPS
) -> TextGameWorld:
    """Make the world of a task type with games of our own; a planner solves each, which can take a minute.

    Scores are not comparable with those of the published games.

    Args:
        task_type: Such as `pick_and_place_simple`; one of `problem.TASKS`.
        games: Folder where generated games are kept; None: `embodied-mem/alfworld` in the user's cache.
        max_steps: Commands of an episode.

    Raises:
        MissingExtra: ALFWorld is not installed.
        UnknownName: The task type does not exist; the message gives the nearest names.
    """
    _check(task_type)
    game = AlfworldGame(GeneratedGames(task_type, games).find)
    return _world(game, f"alfworld_generated:{task_type}", max_steps)


def make_alfworld(
    task_type: str = "", *, data: str | None = None, fold: Fold | None = None, max_steps: int = MAX_STEPS
) -> TextGameWorld:
    """Make the world of a task type with the published games.

    Args:
        task_type: Such as `pick_and_place_simple`; one of `problem.TASKS`.
        data: Folder of the games; None: that which `ALFWORLD_DATA` names.
        fold: `train`, `dev` (valid_seen) or `test` (valid_unseen); None: that of each seed, see `folds`.
        max_steps: Commands of an episode.

    Raises:
        MissingExtra: ALFWorld is not installed.
        UnknownName: The task type does not exist; the message gives the nearest names.
        InvalidRecord: The fold does not exist.
        EpisodeError: The games are not there; the message says how to get them.
    """
    _check(task_type)
    check_fold(fold)
    game = AlfworldGame(PublishedGames(task_type, data, fold).find)
    return _world(game, f"alfworld:{task_type}", max_steps)


def _check(task_type: str) -> None:
    require("alfworld", extra="alfworld")
    if task_type not in TASKS:
        raise unknown_name("ALFWorld task type", task_type, TASKS)


def _world(game: AlfworldGame, kind: str, max_steps: int) -> TextGameWorld:
    options: JsonObject = {} if max_steps == MAX_STEPS else {"max_steps": max_steps}
    env = TextGameEnv(game, max_steps=max_steps)
    return TextGameWorld(env, CommandGrammar(FORMS), kind=kind, options=options, knowledge=KNOWLEDGE)
