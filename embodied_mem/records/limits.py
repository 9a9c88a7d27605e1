"""`Limits`: all limits of an episode."""

from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits at which the agent loop ends an episode.

    Attributes:
        max_steps: Environment steps, in addition to the environment's own limit. None: no limit; a skill that
            never ends, in an environment without a limit, then runs for ever.
        max_calls: Skill calls; stops endless calls that take no step.
        max_invalid_calls: Calls of unknown skills or with wrong arguments.
        max_decisions: Calls of the planner.
        max_recalls: Queries to memory; further ones return nothing and the episode continues.
        max_questions: Questions of the planner; further ones get an empty answer.
        max_seconds: Wall-clock seconds of an episode; None: no limit. Checked after each step, and kept where
            an `async` planner waits. A step or a synchronous planner that hangs can be interrupted only in an
            isolated episode, which `embodied-mem run` plays: there the limit is kept in any case.
        max_step_seconds: Wall-clock seconds of one `reset` or `step` of the environment; None: no limit. A
            step that took longer ends the episode; one that hangs is interrupted in an isolated episode.
    """

    max_steps: int | None = 100_000
    max_calls: int = 400
    max_invalid_calls: int = 20
    max_decisions: int = 2_000
    max_recalls: int = 1_000
    max_questions: int = 20
    max_seconds: float | None = None
    max_step_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value is None and name in ("max_steps", "max_seconds", "max_step_seconds"):
                continue
            types = (int, float) if name.endswith("seconds") else int
            if isinstance(value, bool) or not isinstance(value, types) or not value >= 0:
                raise InvalidRecord(f"limits.{name} is {value!r}; expected a number of at least 0")
