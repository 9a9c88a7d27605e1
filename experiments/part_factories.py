"""Make the registered planner, judge and reflector of a run."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Judge, Planner, Reflector
from embodied_mem.errors import ExperimentError

CONTRACTS: Mapping[str, tuple[Any, str]] = {  # group -> its contract, and the methods of that
    "planners": (Planner, "decide and describe"),
    "judges": (Judge, "judge"),
    "reflectors": (Reflector, "reflect"),
}


def make_planner(
    name: str,
    *,
    options: Mapping[str, Any],
    folder: Path | str | None = None,
    seed: int | None = None,
    budget: Mapping[str, Any] | None = None,
) -> Planner:
    """Make the registered planner of this name.

    Args:
        name: Registered name.
        options: Keyword arguments of its factory.
        folder: Where it may keep files; the factory makes the folder. Passed as `folder`, a `Path`, if the
            factory names that parameter.
        seed: Seed of the lifetime; passed as `seed` if the factory names that parameter.
        budget: What its model calls may cost, as keyword arguments of `Allowance`; passed as `budget`,
            likewise.

    Raises:
        UnknownName: No planner of this name is registered.
        ExperimentError: The factory rejects the options, or returns something that is not a `Planner`.
    """
    planner: Planner = _make("planners", name, options, folder=folder, seed=seed, budget=budget)
    return planner


def make_judge(
    name: str,
    *,
    options: Mapping[str, Any],
    folder: Path | str | None = None,
    seed: int | None = None,
    budget: Mapping[str, Any] | None = None,
) -> Judge:
    """Make the registered judge of this name; arguments and exceptions as in `make_planner`."""
    judge: Judge = _make("judges", name, options, folder=folder, seed=seed, budget=budget)
    return judge


def make_reflector(
    name: str,
    *,
    options: Mapping[str, Any],
    folder: Path | str | None = None,
    seed: int | None = None,
    budget: Mapping[str, Any] | None = None,
) -> Reflector | None:
    """Make the registered reflector of this name; arguments and exceptions as in `make_planner`.

    Returns:
        The reflector; None if the name is empty, so that the planner reflects on its own episodes if it can.
    """
    if not name:
        return None
    reflector: Reflector = _make("reflectors", name, options, folder=folder, seed=seed, budget=budget)
    return reflector


def _make(
    group: str, name: str, options: Mapping[str, Any], *, folder: Path | str | None, **further: Any
) -> Any:
    factory, what = registry.load(group, name), f"{registry.GROUPS[group]} {name!r}"
    given = {"folder": None if folder is None else Path(folder), **further}
    taken = {key: value for key, value in given.items() if value is not None and _names(factory, key)}
    try:
        made = factory(**{**taken, **options})
    except TypeError as error:
        raise ExperimentError(f"{what} cannot be made with {dict(options)}: {error}") from error
    contract, methods = CONTRACTS[group]
    if not isinstance(made, contract):
        raise ExperimentError(f"{what} is {type(made).__name__}; expected {methods}")
    return made


def _names(factory: Callable[..., Any], parameter: str) -> bool:
    """Whether a factory has a parameter of this name; `**options` may be passed on to what takes none."""
    try:
        found = inspect.signature(factory).parameters.get(parameter)
    except ValueError:  # some built-in types have no signature
        return False
    return found is not None and found.kind in (found.POSITIONAL_OR_KEYWORD, found.KEYWORD_ONLY)
