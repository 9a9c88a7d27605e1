"""MemoryBank's code has exp(-t / 5 * S) where its paper has exp(-t / S): the strong is forgotten first."""

import math

import pytest

from embodied_mem.memory.forgetting.ebbinghaus import Ebbinghaus
from embodied_mem.records.remembered import Remembered


class Inverted(Ebbinghaus):
    """The planted bug: the strength multiplies the age."""

    def retention(self, *, at):
        return {
            item_id: math.exp(-(at - trace.used_at) / 5 * trace.strength)
            for item_id, trace in self._traces.items()
        }


def check_what_helped_is_kept_longer(policy) -> None:
    for name in ("useful", "useless"):
        policy.added(Remembered(id=name), at=0.0)
    for at in (1.0, 2.0, 3.0):
        policy.used("useful", at=at, helped=True)
        policy.used("useless", at=at, helped=False)
    for at in (4.0, 8.0, 20.0):
        kept = policy.retention(at=at)
        assert kept["useful"] > kept["useless"]


def test_inverted_forgetting_memorybank():
    check_what_helped_is_kept_longer(Ebbinghaus())


def test_a_failure_fades_more_slowly_than_its_successful_twin():
    policy = Ebbinghaus()
    policy.added(Remembered(id="success"), at=0.0)
    policy.added(Remembered(id="failure", is_failure=True), at=0.0)
    kept = policy.retention(at=2.0)
    assert kept["failure"] > kept["success"]


def test_the_planted_bug_is_caught():
    with pytest.raises(AssertionError):
        check_what_helped_is_kept_longer(Inverted())
