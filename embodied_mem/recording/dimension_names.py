"""Names of the numbers in an observation or action array, if the environment gives them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Parts: TypeAlias = tuple[tuple[str, int], ...]  # name and number of consecutive numbers that it names

_SKIPPED = "skipped_"  # what `observation_structure` lists although it is not in the observation


def observation_parts(env: Any) -> Parts:
    """Return the names of the numbers of an array observation, in order; empty if there are none.

    Searched in `env.unwrapped`: an `observation_structure` (MuJoCo environments of Gymnasium), which names
    groups of numbers, and a list `observation_names` or `observation_variables`.
    """
    base = getattr(env, "unwrapped", env)
    if getattr(env, "observation_space", None) != getattr(base, "observation_space", None):
        return ()  # a wrapper changed the meaning of the numbers
    structure = getattr(base, "observation_structure", None)
    if isinstance(structure, Mapping):
        sizes = {str(name): size for name, size in structure.items() if not str(name).startswith(_SKIPPED)}
        return tuple((name, int(size)) for name, size in sizes.items() if isinstance(size, int) and size > 0)
    return named_one_by_one(_listed(base, "observation_names", "observation_variables"))


def continuous_action_names(env: Any) -> tuple[str, ...]:
    """Return the names of the numbers of an array action, in order: `action_names` or `action_variables`."""
    base = getattr(env, "unwrapped", env)
    if getattr(env, "action_space", None) != getattr(base, "action_space", None):
        return ()
    return tuple(_listed(base, "action_names", "action_variables"))


def named_one_by_one(names: Sequence[str]) -> Parts:
    """Return each name as a part of one number."""
    return tuple((name, 1) for name in names)


def _listed(base: Any, *attributes: str) -> Sequence[str]:
    for attribute in attributes:
        found = getattr(base, attribute, None)
        if isinstance(found, list | tuple) and found and all(isinstance(name, str) for name in found):
            return found
    return ()
