"""Random legal calls: planners explore with them, and the random floor does nothing else."""

from collections.abc import Sequence

import numpy as np

from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.legal_calls import listable
from embodied_mem.records.skills import Parameter, Skill


def random_call(skills: Sequence[Skill], rng: np.random.Generator) -> SkillCall | None:
    """Draw a call uniformly over skills, then over each argument's choices; None if no call is possible."""
    callable_now = listable(skills)
    if not callable_now:
        return None
    skill = callable_now[int(rng.integers(len(callable_now)))]
    return SkillCall(skill.name, {parameter.name: _draw(parameter, rng) for parameter in skill.parameters})


def _draw(parameter: Parameter, rng: np.random.Generator) -> JsonValue:
    return parameter.choices[int(rng.integers(len(parameter.choices)))]
