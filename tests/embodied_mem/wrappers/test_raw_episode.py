"""What is sent of an episode is what was gathered."""

from typing import Any

import numpy as np
import pytest

from embodied_mem.wrappers.action_summary import ActionSummary
from embodied_mem.wrappers.episode_log import Ending
from embodied_mem.wrappers.raw_episode import Ended, RawActions, RawLog, RawStart, Unpacked, packed

OBSERVATIONS = [
    np.arange(4, dtype=np.float32),
    np.arange(12, dtype=">i2").reshape(3, 4),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(10)[::3],
    np.array(3.5),
    np.zeros((0, 3), np.float16),
    np.array([True, False]),
    np.array(["key", "door"]),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([1 + 2j]),
]


def make_plan() -> ActionSummary:
    return ActionSummary("any")


def sent(observation: Any, actions: list[Any]) -> Unpacked:
    start = RawStart(observation=observation, info={}, episode=0, seed=None, options=None)
    log = RawLog(start, RawActions(make_plan))
    log.take_in(actions, [1.0] * len(actions))
    ending = Ending(observation=observation, info={}, terminated=True)
    return Unpacked.of(packed(Ended(log, ending, observation, {}, 5.0, {})))


@pytest.mark.parametrize("observation", OBSERVATIONS, ids=lambda each: f"{each.dtype}{each.shape}")
def test_an_array_is_received_as_it_was(observation):
    got = sent(observation, [1])
    for each in (got.start.observation, got.ending.observation):
        assert (each.dtype, each.shape) == (observation.dtype, observation.shape)
        assert np.array_equal(each, observation)
        assert each.flags.writeable


@pytest.mark.parametrize("observation", [3, "door", {"view": 1}, (1, 2), (b"raw", "<f4", (2,)), None])
def test_what_is_no_array_is_received_as_it_was(observation):
    assert sent(observation, [1]).ending.observation == observation


def test_actions_below_256_are_sent_as_bytes():
    assert sent(0, [0, 255, np.int64(7)]).plan == bytes([0, 255, 7])


@pytest.mark.parametrize("action", [256, -1, 1.5])
def test_actions_that_are_no_bytes_are_sent_as_a_plan(action):
    assert not isinstance(sent(0, [0, action]).plan, bytes)
