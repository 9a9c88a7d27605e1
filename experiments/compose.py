"""Build a typed configuration from overrides with Hydra's compose API."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import filterfalse
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.experiments.config import CONF_FOLDER, RunConfig
from embodied_mem.experiments.override_errors import explain
from embodied_mem.planners.llm.presets.preset import Preset, load_preset

OPEN_GROUPS = {  # these also accept registered names that have no file; -> their group of the registry
    "planner": "planners",
    "memory": "memories",
    "learner": "planners",
    "judge": "judges",
    "reflector": "reflectors",
}
FREE_KEYS = (*(f"{group}.options." for group in OPEN_GROUPS), "variants.")
LLM = "planner.options.llm"  # where the group `llm` is; `llm.model=...` is short for a key of its options
PRESET = "preset="
PRESET_PLANNER = "llm"  # the one that presets are settings of
ADDING = ("+", "~")  # how Hydra adds and deletes keys
ANY_PART = "registered"  # the file used for a registered name that has none


def compose_config(overrides: Sequence[str] = ()) -> RunConfig:
    """Return the default configuration with overrides such as `lifetimes=2` or `experiment=quick` applied.

    `preset=NAME` sets what the preset of that name sets, wherever it stands among the overrides; other
    overrides hold over it.

    Raises:
        ExperimentError: A value has the wrong type, or an override cannot be parsed.
        UnknownName: A key or a group's file does not exist; the message gives the nearest names.
    """
    from hydra import compose, initialize_config_module
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name="run_schema", node=RunConfig)
    presets = [override for override in overrides if override.startswith(PRESET)]
    others = [override for override in overrides if override not in presets]
    if presets and not any(override.startswith("planner=") for override in others):
        others.append(f"planner={PRESET_PLANNER}")
    prepared = [part for override in others for part in _prepare(override)]
    # A preset comes after the files that are chosen and before single settings, which then hold.
    prepared = [*filter(_is_choice, prepared), *_of_presets(presets), *filterfalse(_is_choice, prepared)]
    try:
        with initialize_config_module("embodied_mem.experiments.conf", version_base="1.3"):
            found = OmegaConf.to_object(compose("config", overrides=prepared))
    except (HydraException, OmegaConfBaseException) as error:
        if LLM in str(error) and "Could not override" in str(error):
            raise ExperimentError("llm chooses the model of the language planner; add planner=llm") from None
        raise explain(error) from error
    assert isinstance(found, RunConfig)
    return _plain(found)


def group_names(group: str) -> list[str]:
    """Names of a configuration group's files, without suffix."""
    return sorted(path.stem for path in (CONF_FOLDER / group).glob("*.yaml"))


def keys_of(overrides: Sequence[str]) -> set[str]:
    """The first component of each overridden key."""
    return {override.split("=", 1)[0].split(".")[0] for override in overrides}


def _prepare(override: str) -> list[str]:
    key, equals, value = override.partition("=")
    if not key or not equals or key.startswith(ADDING):  # Hydra would silently drop an added key
        raise ExperimentError(f"{override!r} is not an override; expected key=value, as in lifetimes=2")
    if key.startswith("llm."):
        return [f"++{LLM}.options.{override.removeprefix('llm.')}"]
    if f"{key}.".startswith(FREE_KEYS):
        return [f"++{override}"]  # accept any keyword, also one that the group's file lacks
    groups = [path.name for path in CONF_FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_")]
    if key not in groups:
        return [override]
    files = set(group_names(key)) - {ANY_PART}
    if value in files:
        return [f"llm@{LLM}={value}" if key == "llm" else override]
    if key not in OPEN_GROUPS:
        raise unknown_name(key, value, files)
    from embodied_mem import registry

    registered = registry.names(OPEN_GROUPS[key])
    if value not in registered:
        raise unknown_name(key, value, {*registered, *files})
    return [f"{key}={ANY_PART}", f"{key}.name={value}"]


def _of_presets(overrides: Sequence[str]) -> Iterator[str]:
    """What `preset=NAME` stands for: settings of the planner, the memory and the agent."""
    for override in overrides:
        preset = load_preset(override.removeprefix(PRESET))
        yield f"++planner.options.preset={preset.name}"
        for group, values in (("planner.options.", preset.planner), ("memory.options.", preset.memory)):
            yield from (f"++{group}{name}={_value(value)}" for name, value in values.items())
        yield from _of_agent(preset)


def _of_agent(preset: Preset) -> Iterator[str]:
    for name, value in preset.agent.items():
        if name == "reflector":
            yield from _prepare(f"reflector={value['name']}")
            settings = value.get("options", {}).items()
            yield from (f"++reflector.options.{option}={_value(each)}" for option, each in settings)
        else:
            yield f"{name}={_value(value)}"


def _value(value: Any) -> str:
    """A value in the notation of overrides."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_value, value)) + "]"
    return json.dumps(value)


def _is_choice(override: str) -> bool:
    """Whether an override chooses a file of a group, and sets no single value."""
    key = override.split("=", 1)[0].split("@", 1)[0]
    return (CONF_FOLDER / key).is_dir()


def _plain(config: RunConfig) -> RunConfig:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        values[field.name] = list(value) if isinstance(value, list) else value
    return RunConfig(**values)
