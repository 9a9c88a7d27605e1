"""Recalled decisions with their neighbours in the episode."""

import pytest
from taught_room import played, taught

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner


@pytest.fixture
def memory(tmp_path):
    with taught(tmp_path / "store") as memory:
        yield memory


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
