"""What a world may answer; another answer is an error that names the method and what was expected."""

from collections.abc import Sequence
from typing import Any

from embodied_mem.contracts import Execution
from embodied_mem.errors import EpisodeError
from embodied_mem.records.experience import Task
from embodied_mem.records.skills import Observation, Skill


def task_of(answer: Any) -> Task:
    """Return what `begin` gave.

    Raises:
        EpisodeError: It is no `Task`.
    """
    if isinstance(answer, Task):
        return answer
    raise _wrong("begin", answer, "a Task, such as Task('take the coin')")


def observation_of(answer: Any) -> Observation:
    """Return what `observe` gave.

    Raises:
        EpisodeError: It is no `Observation`.
    """
    if isinstance(answer, Observation):
        return answer
    raise _wrong("observe", answer, "an Observation, such as Observation(text='The door is locked.')")


def skills_of(answer: Any) -> Sequence[Skill]:
    """Return what `skills` gave.

    Raises:
        EpisodeError: It is no sequence of `Skill` with different names.
    """
    if not isinstance(answer, Sequence) or not all(isinstance(each, Skill) for each in answer):
        raise _wrong("skills", answer, "a list of Skill, empty if nothing can be called")
    names = [each.name for each in answer]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise EpisodeError(f"world.skills gave two skills called {twice!r}; give one with all of its choices")
    return answer


def execution_of(answer: Any) -> Execution:
    """Return what `start` gave.

    Raises:
        EpisodeError: It has no `advance` and `cancel`.
    """
    if isinstance(answer, Execution):
        return answer
    raise _wrong("start", answer, "an Execution, such as GeneratorExecution(steps) of a generator")


def _wrong(method: str, answer: Any, expected: str) -> EpisodeError:
    return EpisodeError(f"world.{method} gave {answer!r:.200}; expected {expected}")
