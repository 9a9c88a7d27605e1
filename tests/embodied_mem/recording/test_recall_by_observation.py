"""What was recorded is found again by its observation, whatever its type."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.errors import InvalidQuery
from embodied_mem.recording import record_experience
from embodied_mem.records import Recalled
from embodied_mem.records.queries import observation_vector
from tests.embodied_mem.recording.scripted import Scripted, end, run


def picture(n: int, shape: tuple[int, ...] = (64, 64, 3)) -> Any:
    return np.random.default_rng(n).integers(0, 256, shape).astype(np.uint8)


KINDS: dict[str, Callable[[int], Any]] = {
    "integer": lambda n: n,
    "numpy integer": lambda n: np.int64(n),
    "large integer": lambda n: 2**40 * n - 7,
    "number": lambda n: n / 10,
    "list of numbers": lambda n: [n / 10, 1.0],
    "array": lambda n: np.array([n, 0.5]),
    "tuple of integers": lambda n: (n, 10, False),
    "tuple": lambda n: (np.array([n, 0.5]), n % 3),
    "mapping": lambda n: {"direction": n % 4, "position": np.array([n, 0.5]), "mission": f"find box {n}"},
    "nested mapping": lambda n: {"robot": {"joints": np.full(7, n / 10)}, "step": 0},
    "small picture": lambda n: picture(n, (7, 7, 3)),
    "picture": picture,
    "grey picture": lambda n: picture(n, (84, 84)),
    "stack of pictures": lambda n: picture(n, (4, 84, 84)),
    "large picture": lambda n: picture(n, (240, 320, 3)),
    "pictures in a mapping": lambda n: {"camera": picture(n), "wrist": picture(n + 100, (48, 48, 1))},
    "depth": lambda n: np.random.default_rng(n).normal(size=(100, 100)).astype(np.float32),
    "text": lambda n: f"You see box {n}.",
}
SEEN = range(12)


@pytest.fixture(params=KINDS)
def make(request: Any) -> Callable[[int], Any]:
    return KINDS[request.param]


def filled(store: MemoryStore, observations: list[Any]) -> Any:
    memory = store.memory()
    for n, first in enumerate(observations):
        run(record_experience(Scripted([end()], first=first), memory, task=f"task {n}"), [0])
    return memory


def test_each_observation_finds_its_own_experience(make: Any, tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = filled(store, [make(n) for n in SEEN])
        for n in SEEN:
            best = memory.recall(observation=make(n), k=1)[0]
            assert best.experience.task.text == f"task {n}"
            assert best.score >= 0.5
            assert "nothing is shared" not in best.reason


@pytest.mark.parametrize("name", ["CliffWalking", "Taxi", "Blackjack", "FrozenLake", "CartPole"])
def test_the_start_of_an_episode_finds_the_episode(name: str, tmp_path: Path) -> None:
    environment = max(each for each in gym.registry if each.startswith(f"{name}-v"))
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make(environment), store.memory())
        seen = {}
        for seed in range(10):
            seen[seed], _ = env.reset(seed=seed)
            env.step(env.action_space.sample())
        env.close()
        for seed, first in seen.items():
            best = store.memory().recall(observation=first, k=1)[0]
            alike = [other for other, each in seen.items() if np.array_equal(each, first)]
            assert int(best.experience.metadata["seed"]) == max(alike)
            assert best.score >= 1.0, (seed, best)


def test_integers_are_names_and_not_amounts(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = filled(store, [36, 37, -1, 2**62])
        for value in (36, 2**62):
            scores = [hit.score for hit in memory.recall(observation=value)]
            assert scores[0] == 1.0
            assert max(scores[1:]) < 1e-5
        [unknown] = memory.recall(observation=38, k=1)
        assert "nothing is shared" in unknown.reason


def test_a_mapping_is_compared_entry_by_entry(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = filled(store, [{"room": 1, "at": np.zeros(2)}, {"room": 2, "at": np.zeros(2)}])
        best, other = memory.recall(observation={"at": np.zeros(2), "room": 2, "unseen": 5})
        assert best.parts == {
            "observation/at/2": 1.0,
            "observation/room/integer": 1.0,
            "observation/unseen/integer": 0.0,
        }
        assert other.score == pytest.approx(1.0, abs=1e-5)


def test_the_texts_of_an_observation_are_compared_with_states(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = filled(store, [{"mission": "open the red door"}, {"mission": "find the green ball"}])
        best = memory.recall(observation={"mission": "find the green ball"})[0]
        assert best.experience.task.text == "task 1"
        assert set(best.parts) == {"state"}
        given = memory.recall(observation={"mission": "find the green ball"}, state="the red door")[0]
        assert given.experience.task.text == "task 0"


def has_nothing_to_compare(hit: Recalled) -> bool:
    return "it has no vector observation/" in hit.reason


def test_what_was_never_recorded_is_said_at_recall(make: Any, tmp_path: Path) -> None:
    """A store of an earlier version, or notes, hold no vectors of observations."""
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        assert memory.recall(observation=make(0)) == []
        memory.record(Experience(task="a note"))
        [hit] = memory.recall(observation=make(0))
        assert has_nothing_to_compare(hit) is not isinstance(make(0), str)
        memory.record(Experience(task="seen", vectors=(observation_vector(np.zeros(2)),)))
        hits = memory.recall(observation=np.zeros(2))
        assert list(map(has_nothing_to_compare, hits)) == [False, True]


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (None, "the observation is NoneType, of which no vector is ever recorded"),
        (object(), "the observation is object"),
        ({"camera": None}, "the entry 'camera' of the observation is NoneType"),
        (
            {"camera": {"depth": np.zeros(0)}},
            r"the entry 'camera/depth' .* an array of float64 with shape \(0,\)",
        ),
        (np.array([{"a": 1}]), "the observation is ndarray"),
        (np.array([1j]), "the observation is ndarray"),
        ({}, "is empty"),
        ((), "is empty"),
        ("", "is empty"),
    ],
)
def test_what_can_never_be_compared_is_refused(observation: Any, message: str, tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store, pytest.raises(InvalidQuery, match=message):
        store.memory().recall(observation=observation)


def test_an_array_that_a_user_keyed_whole_is_still_found(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        memory.record(Experience(task="by hand", vectors=(observation_vector(picture(0)),)))
        [hit] = memory.recall(observation=picture(0))
        assert hit.parts["observation/64x64x3"] == 1.0
        assert not has_nothing_to_compare(hit)


def test_a_saved_index_keeps_every_field(make: Any, tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        filled(store, [make(n) for n in range(3)])
        store.save_index()
    with MemoryStore.open(tmp_path) as store:
        assert store.memory().recall(observation=make(1))[0].experience.task.text == "task 1"
        assert store.check().is_clean
