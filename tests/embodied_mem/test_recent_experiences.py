"""What was fetched is held as far as there is room for it, whatever each takes."""

import numpy as np

from embodied_mem.recent_experiences import RecentExperiences
from embodied_mem.records import Experience, SkillCall
from embodied_mem.spaces import FieldVector, Space


def experiences(first, last, **fields):
    return {n: Experience(task="go", **fields) for n in range(first, last)}


def test_what_was_added_is_given_and_the_rest_is_left_out():
    recent = RecentExperiences()
    added = experiences(1, 4)
    recent.add(added)
    assert recent.those_of([3, 1, 9, 1]) == {3: added[3], 1: added[1]}


def test_what_was_added_first_is_dropped_first():
    recent = RecentExperiences(max_bytes=20_000)
    recent.add(experiences(0, 8))
    recent.add(experiences(8, 20))
    held = recent.those_of(range(20))
    assert list(held) == list(range(20 - len(held), 20))
    assert 10 <= len(held) <= 13


def test_one_that_is_large_leaves_less_room_for_others():
    space = Space(name="s", version="1", dimension=10_000)
    vector = FieldVector(field="v", space=space, values=np.ones(10_000, np.float32))
    for fields in (
        {"state": "x" * 50_000},
        {"facts": {"seen": ["mug"] * 10_000}},
        {"plan": (SkillCall("go"),) * 100},
        {"vectors": (vector,)},
    ):
        recent = RecentExperiences(max_bytes=100_000)
        recent.add(experiences(0, 20))
        recent.add(experiences(20, 22, **fields))
        assert 21 in recent.those_of([21])
        assert len(recent) < 20


def test_one_that_is_too_large_is_not_held():
    recent = RecentExperiences(max_bytes=10_000)
    recent.add(experiences(0, 2))
    recent.add(experiences(2, 3, state="x" * 20_000))
    assert len(recent) == 0
