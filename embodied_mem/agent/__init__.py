"""The agent loop: observe, recall, decide, act, judge, reflect, record."""

from embodied_mem.agent.agent import MAX_PLAN_CALLS, Agent
from embodied_mem.memory.modes import Mode
from embodied_mem.records.limits import Limits

__all__ = ["MAX_PLAN_CALLS", "Agent", "Limits", "Mode"]
