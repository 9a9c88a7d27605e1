"""A text game as a world: commands become skills, the game's text is the observation."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem.contracts import Policy
from embodied_mem.envs.building import GeneratorExecution, SkillFailed, Steps
from embodied_mem.envs.knowledge import Revealed
from embodied_mem.envs.text_games.commands import CommandGrammar
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.ledger import KNOWLEDGE
from embodied_mem.envs.text_games.seen import Seen
from embodied_mem.envs.text_games.turn import Opening, Turn
from embodied_mem.envs.text_games.walkthrough import WalkthroughPolicy
from embodied_mem.errors import EpisodeError
from embodied_mem.records import SkillCall, Task, instance_id
from embodied_mem.records.experience import InstanceFrom
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Detail, Observation, Skill

MAX_REASON_CHARS = 300


class TextGameWorld:
    """Describes one engine's text games; also has an expert, a goal check and a scene text.

    The facts of an observation are `score`, the names `known` so far, and where the engine gives facts,
    `visible` and `facts`, each a list of subject, relation and object: what is seen now, and what has been
    seen in this episode and is not known to be outdated. What the player was not shown is not among them.

    Args:
        env: The game, which may have wrappers that keep `info`.
        grammar: The engine's kinds of command.
        kind: Name of the kind of game, such as `textworld:cooking`.
        options: What the games are made with, part of the instance id of its tasks.
        knowledge: What this engine reveals beyond the ledger that all share.
    """

    instance_from: InstanceFrom = "state"

    def __init__(
        self,
        env: gym.Env[Any, Any],
        grammar: CommandGrammar,
        *,
        kind: str,
        options: JsonObject | None = None,
        knowledge: tuple[Revealed, ...] = (),
    ) -> None:
        self._env, self._grammar, self._kind = env, grammar, kind
        self._options = dict(options or {})
        self.knowledge = KNOWLEDGE + knowledge
        self._seen = Seen()
        self._turn = Turn(feedback="")
        self._skills: tuple[object, tuple[Skill, ...]] = (None, ())

    @property
    def env(self) -> gym.Env[Any, Any]:
        """The environment to step."""
        return self._env

    def close(self) -> None:
        """End the engine."""
        self._env.close()

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Forget the last game; the task is the new one's objective."""
        self._seen.begin()
        opening = self._opening()
        self._turn = opening.turn
        problem = instance_id(self._kind, seed=seed, options=self._options, state=opening.problem)
        return Task(opening.objective, kind=self._kind, instance=problem)

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """The game's text: its answer, the place, and what is carried; see the class for the facts."""
        self._turn = info["turn"]
        self._seen.merge(self._turn, self._grammar.things_of(self._turn.commands))
        facts: JsonObject = {"score": round(self._turn.score, 4), "known": self._seen.names}
        if self._turn.in_view:
            facts |= {"visible": [list(fact) for fact in self._turn.facts], "facts": self._seen.facts}
        return Observation(text=observation, facts=facts, raw=observation)

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """The skills of the admissible commands.

        Where a skill has two parameters, some pairs of its choices may be refused: an apple lies on the table
        and a key in the box, so `take_from(apple, box)` can be called too.
        """
        key = (self._turn.commands, detail)
        if self._skills[0] != key:
            self._skills = (key, self._grammar.skills(self._turn.commands, detail))
        return self._skills[1]

    def start(self, call: SkillCall) -> GeneratorExecution:
        """Type the command of a call, also one that is not admissible: the game then says why not.

        Raises:
            UnknownName: There is no skill of this name.
            InvalidRecord: The arguments do not fit the skill, or the command is that of another call.
        """
        return GeneratorExecution(self._type(call, self._grammar.command_of(call)), name=call.name)

    def expert(self, rng: np.random.Generator) -> Policy[Any]:
        """The walkthrough of the game that has just begun.

        Raises:
            EpisodeError: The engine knows none for this game.
        """
        return WalkthroughPolicy(self._walkthrough())

    def demonstration(self) -> Sequence[SkillCall]:
        """The calls of the walkthrough; see `expert`."""
        return tuple(map(self._grammar.call_of, self._walkthrough()))

    def _walkthrough(self) -> Sequence[str]:
        commands = self._game_env().walkthrough()
        if not commands:
            raise EpisodeError(f"{self._kind} has no walkthrough for this game; leave out the arm expert")
        return commands

    def goal_reached(self) -> bool:
        """Whether the game says that it is won."""
        return self._turn.is_won

    def scene(self) -> str:
        """The facts seen in this episode that are not known to be outdated, as sentences."""
        return self.view_scene().text

    def view_scene(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """The same within a budget, and as facts; see `HasSceneView`."""
        return self._seen.view(budget_tokens, about)

    def _type(self, call: SkillCall, command: str) -> Steps:
        yield command
        if self._turn.refusal:
            words = " ".join(self._turn.refusal.split())[:MAX_REASON_CHARS]
            reason = f"{command}: {words}"
            asked = [str(value) for value in call.arguments.values()]
            others = [name for name in self._seen.named_in(words) if name not in asked]
            raise SkillFailed("refused", reason, *asked, *others)

    def _opening(self) -> Opening:
        opening = self._game_env().opening
        if opening is None:
            raise EpisodeError(f"{self._env} has no game yet; call reset first")
        return opening

    def _game_env(self) -> TextGameEnv:
        env = self._env.unwrapped
        if not isinstance(env, TextGameEnv):
            raise EpisodeError(f"{self._env} is {type(env).__name__}; expected a TextGameEnv")
        return env
