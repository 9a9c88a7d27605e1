"""A prepared environment, and how its episodes are recorded."""

from typing import Any

import gymnasium as gym

from embodied_mem.recording import record_experience
from embodied_mem.records import Experience

Step = tuple[Any, Any, bool, bool, dict[str, Any]]


class Scripted(gym.Env[Any, Any]):
    """Gives the prepared observations, rewards and ends; action 9 raises."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self, steps: list[Step], first: Any = 0, info: dict[str, Any] | None = None, space: Any = None
    ) -> None:
        self.observation_space = gym.spaces.Discrete(100)
        self.action_space = space or gym.spaces.Discrete(10)
        self.steps = steps
        self.first = first
        self.info = {} if info is None else info
        self.done = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.done = 0
        return self.first, self.info

    def step(self, action: Any) -> Any:
        if isinstance(action, int) and action == 9:
            raise RuntimeError("motor \udcff stalled")
        self.done += 1
        return self.steps[min(self.done, len(self.steps)) - 1]

    def close(self) -> None:
        self.is_closed = True


def go_on(reward: Any = 1.0, observation: Any = 1) -> Step:
    return observation, reward, False, False, {}


def end(reward: Any = 1.0, observation: Any = 2, *, truncated: bool = False, **info: Any) -> Step:
    return observation, reward, not truncated, truncated, info


def run(env: gym.Env[Any, Any], actions: list[Any], **reset: Any) -> None:
    env.reset(**reset)
    for action in actions:
        env.step(action)


def recorded(
    memory: Any, steps: list[Step], actions: list[Any], env: Any = None, **keywords: Any
) -> Experience:
    run(record_experience(env or Scripted(steps), memory, **keywords), actions)
    (experience,) = memory.experiences
    found: Experience = experience
    return found
