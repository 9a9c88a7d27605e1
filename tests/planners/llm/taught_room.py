"""A room that a case-based agent has learnt, and an episode in it that a script plays from its memory."""

from contextlib import contextmanager

from key_door_scripts import right_call

from embodied_mem import Agent, MemoryStore
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld


@contextmanager
def taught(folder):
    """The memory of twelve episodes, call by call."""
    with MemoryStore.open(folder) as store:
        memory = store.memory()
        teacher = Agent(planner=make_planner("case_based"), memory=memory, record_decisions=True)
        for seed in range(12):
            teacher.run_episode(KeyDoorWorld(), seed=seed)
        yield memory


def played(memory, answers=right_call, **options):
    """The model that was asked, and the episode."""
    model = ScriptedModel(answers)
    agent = Agent(planner=LLMPlanner(model, **options), memory=memory, mode="frozen")
    return model, agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=101)
