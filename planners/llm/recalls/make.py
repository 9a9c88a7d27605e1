"""`make_recall_way`: a way of using recall from its configuration."""

from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.recalls.adaptive import AdaptiveRecall
from embodied_mem.planners.llm.recalls.graph_then_episode import GraphThenEpisode
from embodied_mem.planners.llm.recalls.iterative import IterativeRecall
from embodied_mem.planners.llm.recalls.recall_way import PlainRecall, RecallWay

WAYS: Mapping[str, Callable[..., RecallWay]] = {
    "adaptive": AdaptiveRecall,
    "graph_then_episode": GraphThenEpisode,
    "iterative": IterativeRecall,
    "plain": PlainRecall,
}


def make_recall_way(name: str = "plain", options: Mapping[str, Any] | None = None) -> RecallWay:
    """Make a way of using recall.

    Args:
        name: `plain`, `adaptive`, `iterative` or `graph_then_episode`.
        options: Keyword arguments of its class.

    Raises:
        UnknownName: There is no such way.
        ExperimentError: It rejects the options.
    """
    if name not in WAYS:
        raise unknown_name("way of using recall", name, WAYS)
    try:
        return WAYS[name](**(options or {}))
    except TypeError as error:
        raise ExperimentError(f"the way {name!r} cannot be made with {options}: {error}") from None
