"""The demonstrator: it solves what docs/minigrid.md says, and its decisions are worked examples.

The nightly tier plays 100 episodes of every level of docs/minigrid.md and prints its table:

    python -m pytest -m nightly -s tests/planners/demonstrators
"""

import asyncio
import re
from pathlib import Path

import pytest

from embodied_mem import MemoryStore
from embodied_mem.agent import Agent
from embodied_mem.envs import make_world
from embodied_mem.planners import make_planner
from embodied_mem.planners.demonstrators.minigrid import MiniGridDemonstrator
from embodied_mem.records import Kind, Status
from embodied_mem.records.skills import SkillStatus
from embodied_mem.testing import KeyDoorWorld
from embodied_mem.testing.planner import PlannerContract, Yielding

PAGE = Path(__file__).parents[3] / "docs" / "minigrid.md"
FIRST_SEED = 100_000  # the first seed for tuning; see experiments/seeds.yaml
DEFAULT_EPISODES = 5
NIGHTLY_EPISODES = 100
LEVELS = (
    "babyai:UnlockPickup",
    "babyai:PutNextS5N2",
    "babyai:PutNextLocal",
    "babyai:KeyCorridorS3R2",
    "babyai:BlockedUnlockPickup",
    "babyai:UnblockPickup",
    "babyai:SynthS5R2",
    "babyai:KeyInBox",
    "minigrid:ObstructedMaze-2Dlhb",
    "minigrid:PutNear-6x6-N2",
    "minigrid:UnlockPickup",
)


def play(level, *, seed=FIRST_SEED, **options):
    return Agent(planner=make_planner("minigrid_demonstrator"), **options).run_episode(
        make_world(level), seed=seed
    )


def calls_of(episode):
    return [str(record.call) for record in episode.trace.calls]


class TestMiniGridDemonstrator(PlannerContract):
    @pytest.fixture
    def planner(self):
        return MiniGridDemonstrator()


@pytest.mark.parametrize("level", LEVELS)
def test_it_solves_levels_of_every_obstacle(level):
    episodes = [play(level, seed=FIRST_SEED + i) for i in range(DEFAULT_EPISODES)]
    assert [episode.outcome.status for episode in episodes] == [Status.SUCCESS] * DEFAULT_EPISODES


def rows_of_the_page():
    """Level -> its line in the table of docs/minigrid.md; an installed package has no docs."""
    if not PAGE.exists():
        return {}
    section = PAGE.read_text("utf-8").split("## What the demonstrator reaches")[1]
    lines = re.findall(r"^\| \w+:.*\|$", section, re.MULTILINE)
    return {line.split(" ")[1]: line for line in lines}


def measured(level):
    """The line of the table, from 100 episodes."""
    traces = [play(level, seed=FIRST_SEED + i).trace for i in range(NIGHTLY_EPISODES)]
    failed = sum(call.result.status is SkillStatus.FAILURE for trace in traces for call in trace.calls)
    totals = sum(len(trace.decisions) for trace in traces), failed, sum(trace.steps for trace in traces)
    means = " | ".join(f"{total / NIGHTLY_EPISODES:.1f}" for total in totals)
    return (
        f"| {level} | {sum(bool(trace.goal_reached) for trace in traces) / NIGHTLY_EPISODES:.2f} | {means} |"
    )


@pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not beside the tests")
def test_the_page_has_the_levels_tested_here():
    assert set(LEVELS) <= set(rows_of_the_page())


@pytest.mark.nightly
@pytest.mark.parametrize("level", rows_of_the_page())
def test_the_page_says_what_100_episodes_give(level):
    line = measured(level)
    print(f"\n{line}", end="")
    assert line == rows_of_the_page()[level]
    assert float(line.split(" | ")[1]) >= 0.95


