"""Parts to build a world from: skills in a line, and executions from generator functions.

docs/write-a-world.md uses them; `examples/` holds two worlds that are made of them.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeAlias

from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import (
    Detail,
    Observation,
    Parameter,
    Skill,
    SkillResult,
    SkillStatus,
)

MAX_CALL_STEPS = 1_000

Steps: TypeAlias = Generator[Any, Observation, None]
"""Yields environment actions and gets the observation after each; returns on success."""


def skill(
    name: str,
    *,
    phrases: Sequence[str] = (),
    description: str = "",
    **parameters: "Parameter | str | Sequence[JsonValue]",
) -> Skill:
    """Return a skill: `skill("go_to", object=("door", "key"), phrases=("go to {object}",))`.

    Args:
        name: Its name.
        phrases: Phrases of instructions that name it, parameters in braces.
        description: Its effect, for language models; `at_detail` drops it where it was not asked for.
        **parameters: Parameter name -> its choices now; or its type as text, if any value of it is allowed;
            or a `Parameter`, whose name does not count. For a parameter called `name`, `phrases` or
            `description` build the `Skill` yourself.

    Raises:
        InvalidRecord: `phrases` is one text, or a parameter is none of the three.
    """
    if isinstance(phrases, str):
        raise InvalidRecord(f"phrases of {name} is {phrases!r:.200}; expected a list of texts")
    taken = tuple(_parameter(key, value) for key, value in parameters.items())
    return Skill(name=name, parameters=taken, phrases=tuple(phrases), description=description)


def at_detail(skills: Sequence[Skill], detail: Detail) -> tuple[Skill, ...]:
    """Return the skills at a level of detail: at `signature` they have no descriptions."""
    if detail == "full":
        return tuple(skills)
    return tuple(Skill(name=each.name, parameters=each.parameters, phrases=each.phrases) for each in skills)


class SkillFailed(Exception):
    """Raised inside a skill when it cannot continue; ends the call with a failure.

    Args:
        obstacle: Short code of the obstacle's kind ("locked"); see `SkillResult`.
        reason: Cause in words; names the obstacle, never the remedy.
        *subjects: References to the objects named in `reason`, most important first.
    """

    def __init__(self, obstacle: str, reason: str, *subjects: str) -> None:
        super().__init__(reason)
        self.result = SkillResult(
            status=SkillStatus.FAILURE, reason=reason, obstacle=obstacle, subjects=subjects
        )


class GeneratorExecution:
    """An `Execution` that runs a generator one environment action at a time.

    The generator yields an action and gets the observation after it: `observation = yield action`. It starts
    at the first `advance`. It succeeds when it returns, and fails when it raises `SkillFailed` or returns a
    result that says so. Other exceptions are raised, and end the episode.

    Args:
        steps: The generator.
        name: Name of the skill, for messages.
        idle_action: Action of a call that ends without one, so that a failure is never free. None: such a
            call may succeed, but not fail.
        max_steps: Actions after which the call fails with the obstacle `no_progress`.
    """

    def __init__(
        self,
        steps: Generator[Any, Observation, SkillResult | None],
        *,
        name: str = "the call",
        idle_action: Any = None,
        max_steps: int = MAX_CALL_STEPS,
    ) -> None:
        self._steps, self._name = steps, name
        self._idle_action, self._max_steps = idle_action, max_steps
        self._n_taken = 0
        self._result: SkillResult | None = None

    def advance(self, observation: Observation) -> Any:
        """Return the next action, or the result.

        Raises:
            EpisodeError: The call failed without an action and there is no idle action, or its generator
                returned something that is no result.
        """
        if self._result is not None:
            return self._result
        action = self._next_action(observation)
        if self._result is not None and (self._n_taken or self._may_end_at_once(self._result)):
            return self._result
        self._n_taken += 1
        return action

    def cancel(self) -> SkillResult:
        """Cancel the call; a call that has ended keeps its result."""
        self._steps.close()
        self._result = self._result or SkillResult(status=SkillStatus.CANCELLED)
        return self._result

    def _next_action(self, observation: Observation) -> Any:
        """Return the generator's next action; if it ended, set the result and return the idle action."""
        try:
            if self._n_taken >= self._max_steps:
                self._steps.close()
                reason = f"{self._name} came to no end in {self._max_steps} steps"
                raise SkillFailed("no_progress", reason)
            is_asked = self._n_taken and _takes_observations(self._steps)
            return self._steps.send(observation) if is_asked else next(self._steps)
        except StopIteration as end:
            self._result = _result(end.value, self._name)
        except SkillFailed as failure:
            self._result = failure.result
        return self._idle_action

    def _may_end_at_once(self, result: SkillResult) -> bool:
        if self._idle_action is None and not result.is_success:
            raise EpisodeError(
                f"{self._name} failed without an action, so trying it again would be free; yield an action "
                "before the failure, or give idle_action"
            )
        return self._idle_action is None


def _takes_observations(steps: Any) -> bool:
    """Whether the innermost iterator takes what is sent; `yield from [1, 2]` in a generator does not."""
    while (inner := getattr(steps, "gi_yieldfrom", None)) is not None:
        steps = inner
    return hasattr(steps, "send")


def _result(value: object, name: str) -> SkillResult:
    if value is None:
        return SkillResult(status=SkillStatus.SUCCESS)
    if isinstance(value, SkillResult):
        return value
    raise EpisodeError(f"{name} returned {value!r:.200}; expected a SkillResult, or None for success")


def _parameter(name: str, value: "Parameter | str | Sequence[JsonValue]") -> Parameter:
    if isinstance(value, Parameter):
        return Parameter(name=name, type=value.type, choices=value.choices, is_open=value.is_open)
    if isinstance(value, str):
        return Parameter(name=name, type=value)
    if not isinstance(value, Iterable):
        raise InvalidRecord(
            f"parameter {name} is {value!r:.200}; expected its choices as a list, or its type, such as 'text'"
        )
    return Parameter(name=name, type=_type_of(value), choices=tuple(value))


def _type_of(choices: Sequence[JsonValue]) -> str:
    if choices and all(
        isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices
    ):
        return "number"
    return "object"
