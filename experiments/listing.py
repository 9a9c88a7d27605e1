"""Lists of what is available, read from entry points and configuration files without importing it."""

from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from embodied_mem.envs.virtualhome import package
from embodied_mem.errors import unknown_name
from embodied_mem.experiments.arms import DEFAULT_ARMS, PATTERNS
from embodied_mem.experiments.compose import group_names
from embodied_mem.experiments.config import CONF_FOLDER
from embodied_mem.planners.llm.presets.preset import load_preset, preset_names

# World -> what installs its simulator (an extra, or a command), and a module of that simulator.
NEEDS = {
    "babyai": ("[grid]", "minigrid"),
    "minigrid": ("[grid]", "minigrid"),
    "virtualhome": (package.SETUP_COMMAND, package.MODULE),
}


def lines(what: str) -> list[str]:
    """The lines that `embodied-mem list` prints for `what`.

    Raises:
        UnknownName: There is no such list.
    """
    makers: dict[str, Callable[[], list[str]]] = {
        "worlds": lambda: [_with_need(name) for name in _registered("worlds")],
        "memories": lambda: _registered("memories"),
        "planners": lambda: _registered("planners"),
        "judges": lambda: _registered("judges"),
        "reflectors": lambda: _registered("reflectors"),
        "embedders": lambda: _registered("embedders"),
        "forgetting": lambda: _registered("forgetting"),
        "arms": _arms,
        "kinds": _kinds,
        "experiments": lambda: group_names("experiment"),
        "presets": _presets,
    }
    if what not in makers:
        raise unknown_name("list", what, makers)
    return makers[what]()


def what_it_lacks(world: str) -> str:
    """What a world needs and is not installed: an extra, or a command; empty if nothing is missing."""
    need, module = NEEDS.get(world, ("", ""))
    return need if module and find_spec(module) is None else ""


def missing_extra(world: str) -> str:
    """The extra that a world needs and that is not installed; empty if none is missing."""
    return what_it_lacks(world).strip("[]")


def _registered(group: str) -> list[str]:
    return sorted(entry.name for entry in entry_points(group=f"embodied_mem.{group}"))


def _with_need(name: str) -> str:
    need = what_it_lacks(name)
    return f"{name}  needs {need}" if need else name


def _arms() -> list[str]:
    memories = [name for name in _registered("memories") if name not in PATTERNS]
    width = max(map(len, [*PATTERNS, *memories]))
    arms = [
        f"{name:<{width}}  {pattern.help}{'' if name in DEFAULT_ARMS else ' (not in the default run)'}"
        for name, pattern in PATTERNS.items()
    ]
    return arms + [f"{name:<{width}}  a registered memory (not in the default run)" for name in memories]


def _presets() -> list[str]:
    presets = [load_preset(name) for name in preset_names()]
    width = max(len(preset.name) for preset in presets)
    return [f"{preset.name:<{width}}  {preset.about} ({preset.paper})" for preset in presets]


def _kinds() -> list[str]:
    from omegaconf import OmegaConf

    found: dict[str, list[str]] = {}
    for path in sorted((CONF_FOLDER / "stream").glob("*.yaml")):
        stream: Any = OmegaConf.to_container(OmegaConf.load(path))  # our own files hold mappings
        for kind in stream["kinds"]:
            found.setdefault(kind, []).append(path.stem)
    return [f"{_with_need_of(kind)}  in {', '.join(streams)}" for kind, streams in sorted(found.items())]


def _with_need_of(kind: str) -> str:
    need = what_it_lacks(kind.split(":")[0])
    return f"{kind}  needs {need}" if need else kind
