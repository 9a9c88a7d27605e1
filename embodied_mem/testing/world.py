"""Tests that every `World` must pass."""

import re

import pytest

from embodied_mem.contracts import HasGoalCheck, HasSceneText, World
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records.experience import SkillCall, Task
from embodied_mem.records.skills import Observation, Skill
from embodied_mem.testing.execution import begin_episode, run_call


class WorldContract:
    """Subclass it and define fixtures `world` and `call`, a call that is valid after a reset with seed 0."""

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

    def test_equal_seeds_are_equal_problems_and_others_are_not(self, world: World) -> None:
        """Instance ids follow the seed; the leakage guard compares them."""
        assert _begin(world, 0) == _begin(world, 0)
        assert _begin(world, 0).instance != _begin(world, 1).instance

    def test_an_unseeded_problem_has_no_instance(self, world: World) -> None:
        """It cannot be reproduced, so its instance id is empty and equals no other."""
        raw, info = world.env.reset()
        assert world.begin(raw, info, seed=None).instance == ""

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


def _begin(world: World, seed: int) -> Task:
    raw, info = world.env.reset(seed=seed)
    return world.begin(raw, info, seed=seed)


def _signature(skill: Skill) -> tuple[object, ...]:
    return skill.name, skill.parameters, skill.phrases
