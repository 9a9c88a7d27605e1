"""The agent loop: observe, recall, decide, act, judge, reflect, record."""

from embodied_mem.agent.agent import Agent
from embodied_mem.agent.beside_planner import BesidePlanner
from embodied_mem.agent.episode_experiences import MAX_PLAN_CALLS
from embodied_mem.agent.episode_process import EpisodeProcess, EpisodeProcesses
from embodied_mem.agent.policy_skill import PolicySkill
from embodied_mem.agent.recent_observations import RecentObservations
from embodied_mem.memory.modes import Mode
from embodied_mem.records.limits import Limits

__all__ = [
    "MAX_PLAN_CALLS",
    "Agent",
    "BesidePlanner",
    "EpisodeProcess",
    "EpisodeProcesses",
    "Limits",
    "Mode",
    "PolicySkill",
    "RecentObservations",
]
