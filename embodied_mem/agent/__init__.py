"""The agent loop: observe, recall, decide, act, judge, reflect, record."""

from embodied_mem.agent.agent import Agent
from embodied_mem.memory.modes import Mode
from embodied_mem.records.limits import Limits

__all__ = ["Agent", "Limits", "Mode"]
