"""What of a played episode reaches its row."""

from typing import Any

from embodied_mem.agent import Agent
from embodied_mem.experiments.episode_row import episode_row
from embodied_mem.experiments.rows import EpisodeRow
from embodied_mem.experiments.seeds import Phase
from embodied_mem.experiments.streams import Trial
from embodied_mem.records.decisions import Stop
from embodied_mem.testing.key_door import KeyDoorWorld


class Costly:
    def decide(self, context: Any) -> Stop:
        return Stop("enough", cost={"tokens": 812.0})

    def describe(self) -> Any:
        return {"name": "costly"}


def test_the_cost_of_an_episode_reaches_its_row() -> None:
    episode = Agent(planner=Costly()).run_episode(KeyDoorWorld(), seed=7)
    trial = Trial(lifetime=0, phase=Phase.LEARN, index=0, kind="doors", seed=7)
    row = episode_row(
        trial, episode, arm="none", attempt="a", max_steps=9, seconds=0.1, memory_size=None, log_sequence=None
    )
    assert EpisodeRow.model_validate(row).cost == {"tokens": 812.0}
