"""Tests that every `World` must pass."""

import re

import pytest

from embodied_mem.contracts import (
    CanClose,
    CanHold,
    CanRestart,
    HasGoalCheck,
    HasSceneText,
    HasSceneView,
    World,
)
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records.experience import SkillCall, Task
from embodied_mem.records.json_values import canonical, to_json_object
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Observation, Skill
from embodied_mem.testing.execution import begin_episode, run_call

SEEDS = range(4)  # problems to compare; a simulator may take seconds for each
CHARS_PER_TOKEN = 4


class WorldContract:
    """Subclass it and define fixtures `world` and `call`, a call that is valid after a reset with seed 0.

    A world names its problems in `Task.instance`, by `instance_id`. If it can read the full initial state, it
    has an attribute `instance_from = "state"`: equal problems then have equal names, whatever the seed.
    Without that attribute it names them by the seed.
    """

    @pytest.fixture
    def world(self) -> World:
        """A fresh world."""
        raise NotImplementedError("override the fixture `world`")

    @pytest.fixture
    def call(self) -> SkillCall:
        """A call that takes at least one step when made at the start."""
        raise NotImplementedError("override the fixture `call`")

    def test_it_says_what_is_to_be_done(self, world: World) -> None:
        """The task has a text, and an instance id if it is seeded."""
        task = _begin(world, 0)
        assert isinstance(task, Task)
        assert task.text
        assert task.instance

    def test_equal_seeds_are_equal_problems(self, world: World) -> None:
        """The leakage guard compares names of problems, and so do the arms of an experiment."""
        assert _begin(world, 0) == _begin(world, 0)

    def test_problems_that_look_different_have_different_names(self, world: World) -> None:
        """Task, first observation and skills of equal names are equal."""
        looks: dict[str, str] = {}
        for seed in SEEDS:
            name, look = _problem(world, seed)
            assert looks.setdefault(name, look) == look, f"two problems are both called {name!r}"

    def test_the_name_of_a_problem_follows_what_the_world_declares(self, world: World) -> None:
        """The same problem under another seed keeps its name if that comes from the state, and only then."""
        told_otherwise = _begin(world, 0, told=1).instance
        is_same = told_otherwise == _begin(world, 0).instance
        assert is_same is _is_named_by_state(world)

    def test_an_unseeded_problem_is_named_by_its_state_or_not_at_all(self, world: World) -> None:
        """What is named by its seed has no name without one, and so equals no other."""
        raw, info = world.env.reset()
        assert bool(world.begin(raw, info, seed=None).instance) is _is_named_by_state(world)

    def test_it_describes_what_is_perceived(self, world: World) -> None:
        """The observation has a text, and the environment's own observation as `raw`."""
        raw, info = world.env.reset(seed=0)
        world.begin(raw, info, seed=0)
        observation = world.observe(raw, info)
        assert isinstance(observation, Observation)
        assert observation.text
        assert observation.raw is raw

    def test_it_offers_skills(self, world: World) -> None:
        """There is at least one skill, and names are unique."""
        skills = world.skills(begin_episode(world))
        assert skills
        assert all(isinstance(skill, Skill) for skill in skills)
        assert len({skill.name for skill in skills}) == len(skills)

    def test_detail_adds_descriptions_and_nothing_else(self, world: World) -> None:
        """At detail `signature` there is no description."""
        observation = begin_episode(world)
        brief, full = world.skills(observation), world.skills(observation, detail="full")
        assert [_signature(skill) for skill in brief] == [_signature(skill) for skill in full]
        assert not any(skill.description for skill in brief)

    def test_phrases_name_the_skills_parameters(self, world: World) -> None:
        """Each {word} in braces is a parameter of the skill."""
        for skill in world.skills(begin_episode(world)):
            named = {name for phrase in skill.phrases for name in re.findall(r"\{(\w*)\}", phrase)}
            assert named <= {parameter.name for parameter in skill.parameters}

    def test_an_unknown_skill_is_refused(self, world: World) -> None:
        """The error is an `UnknownName`."""
        begin_episode(world)
        with pytest.raises(UnknownName):
            world.start(SkillCall("no_such_skill"))

    def test_arguments_that_do_not_fit_are_refused(self, world: World, call: SkillCall) -> None:
        """An unknown argument raises `InvalidRecord`."""
        begin_episode(world)
        with pytest.raises(InvalidRecord):
            world.start(SkillCall(call.name, {**call.arguments, "no_such_argument": 1}))

    def test_a_new_episode_forgets_the_last_one(self, world: World, call: SkillCall) -> None:
        """Observation and skills equal those of the first episode."""
        first = begin_episode(world)
        expected = first.text, first.facts, first.pose, list(world.skills(first))
        run_call(world, call, first)
        again = begin_episode(world)
        assert (again.text, again.facts, again.pose, list(world.skills(again))) == expected

    def test_the_same_call_has_the_same_effect(self, world: World, call: SkillCall) -> None:
        """This holds for equal seeds; replayed and resumed experiments rely on it."""
        first = run_call(world, call, begin_episode(world))
        assert repr(run_call(world, call, begin_episode(world))) == repr(first)

    def test_the_goal_is_not_reached_before_a_step(self, world: World) -> None:
        """The goal check is false right after a reset."""
        if not isinstance(world, HasGoalCheck):
            pytest.skip("the world has no goal check")
        begin_episode(world)
        assert not world.goal_reached()

    def test_the_scene_is_text(self, world: World) -> None:
        """The text may be empty."""
        if not isinstance(world, HasSceneText):
            pytest.skip("the world keeps no map")
        begin_episode(world)
        assert isinstance(world.scene(), str)

    def test_the_scene_fits_its_budget(self, world: World) -> None:
        """Texts are within the budget, facts are JSON, and looking changes nothing."""
        if not isinstance(world, HasSceneView):
            pytest.skip("the world gives no view of its scene")
        begin_episode(world)
        whole = world.view_scene()
        assert isinstance(whole, SceneView)
        to_json_object(whole.facts, field="facts")
        for budget_tokens in (0, 1, 8, 100):
            view = world.view_scene(budget_tokens, about=["no such thing"])
            assert len(view.text) <= budget_tokens * CHARS_PER_TOKEN
        assert world.view_scene() == whole

    def test_it_can_hold_at_any_step(self, world: World, call: SkillCall) -> None:
        """The hold action is one of the environment's, also while a call runs, which goes on after it."""
        if not isinstance(world, CanHold):
            pytest.skip("the world does not hold")
        observation = begin_episode(world)
        execution = world.start(call)
        for _ in range(2):
            execution.advance(observation)
            action = world.hold_action()
            assert world.env.action_space.contains(action)
            raw, _, is_terminated, is_truncated, info = world.env.step(action)
            observation = world.observe(raw, info)
            if is_terminated or is_truncated:
                break

    def test_it_begins_again_after_a_restart(self, world: World) -> None:
        """The episode after a restart is the same as before, also if one was running."""
        if not isinstance(world, CanRestart):
            pytest.skip("the world cannot restart")
        before = begin_episode(world)
        world.restart()
        after = begin_episode(world)
        assert (after.text, after.facts, after.pose) == (before.text, before.facts, before.pose)

    def test_it_can_be_closed_twice(self, world: World) -> None:
        """Closing releases what it holds, in an episode or after it."""
        if not isinstance(world, CanClose):
            pytest.skip("the world has no close of its own")
        begin_episode(world)
        world.close()
        world.close()


def _begin(world: World, seed: int, *, told: int | None = None) -> Task:
    """Begin the problem of a seed; `told` is the seed that the world hears of, if it is another one."""
    raw, info = world.env.reset(seed=seed)
    return world.begin(raw, info, seed=seed if told is None else told)


def _problem(world: World, seed: int) -> tuple[str, str]:
    """Return the name of a problem, and all that a planner sees of it at its start."""
    raw, info = world.env.reset(seed=seed)
    task = world.begin(raw, info, seed=seed)
    seen = world.observe(raw, info)
    facts = canonical(to_json_object(seen.facts, field="facts"))
    skills = [_signature(skill) for skill in world.skills(seen)]
    return task.instance, repr((task.text, task.kind, seen.text, facts, seen.pose, skills))


def _is_named_by_state(world: World) -> bool:
    return getattr(world, "instance_from", "seed") == "state"


def _signature(skill: Skill) -> tuple[object, ...]:
    return skill.name, skill.parameters, skill.phrases
