import pytest
from planted import failures

from embodied_mem.agent import RecentObservations
from embodied_mem.records.scene import SceneView
from embodied_mem.testing.short_term import ShortTermMemoryContract


class TestRecentObservations(ShortTermMemoryContract):
    @pytest.fixture
    def short_term(self):
        return RecentObservations()


class Mute(RecentObservations):
    """Shows nothing of what it saw."""

    def view(self, budget_tokens=None, *, about=()):
        return SceneView()


class Carrying(RecentObservations):
    """Takes the last episode along."""

    def begin(self, task):
        pass


class Wordy(RecentObservations):
    """Does not keep to the budget."""

    def view(self, budget_tokens=None, *, about=()):
        return super().view(about=about)


class Emptied(RecentObservations):
    """Tells everything only once."""

    def view(self, budget_tokens=None, *, about=()):
        view = super().view(budget_tokens, about=about)
        self._seen.clear()
        return view


class Hoarding(RecentObservations):
    """Grows with the episode."""

    def __init__(self):
        super().__init__(10**9)


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (Mute, "test_it_describes_what_it_perceived"),
        (Carrying, "test_a_new_episode_begins_with_nothing_of_the_last"),
        (Wordy, "test_the_text_keeps_to_the_budget"),
        (Emptied, "test_viewing_changes_nothing"),
        (Hoarding, "test_a_long_episode_fits"),
    ],
)
def test_a_wrong_short_term_memory_is_rejected(fault, noticed):
    assert noticed in failures(ShortTermMemoryContract, short_term=fault)


def test_a_right_one_passes_whole():
    assert failures(ShortTermMemoryContract, short_term=RecentObservations) == []
