"""A policy as a skill: it runs until its limit, until it gives up, or until the episode ends."""

from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent, PolicySkill
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.skills import Parameter, Skill, SkillStatus
from embodied_mem.testing import ExecutionContract, KeyDoorWorld

WALK = SkillCall("walk")


class Waiting:
    """Waits; its state counts the steps, and it may give up at one of them."""

    def __init__(self, stuck_at: int) -> None:
        self.stuck_at = stuck_at

    def initial_state(self) -> int:
        return 0

    def act(self, observation: Any, state: int) -> tuple[Any, int]:
        if state == self.stuck_at:
            raise EpisodeError("a wall \ud800")
        return np.int64(0), state + 1


def skill(*, stuck_at: int = 99, max_steps: int | None = None, **settings: Any) -> PolicySkill:
    return PolicySkill(
        skill=settings.pop("skill", Skill(name="walk", description="Walk on.")),
        make=settings.pop("make", lambda world, rng: Waiting(stuck_at)),
        max_steps=max_steps,
    )


class PolicyWorld(KeyDoorWorld):
    """A world in which a policy is one of the skills, as the agent offers it."""

    def start(self, call: SkillCall) -> Any:
        stuck_at = 1 if call.name == "stumble" else 99
        stumble = skill(stuck_at=stuck_at, max_steps=3, skill=Skill(name=call.name))
        return stumble.start(self, call, seed=0)


class TestPolicyExecution(ExecutionContract):
    @pytest.fixture
    def world(self) -> PolicyWorld:
        return PolicyWorld()

    @pytest.fixture
    def call(self) -> SkillCall:
        return WALK

    @pytest.fixture
    def failing_call(self) -> SkillCall:
        return SkillCall("stumble")


class Scripted:
    def __init__(self, *plans: tuple[SkillCall, ...]) -> None:
        self.plans, self.contexts = list(plans), []

    def decide(self, context: Context) -> Decision:
        self.contexts.append(context)
        return Act(plan=self.plans.pop(0)) if self.plans else Stop("the script is over")

    def describe(self) -> Any:
        return {"name": "scripted"}


def play(*plans: tuple[SkillCall, ...], policies: Any) -> tuple[Any, Scripted]:
    planner = Scripted(*plans)
    return Agent(planner=planner, policies=policies).run_episode(KeyDoorWorld(), seed=0).trace, planner


def test_a_policy_stands_beside_the_skills_of_the_world_and_runs_for_its_steps():
    trace, planner = play((WALK, WALK), policies=[skill(max_steps=2)])
    assert [(call.steps, call.result.status) for call in trace.calls] == [(2, SkillStatus.SUCCESS)] * 2
    assert [each.name for each in planner.contexts[0].skills] == ["go_to", "open", "take", "walk"]
    assert planner.contexts[0].skills_in_full()[-1].description == "Walk on."


def test_a_policy_that_gives_up_fails_with_its_reason():
    trace, _ = play((WALK,), policies=[skill(stuck_at=1)])
    [call] = trace.calls
    assert (call.result.status, call.result.obstacle) == (SkillStatus.FAILURE, "stuck")
    assert call.result.reason == "the policy gave up: a wall \ufffd"


def test_arguments_that_do_not_fit_are_an_invalid_call():
    trace, _ = play((SkillCall("walk", {"to": "chest"}),), policies=[skill()])
    assert trace.calls[0].result.obstacle == "invalid"


def test_a_policy_may_declare_parameters_that_it_is_not_given():
    declared = Skill(name="walk", parameters=(Parameter(name="to", choices=("chest",)),))
    trace, _ = play((SkillCall("walk", {"to": "chest"}),), policies=[skill(skill=declared, max_steps=1)])
    assert trace.calls[0].result.is_success


def test_its_random_numbers_come_from_the_seed_of_the_episode():
    drawn: list[float] = []

    def make(world: Any, rng: np.random.Generator) -> Waiting:
        drawn.append(float(rng.random()))
        return Waiting(99)

    for _ in range(2):
        play((WALK,), policies=[skill(make=make, max_steps=1)])
    assert drawn[0] == drawn[1]


def test_a_policy_is_made_when_it_first_acts():
    made: list[Any] = []
    running = skill(make=lambda world, rng: made.append(world)).start(KeyDoorWorld(), WALK, seed=0)
    assert running.cancel().status is SkillStatus.CANCELLED
    assert not made


@pytest.mark.parametrize("max_steps", [0, -1, 1.5, True])
def test_a_number_of_steps_that_makes_no_sense_is_refused(max_steps):
    with pytest.raises(InvalidRecord, match="max_steps is"):
        skill(max_steps=max_steps)
