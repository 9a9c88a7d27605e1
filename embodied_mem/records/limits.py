"""Every limit of an episode, in one place."""

from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the agent loop ends an episode by itself.

    Attributes:
        max_steps: Environment steps; the environment's own limit holds beside it. None means no limit: then a
            skill that never ends, in an environment without a limit, goes on for ever.
        max_calls: Skill calls, so that calls which take no step cannot go on for ever.
        max_invalid_calls: Calls of skills that do not exist or with arguments that do not fit.
        max_decisions: Times the planner is asked.
        max_recalls: Times memory is asked; further recalls give nothing, the episode goes on.
        max_questions: Questions to whoever stands by; further ones are answered with nothing.
        max_seconds: Wall clock, looked at after each step; None means no limit.
    """

    max_steps: int | None = 100_000
    max_calls: int = 400
    max_invalid_calls: int = 20
    max_decisions: int = 2_000
    max_recalls: int = 1_000
    max_questions: int = 20
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value is None and name in ("max_steps", "max_seconds"):
                continue
            types = (int, float) if name == "max_seconds" else int
            if isinstance(value, bool) or not isinstance(value, types) or not value >= 0:
                raise InvalidRecord(f"limits.{name} is {value!r}; expected a number of at least 0")
