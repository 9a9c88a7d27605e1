"""A memory that is a list, and a small environment whose episodes differ by seed."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.records import Experience, Recalled, Receipt
from embodied_mem.records.queries import Query


class ListMemory:
    def __init__(self) -> None:
        self.experiences: list[Experience] = []
        self.errors: list[Exception] = []

    def record(self, experience: Experience) -> Receipt:
        if self.errors:
            raise self.errors.pop(0)
        self.experiences.append(experience)
        return Receipt(experience.id, sequence=len(self.experiences))

    def recall(self, query: Query, /) -> list[Recalled]:
        return []

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        pass


class CountingEnv(gym.Env[Any, Any]):
    """Ends after two to five steps, as its generator draws; each step gives a random reward."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, kind: str = "discrete") -> None:
        self.kind = kind
        self.action_space = gym.spaces.Discrete(3)
        view = gym.spaces.Box(0, 100, (2,), np.float32)
        self.observation_space = {
            "discrete": gym.spaces.Discrete(100),
            "box": view,
            "dict": gym.spaces.Dict({"view": view, "mission": gym.spaces.Text(20)}),
            "tuple": gym.spaces.Tuple((view, gym.spaces.Discrete(100))),
        }[kind]
        self.count = 0
        self.length = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.count = 0
        self.length = int(self.np_random.integers(2, 6))
        return self._observation(), {"length": self.length}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.count += 1
        is_over = self.count >= self.length
        info = {
            "lucky": bool(self.np_random.random() < 0.5),
            "note": f"at {self.count}",
            "twice": {"count": self.count},
        }
        is_odd = self.length % 2 == 1
        return (
            self._observation(),
            float(self.np_random.random()),
            is_over and is_odd,
            is_over and not is_odd,
            info,
        )

    def _observation(self) -> Any:
        view = np.array([self.count, self.length], np.float32)
        return {
            "discrete": self.count,
            "box": view,
            "dict": {"view": view, "mission": f"reach{self.length}"},
            "tuple": (view, self.count),
        }[self.kind]


@pytest.fixture
def memory() -> ListMemory:
    return ListMemory()


@pytest.fixture
def list_memory() -> type[ListMemory]:
    return ListMemory


@pytest.fixture
def counting_env() -> type[CountingEnv]:
    return CountingEnv
