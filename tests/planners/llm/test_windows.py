"""Recalled decisions with their neighbours in the episode."""

import pytest
from key_door_scripts import right_call

from embodied_mem import Agent, MemoryStore
from embodied_mem.errors import InvalidRecord
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld


@pytest.fixture
def memory(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        teacher = Agent(planner=make_planner("case_based"), memory=memory, record_decisions=True)
        for seed in range(12):
            teacher.run_episode(KeyDoorWorld(), seed=seed)
        yield memory


def played(memory, answers=right_call, **options):
    model = ScriptedModel(answers)
    agent = Agent(planner=LLMPlanner(model, **options), memory=memory, mode="frozen")
    return model, agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=101)


def test_a_window_holds_the_neighbours_in_their_order(memory):
    model, episode = played(memory, k=1, window=(1, 1))
    places = [each.rpartition("/decision/") for each in episode.trace.decisions[1].shown]
    assert len({episode_id for episode_id, _, _ in places}) == 1
    numbers = [int(index) for _, _, index in places]
    assert len(numbers) >= 2
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert model.requests[1].prompt.user.count("\n\n") == len(numbers)


def test_without_a_window_only_what_was_recalled_is_shown(memory):
    _, episode = played(memory, k=1)
    assert all(len(decision.shown) == 1 for decision in episode.trace.decisions)


def test_overlapping_windows_are_told_once(memory):
    _, episode = played(memory, k=4, window=(3, 3))
    for decision in episode.trace.decisions:
        assert len(set(decision.shown)) == len(decision.shown)


def test_what_is_no_decision_is_a_window_of_its_own(memory):
    _, episode = played(memory, k=2, kinds=("episode",), window=(1, 1))
    assert all("/decision/" not in each for each in episode.trace.decisions[0].shown)
    assert len(episode.trace.decisions[0].shown) == 2


def test_a_window_below_zero_is_refused():
    with pytest.raises(InvalidRecord, match="window before is -1"):
        LLMPlanner(ScriptedModel([]), window=(-1, 0))


def test_an_episode_is_shown_as_its_program_on_request(memory):
    """The teacher's detours are in the plan of its episode, and not in the program."""
    plain, _ = played(memory, k=3, kinds=("episode",))
    short, _ = played(memory, k=3, kinds=("episode",), programs=True)
    assert "go_to(chest)" in short.requests[0].prompt.user
    assert len(short.requests[0].prompt.user) < len(plain.requests[0].prompt.user)
    for hit in short.requests[0].examples:
        assert len(hit.experience.plan) <= 3
