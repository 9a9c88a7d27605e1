"""ALFWorld's games as a `TextGame`: PDDL problems that TextWorld plays."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from embodied_mem.envs.text_games.turn import PLAYER, Fact, Opening, Turn
from embodied_mem.errors import EpisodeError

TASK = "Your task is to:"
NOTHING = "Nothing happens."


def open_game(path: str, *, has_plan: bool = False) -> tuple[Any, Any]:
    """Load a `.tw-pddl` file; return TextWorld's environment and its first state."""
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs import PddlEnv

    infos = textworld.EnvInfos(admissible_commands=True, facts=True, won=True, policy_commands=has_plan)
    env = AlfredDemangler(PddlEnv(infos), shuffle=False)
    env.load(path)
    return env, env.reset()


class AlfworldGame:
    """Plays games that a function finds by their seed.

    Args:
        find: Returns the file of a seed's game, a text that is equal for equal games, and its walkthrough.
    """

    def __init__(self, find: Callable[[int], tuple[Path, str, Sequence[str]]]) -> None:
        self._find = find
        self._env: Any = None
        self._commands: tuple[str, ...] = ()
        self._walkthrough: Sequence[str] = ()

    def start(self, seed: int) -> Opening:
        """Load the game of a seed."""
        self.close()
        path, problem, self._walkthrough = self._find(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the packages that ALFWorld imports
            self._env, state = open_game(str(path))
        scene, _, task = state.feedback.partition(TASK)
        if not task:
            raise EpisodeError(f"{path} says no task; expected a game whose text has {TASK!r}")
        turn = self._turn(scene.replace("-= Welcome to TextWorld, ALFRED! =-", "").strip(), state, refusal="")
        return Opening(objective=task.strip(), problem=problem, turn=turn)

    def play(self, command: str) -> Turn:
        """Type a command; one that is not admissible has no effect."""
        is_admissible = command in self._commands
        state, _, _ = self._env.step(command)
        return self._turn(state.feedback, state, refusal="" if is_admissible else NOTHING)

    def walkthrough(self) -> Sequence[str]:
        """The planner's commands, kept with the game."""
        return tuple(self._walkthrough)

    def close(self) -> None:
        """Unload the game."""
        if self._env is not None:
            self._env.close()
            self._env = None

    def _turn(self, feedback: str, state: Any, *, refusal: str) -> Turn:
        self._commands = tuple(state.admissible_commands)
        facts, in_view = visible(state.facts)
        held = [fact[0] for fact in facts if fact[1:] == ("carried by", PLAYER)]
        return Turn(
            feedback=feedback,
            inventory=f"You are carrying: {held[0]}." if held else "You are not carrying anything.",
            commands=() if state.won else self._commands,
            score=float(state.won),
            is_won=bool(state.won),
            refusal=refusal,
            facts=facts,
            in_view=in_view,
        )


def visible(facts: Iterable[Any]) -> tuple[tuple[Fact, ...], frozenset[str]]:
    """What is seen out of all facts: the furniture at hand, what is in it if open, and what is carried."""
    of: dict[str, list[tuple[str, ...]]] = {}
    for fact in facts:
        of.setdefault(fact.name, []).append(tuple(variable.name.strip() for variable in fact.arguments))
    [(_, here)] = of["atlocation"]
    receptacles = {name for name, place in of.get("receptacleatlocation", ()) if place == here}
    openable = {name for (name,) in of.get("openable", ())} & receptacles
    is_open = {name for (name,) in of.get("opened", ())} & openable
    seen: set[Fact] = {(PLAYER, "at", name) for name in receptacles}
    seen |= {(name, "is", "open" if name in is_open else "closed") for name in openable}
    showing = receptacles - openable | is_open
    seen |= {(thing, "in", name) for thing, name in of.get("inreceptacle", ()) if name in showing}
    seen |= {(thing, "carried by", PLAYER) for _, thing in of.get("holds", ())}
    in_view = {PLAYER, *receptacles, *(fact[0] for fact in seen)}
    return tuple(sorted(seen)), frozenset(in_view)
