"""Make a VirtualHome world by the name of a task: `Drink`, `watch_tv`, or all of them."""

from collections.abc import Sequence

from embodied_mem.envs.virtualhome.env import MAX_STEPS, VirtualHomeEnv
from embodied_mem.envs.virtualhome.problems import Problem, all_problems
from embodied_mem.envs.virtualhome.usable import usable_problems
from embodied_mem.envs.virtualhome.world import VirtualHomeWorld
from embodied_mem.errors import unknown_name


def make_virtualhome(
    task: str = "", *, max_steps: int = MAX_STEPS, household: int | None = None
) -> VirtualHomeWorld:
    """Make a world whose seeds choose among the problems of a task name.

    Args:
        task: Such as `Drink` or `watch_tv`; empty: all tasks.
        max_steps: Steps after which an episode is truncated.
        household: Number of the household whose people move things and leave things on between episodes;
            None: every home is as the dataset gives it.

    Raises:
        MissingExtra: The simulator is not installed; the message gives the command.
        UnknownName: There is no such task; the message gives the nearest names.
    """
    by_slug: dict[str, list[Problem]] = {}
    for problem in usable_problems():
        by_slug.setdefault(slug(problem.name), []).append(problem)
    if task and slug(task) not in by_slug:
        raise unknown_name("VirtualHome task", task, by_slug)
    chosen: Sequence[Problem] = by_slug[slug(task)] if task else usable_problems()
    kind = f"virtualhome:{slug(task)}" if task else "virtualhome"
    return VirtualHomeWorld(VirtualHomeEnv(chosen, max_steps=max_steps, household=household), kind=kind)


def slug(name: str) -> str:
    """A task's name as it stands in configurations: `Watch TV` is `watch_tv`."""
    return name.strip().lower().replace(" ", "_")


__all__ = ["all_problems", "make_virtualhome", "slug"]
