"""Test classes for every contract, and a small world for tests; needs pytest (extra `test`).

Subclass a contract's class and define its fixture; pytest then runs its tests:

    class TestMyMemory(MemoryContract):
        @pytest.fixture
        def memory(self) -> Memory:
            return MyMemory()
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.testing.backend import BackendContract
    from embodied_mem.testing.embedder import EmbedderContract
    from embodied_mem.testing.execution import ExecutionContract
    from embodied_mem.testing.forgetting import ForgettingContract
    from embodied_mem.testing.judge import JudgeContract, ReflectorContract
    from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld
    from embodied_mem.testing.memory import MemoryContract
    from embodied_mem.testing.planner import PlannerContract
    from embodied_mem.testing.policy import PolicyContract
    from embodied_mem.testing.short_term import ShortTermMemoryContract
    from embodied_mem.testing.tracker import TrackerContract
    from embodied_mem.testing.world import WorldContract

_HOMES = {
    "BackendContract": "backend",
    "EmbedderContract": "embedder",
    "ExecutionContract": "execution",
    "ForgettingContract": "forgetting",
    "JudgeContract": "judge",
    "KeyDoorEnv": "key_door",
    "KeyDoorWorld": "key_door",
    "MemoryContract": "memory",
    "PlannerContract": "planner",
    "PolicyContract": "policy",
    "ReflectorContract": "judge",
    "ShortTermMemoryContract": "short_term",
    "TrackerContract": "tracker",
    "WorldContract": "world",
}

__all__ = [
    "BackendContract",
    "EmbedderContract",
    "ExecutionContract",
    "ForgettingContract",
    "JudgeContract",
    "KeyDoorEnv",
    "KeyDoorWorld",
    "MemoryContract",
    "PlannerContract",
    "PolicyContract",
    "ReflectorContract",
    "ShortTermMemoryContract",
    "TrackerContract",
    "WorldContract",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.endswith("Contract"):
        _show_values_of_asserts()
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def _show_values_of_asserts() -> None:
    """Have pytest say what the two sides of a contract's failed `assert` were, as in a test file."""
    import pytest

    modules = (f"{__name__}.{home}" for home in sorted(set(_HOMES.values())))
    pytest.register_assert_rewrite(*(module for module in modules if module not in sys.modules))


def __dir__() -> list[str]:
    return sorted(__all__)
