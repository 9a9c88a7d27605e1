"""MiniGrid's own bot as the expert, guarded against hanging, with instructions for levels that have none.

The bot reads the whole grid from the environment, which no agent may do; it only serves as an upper bound.
BabyAI levels carry instructions. MiniGrid levels only have a mission text, from which this module makes the
same instructions: "pick up", "fetch", "open", "put ... near ..." and the red and blue doors;
`docs/minigrid.md` lists the levels that it solved.
"""

import contextlib
import copy
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from minigrid.envs.babyai.core.verifier import (  # type: ignore[import-untyped, unused-ignore]
    BeforeInstr,
    Instr,
    ObjDesc,
    OpenInstr,
    PickupInstr,
    PutNextInstr,
)
from minigrid.utils.baby_ai_bot import BabyAIBot  # type: ignore[import-untyped, unused-ignore]

from embodied_mem.errors import EpisodeError

MAX_REPLANS = 200  # passes of the bot's loop for one action; the maximum seen in 40 kinds of level was 10


class BotPolicy:
    """A policy that runs the bot; its state is the bot, which is copied and never changed in place.

    The bot reads the environment and not the observation, so `act` must be called exactly once per step of
    the environment, and a state is only valid in the current episode.
    """

    def __init__(self, env: Any) -> None:
        """Make the policy for the episode that has just begun.

        Args:
            env: The unwrapped MiniGrid environment.

        Raises:
            EpisodeError: The mission cannot be turned into instructions.
        """
        self._env = env
        self._instructions = _instructions(env)
        self._is_own = getattr(env, "instrs", None) is not self._instructions

    def initial_state(self) -> "_Bot":
        """The bot before its first step."""
        with _guarded("cannot begin"):
            return _Bot(self._env, self._instructions)

    def act(self, observation: Any, state: "_Bot") -> tuple[int, "_Bot"]:
        """The bot's next action.

        Raises:
            EpisodeError: The bot is stuck: it replans endlessly, or one of its own assertions failed.
        """
        bot: Any = state.fork()
        if self._is_own:
            _follow_moved_things(self._instructions, self._env)
        with _guarded("is stuck"):
            return int(bot.replan()), bot


class _WatchedStack(list[Any]):
    """The bot's stack of subgoals; raises if its length is read too often within one action.

    The only unbounded loop of the bot, which hangs in some levels (UnlockToUnlock), tests that length.
    """

    asked = 0

    def __len__(self) -> int:
        self.asked += 1
        if self.asked > MAX_REPLANS:
            raise EpisodeError(f"the expert made no decision in {MAX_REPLANS} replans")
        return super().__len__()


class _Bot(BabyAIBot):  # type: ignore[misc, unused-ignore]
    """The bot with explicit instructions, a watched stack, and a copy method."""

    def __init__(self, env: Any, instructions: Instr) -> None:
        # Without the parent's __init__: it reads the instructions from the environment, and MiniGrid levels
        # have none.
        self.mission = env
        self.vis_mask = np.zeros((env.width, env.height), dtype=bool)
        self.stack = _WatchedStack()
        self.bfs_counter = self.bfs_step_counter = 0
        self.prev_agent_pos = self.prev_carrying = self.prev_fwd_cell = None
        self.fwd_door_was_open = False
        process: Any = self._process_instr
        process(instructions)

    def fork(self) -> "_Bot":
        """A copy that shares no mutable state."""
        bot = copy.copy(self)
        bot.vis_mask = self.vis_mask.copy()
        bot.stack = _WatchedStack(copy.copy(subgoal) for subgoal in list.__iter__(self.stack))
        for subgoal in bot.stack:
            subgoal.bot = bot
        return bot


class _PlainDescription(ObjDesc):  # type: ignore[misc, unused-ignore]
    """A description that needs no rooms; its parent asks the environment for the agent's room."""

    def find_matching_objs(self, env: Any, use_location: bool = True) -> tuple[list[Any], list[Any]]:
        grid = env.unwrapped.grid
        cells = [(i, j, grid.get(i, j)) for i in range(grid.width) for j in range(grid.height)]
        if use_location:
            wanted = [cell for cell in cells if cell[2] is not None and self._fits(cell[2])]
            self.obj_set = [thing for _, _, thing in wanted]
        self.obj_poss = [(i, j) for i, j, thing in cells if any(thing is known for known in self.obj_set)]
        return self.obj_set, self.obj_poss

    def _fits(self, thing: Any) -> bool:
        return self.type in (None, thing.type) and self.color in (None, thing.color)


def _instructions(env: Any) -> Instr:
    own: Instr | None = getattr(env, "instrs", None)
    if own is not None:
        return own
    mission = env.mission.lower()
    for pattern, make in _MISSIONS:
        found = re.fullmatch(pattern, mission)
        if found:
            instructions = make(*map(_describe, found.groups()))
            instructions.reset_verifier(env)
            return instructions
    raise EpisodeError(f"the expert has no instructions for {env.mission!r}; BabyAI levels have an expert")


def _describe(words: str) -> ObjDesc:
    *colour, kind = words.split()
    describe: Any = _PlainDescription  # MiniGrid's constructor is untyped
    description: ObjDesc = describe(kind, colour[0] if colour else None)
    return description


_THING = r"(?:the |a )?((?:\w+ )?(?:key|ball|box|door))"
_MISSIONS: tuple[tuple[str, Callable[..., Instr]], ...] = (
    (rf"(?:pick up|get|go get|fetch|go fetch|you must fetch) {_THING}", PickupInstr),
    (rf"open {_THING}", OpenInstr),
    (rf"put {_THING} near {_THING}", PutNextInstr),
    (rf"open {_THING} then {_THING}", lambda first, second: BeforeInstr(OpenInstr(first), OpenInstr(second))),
)


def _follow_moved_things(instruction: Instr, env: Any) -> None:
    """Update the positions of described things; BabyAI levels do this themselves after each drop."""
    for name in ("instr_a", "instr_b"):
        if hasattr(instruction, name):
            _follow_moved_things(getattr(instruction, name), env)
    for name in ("desc", "desc_move", "desc_fixed"):
        if hasattr(instruction, name):
            getattr(instruction, name).find_matching_objs(env, use_location=False)


@contextlib.contextmanager
def _guarded(what: str) -> Any:
    """Suppress the bot's output, and convert its exceptions to `EpisodeError`."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except EpisodeError:
        raise
    except Exception as error:  # the bot fails with assertions, missing attributes and its own exception
        raise EpisodeError(f"the expert {what}: {type(error).__name__}: {error}") from error
