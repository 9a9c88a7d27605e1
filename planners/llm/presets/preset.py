"""`Preset`: a paper's way of using memory, as settings of the planner, its memory and the agent."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name

_FOLDER = resources.files("embodied_mem.planners.llm.presets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings under the name of the paper that describes them.

    Attributes:
        name: Name, such as `reflexion`.
        paper: What it follows, with its arXiv number.
        about: How it uses memory, in one sentence.
        planner: Keyword arguments of `LLMPlanner`.
        memory: Keyword arguments of the memory, such as its weights.
        agent: What the agent records: `record_decisions`, and `reflector` with its options.
    """

    name: str
    paper: str
    about: str
    planner: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    agent: Mapping[str, Any] = field(default_factory=dict)


NO_PRESET = Preset(name="", paper="", about="")


def load_preset(name: str) -> Preset:
    """Read a preset.

    Raises:
        UnknownName: There is no preset of this name.
    """
    if name not in preset_names():
        raise unknown_name("preset", name, preset_names())
    document = tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))
    known = {each.name for each in fields(Preset)}
    for key in document:
        if key not in known:
            raise ExperimentError(f"preset {name} has the key {key!r}; expected {', '.join(sorted(known))}")
    return Preset(name=name, **document)


def preset_names() -> tuple[str, ...]:
    """Names of the presets."""
    return tuple(
        sorted(each.name.removesuffix(".toml") for each in _FOLDER.iterdir() if each.name.endswith(".toml"))
    )
