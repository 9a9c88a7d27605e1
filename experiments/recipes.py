"""How the process of an episode makes the parts of an arm."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.agent.policy_skill import PolicySkill
from embodied_mem.contracts import HasExpert, Policy, World
from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.arms import EXPERT, Arm
from embodied_mem.experiments.seeds import Phase
from embodied_mem.isolation.recipe import Recipe
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.skills import Skill


def world_recipe(kind: str) -> Recipe:
    """How to make the world of a task kind."""
    return Recipe("embodied_mem.experiments.worlds:make_kind", {"text": kind})


def planner_recipe(
    arm: Arm, phase: Phase, *, folder: Path, seed: int, budget: JsonObject | None = None
) -> Recipe:
    """How to make the planner of an arm in a lifetime; the expert is a policy that acts throughout.

    Args:
        arm: The arm.
        phase: What is played: another planner may play the learning episodes.
        folder: Where the planner may keep files.
        seed: Seed of the lifetime.
        budget: What the model calls of the run may cost; see `make_planner`.
    """
    if arm.plays_expert:
        return Recipe("embodied_mem.planners.policy:PolicyPlanner", {"skill": EXPERT})
    is_learner = phase is Phase.LEARN and arm.learner
    options: JsonObject = {
        "name": arm.learner if is_learner else arm.planner,
        "options": dict(arm.learner_options if is_learner else arm.planner_options),
        "folder": str(folder),
        "seed": seed,
        "budget": budget,
    }
    return Recipe("embodied_mem.experiments.arms:make_planner", options)


def policy_recipes(arm: Arm) -> Sequence[Recipe]:
    """How to make the policies of an arm."""
    return [Recipe("embodied_mem.experiments.recipes:make_expert_skill")] if arm.plays_expert else []


def make_expert_skill() -> PolicySkill:
    """The world's own expert as a skill."""
    return PolicySkill(skill=Skill(name=EXPERT), make=_expert)


def _expert(world: World, rng: np.random.Generator) -> Policy[Any]:
    if not isinstance(world, HasExpert):
        raise ExperimentError(f"{type(world).__name__} has no expert; leave the arm {EXPERT!r} out")
    return world.expert(rng)
