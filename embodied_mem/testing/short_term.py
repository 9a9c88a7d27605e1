"""Tests that every `ShortTermMemory` must pass."""

import numpy as np
import pytest

from embodied_mem.agent.perceived import CHARS_PER_TOKEN
from embodied_mem.contracts import ShortTermMemory
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import to_json_object
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Observation

TASK = Task("bring the cup", kind="Kitchen-v0")


def example_observation(number: int) -> Observation:
    """The n-th of a series of distinct observations, with facts and an image."""
    return Observation(
        text=f"You see cup {number} on shelf {number + 1}.",
        facts={"n_cups": number},
        images={"front": np.full((2, 2, 3), number % 256, np.uint8)},
    )


class ShortTermMemoryContract:
    """Subclass it and define a fixture `short_term`.

    Attributes:
        keeps_words: Whether the view holds the words of an observation. Set it to False for one that
            describes in its own words; its views are still tested.
    """

    keeps_words = True

    @pytest.fixture
    def short_term(self) -> ShortTermMemory:
        """The short-term memory to test, fresh."""
        raise NotImplementedError("override the fixture `short_term`")

    def test_it_is_a_short_term_memory(self, short_term: ShortTermMemory) -> None:
        """It has the three methods."""
        assert isinstance(short_term, ShortTermMemory)

    def test_nothing_was_perceived_at_the_beginning(self, short_term: ShortTermMemory) -> None:
        """The view can be asked for before the first observation."""
        short_term.begin(TASK)
        assert isinstance(short_term.view(), SceneView)

    def test_it_describes_what_it_perceived(self, short_term: ShortTermMemory) -> None:
        """The last observation shows, in the text or in the facts, and the facts are JSON."""
        before = _began(short_term, 0).view()
        view = _began(short_term, 3).view()
        assert (view.text, view.facts) != (before.text, before.facts)
        assert to_json_object(view.facts, field="facts") == view.facts
        if self.keeps_words:
            assert example_observation(2).text in view.text

    def test_a_new_episode_begins_with_nothing_of_the_last(self, short_term: ShortTermMemory) -> None:
        """The view after `begin` does not depend on what was perceived before."""
        fresh = _began(short_term, 0).view()
        _began(short_term, 5)
        assert _began(short_term, 0).view() == fresh

    @pytest.mark.parametrize("budget_tokens", [0, 1, 5, 1_000])
    def test_the_text_keeps_to_the_budget(self, short_term: ShortTermMemory, budget_tokens: int) -> None:
        """At about four characters a token."""
        view = _began(short_term, 20).view(budget_tokens, about=("cup 3",))
        assert len(view.text) <= budget_tokens * CHARS_PER_TOKEN

    def test_viewing_changes_nothing(self, short_term: ShortTermMemory) -> None:
        """A planner may ask as often as it likes."""
        _began(short_term, 4)
        first = short_term.view()
        short_term.view(1, about=("cup 1",))
        assert short_term.view() == first

    def test_equal_observations_give_equal_views(self, short_term: ShortTermMemory) -> None:
        """Episodes can be repeated exactly."""
        assert _began(short_term, 6).view(50) == _began(short_term, 6).view(50)

    def test_a_long_episode_fits(self, short_term: ShortTermMemory) -> None:
        """What it holds stays bounded: its view of 2,000 observations is not ten times that of 200."""
        early = len(_began(short_term, 200).view().text)
        assert len(_began(short_term, 2_000).view().text) < 5 * max(early, 100)


def _began(short_term: ShortTermMemory, n_observations: int) -> ShortTermMemory:
    short_term.begin(TASK)
    for step in range(n_observations):
        short_term.perceive(example_observation(step), step=step)
    return short_term
