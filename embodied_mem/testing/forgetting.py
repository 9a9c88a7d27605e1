"""Tests that every `Forgetting` policy must pass; they do not prescribe which memories it keeps."""

import math
from collections.abc import Callable

import pytest

from embodied_mem.contracts import Forgetting
from embodied_mem.memory.forgetting.eviction import evict
from embodied_mem.records.remembered import Remembered

MakePolicy = Callable[[], Forgetting]


def play(policy: Forgetting, n_steps: int = 60) -> list[str]:
    """Run a fixed sequence of adding, using, judging and evicting; return the evicted ids in order."""
    gone: list[str] = []
    for step in range(n_steps):
        item = Remembered(id=f"m{step}", is_failure=step % 3 == 0, surprise=step % 5 / 4)
        policy.added(item, at=step)
        policy.used(f"m{step * 7 % (step + 1)}", at=step, helped=(None, True, False)[step % 3])
        if step % 4 == 3:
            gone += evict(policy, at=step, n=2)
        if step % 10 == 9:
            policy.removed(f"m{step - 1}")
    return gone


class ForgettingContract:
    """Subclass it and define a fixture `make_policy`: a function that makes equal new policies."""

    @pytest.fixture
    def make_policy(self) -> MakePolicy:
        """A function that makes the policy to test; override this."""
        raise NotImplementedError("override the fixture `make_policy`")

    def test_is_a_forgetting_policy(self, make_policy: MakePolicy) -> None:
        """It has the four methods."""
        assert isinstance(make_policy(), Forgetting)

    def test_a_new_policy_remembers_nothing(self, make_policy: MakePolicy) -> None:
        """Policies share no state."""
        play(make_policy())
        assert dict(make_policy().retention(at=0)) == {}

    def test_lists_what_was_added_and_not_removed(self, make_policy: MakePolicy) -> None:
        """`retention` lists exactly these ids, regardless of use."""
        policy = make_policy()
        for number in range(10):
            policy.added(Remembered(id=str(number)), at=number)
            policy.used(str(number // 2), at=number, helped=False)
        policy.removed("3")
        assert set(policy.retention(at=10)) == set("012456789")

    def test_ids_it_does_not_know_are_ignored(self, make_policy: MakePolicy) -> None:
        """This holds before an id is added and after it is removed."""
        policy = make_policy()
        policy.used("stranger", at=0, helped=True)
        policy.removed("stranger")
        policy.added(Remembered(id="known"), at=1)
        policy.removed("known")
        policy.used("known", at=2)
        assert dict(policy.retention(at=3)) == {}

    def test_adding_again_lists_it_once(self, make_policy: MakePolicy) -> None:
        """An id added again has one entry, which `removed` deletes."""
        policy = make_policy()
        for at in range(3):
            policy.added(Remembered(id="again"), at=at)
        assert list(policy.retention(at=3)) == ["again"]
        policy.removed("again")
        assert list(policy.retention(at=3)) == []

    def test_retention_is_a_number(self, make_policy: MakePolicy) -> None:
        """Infinity is allowed and means never evicted; NaN is not, because it cannot be ordered."""
        policy = make_policy()
        play(policy)
        for at in (60, 61.5, 1e12):
            assert not any(math.isnan(value) for value in policy.retention(at=at).values())

    def test_asking_changes_nothing(self, make_policy: MakePolicy) -> None:
        """`retention` repeats its answer in the same order, and does not affect later events."""
        asked, unasked = make_policy(), make_policy()
        gone = play(asked, 30)
        assert list(asked.retention(at=30).items()) == list(asked.retention(at=30).items())
        play(unasked, 30)
        assert gone == play(make_policy(), 30)
        for policy in (asked, unasked):
            policy.added(Remembered(id="late"), at=31)
        assert list(asked.retention(at=31).items()) == list(unasked.retention(at=31).items())

    def test_a_replay_lets_go_of_the_same(self, make_policy: MakePolicy) -> None:
        """Equal events give equal evictions: no randomness, no clock, no hash order."""
        first, second = make_policy(), make_policy()
        assert play(first) == play(second)
        assert list(first.retention(at=99).items()) == list(second.retention(at=99).items())

    def test_what_it_gave_is_not_changed_by_what_comes_later(self, make_policy: MakePolicy) -> None:
        """The returned mapping belongs to the caller."""
        policy = make_policy()
        policy.added(Remembered(id="a"), at=0)
        given = policy.retention(at=0)
        policy.added(Remembered(id="b"), at=1)
        policy.removed("a")
        assert list(given) == ["a"]

    def test_lets_go_of_no_more_than_there_is(self, make_policy: MakePolicy) -> None:
        """A request for more ids than it holds returns each id at most once."""
        policy = make_policy()
        for number in range(5):
            policy.added(Remembered(id=str(number)), at=number)
        gone = evict(policy, at=5, n=50)
        assert len(set(gone)) == len(gone) <= 5
        assert set(policy.retention(at=5)) == set("01234") - set(gone)