def test_a_locked_door_is_opened_with_the_key_of_its_colour():
    episode = play("babyai:UnlockPickup")
    locked = next(call for call in episode.trace.calls if call.result.obstacle == "locked")
    door = locked.result.subjects[0]
    colour = door.split()[0]
    after = calls_of(episode)[episode.trace.calls.index(locked) + 1 :]
    assert after.index(f"pick_up({colour} key 1)") < after.index(f"toggle({door})")


def test_every_decision_says_which_obstacle_it_gets_past():
    decisions = play("babyai:UnlockPickup").trace.decisions
    assert {"", "locked", "hands_full"} <= {decision.obstacle for decision in decisions}
    assert all(decision.reason and len(decision.plan) == 1 for decision in decisions)


def test_objects_are_named_as_the_skills_list_them_and_not_as_the_mission_does():
    names = [
        name for call in play("minigrid:PutNear-6x6-N2").trace.calls for name in call.call.arguments.values()
    ]
    assert names
    assert all(name[-1].isdigit() for name in names)


def test_a_place_on_the_left_is_left_to_the_world():
    episodes = [play("babyai:PickupLoc", seed=FIRST_SEED + i) for i in range(DEFAULT_EPISODES)]
    assert any(" you" in call for episode in episodes for call in calls_of(episode))
    assert all(episode.outcome.is_success for episode in episodes)


def test_a_thing_that_blocks_again_is_carried_to_another_place():
    episode = play("babyai:SynthS5R2", seed=100_001)  # two keys in a corner, each put down before the other
    assert episode.outcome.is_success
    assert any(call.startswith("go_to(") for call in calls_of(episode))


def test_a_box_is_opened_when_the_key_is_nowhere_else():
    episode = play("babyai:KeyInBox")
    assert episode.outcome.is_success
    assert any(call.startswith("toggle(") and " box " in call for call in calls_of(episode))


def test_it_stops_where_it_has_no_rule():
    episode = play("babyai:GoToImpUnlock", seed=100_066)  # the only key lies behind its own door
    assert episode.trace.ended_by == "planner"
    assert episode.trace.decisions[-1].reason.startswith("no rule for: nothing new can be seen")


def test_an_instruction_that_names_no_skill_is_not_played():
    episode = play("minigrid:FourRooms")  # "reach the goal" is no phrase of a skill
    assert (episode.trace.ended_by, episode.trace.steps) == ("planner", 0)
    assert episode.trace.decisions[-1].reason == "the instruction names no skill"


def test_it_plays_another_world_whose_skills_have_the_same_phrases():
    episode = Agent(planner=MiniGridDemonstrator()).run_episode(KeyDoorWorld(), seed=0)
    assert episode.outcome.is_success
    assert [record.call.name for record in episode.trace.calls] == ["go_to", "open", "take", "open", "go_to"]


def test_equal_seeds_give_equal_play():
    first, again = (play("babyai:KeyCorridorS3R2") for _ in range(2))
    assert calls_of(first) == calls_of(again)


def test_episodes_at_once_do_not_disturb_each_other():
    async def together():
        agent = Agent(planner=Yielding(MiniGridDemonstrator()))
        worlds = [make_world("babyai:KeyCorridorS3R2") for _ in range(3)]
        return await asyncio.gather(
            *(agent.run_episode_async(world, seed=FIRST_SEED + i) for i, world in enumerate(worlds))
        )

    alone = [play("babyai:KeyCorridorS3R2", seed=FIRST_SEED + i) for i in range(3)]
    assert [calls_of(each) for each in asyncio.run(together())] == [calls_of(each) for each in alone]


def test_its_recorded_decisions_are_situations_and_calls(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        episode = play("babyai:UnlockPickup", memory=store.memory(), record_decisions=True)
        decisions = [each for each in store.experiences() if each.kind == Kind.DECISION]
    assert [str(each.plan[0]) for each in decisions] == calls_of(episode)
    assert all(each.state.startswith("Holding ") for each in decisions)
    assert {each.origin.planner for each in decisions} == {"minigrid_demonstrator"}
    assert decisions[-1].outcome.status is Status.SUCCESS
