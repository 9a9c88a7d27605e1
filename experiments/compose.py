"""Build a typed configuration from overrides with Hydra's compose API."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.experiments.config import CONF_FOLDER, RunConfig
from embodied_mem.experiments.override_errors import explain

OPEN_GROUPS = {  # these also accept registered names that have no file; -> their group of the registry
    "planner": "planners",
    "memory": "memories",
    "learner": "planners",
    "judge": "judges",
    "reflector": "reflectors",
}
FREE_KEYS = (*(f"{group}.options." for group in OPEN_GROUPS), "variants.")
LLM = "planner.options.llm"  # where the group `llm` is; `llm.model=...` is short for a key of its options
ADDING = ("+", "~")  # how Hydra adds and deletes keys
ANY_PART = "registered"  # the file used for a registered name that has none


def compose_config(overrides: Sequence[str] = ()) -> RunConfig:
    """Return the default configuration with overrides such as `lifetimes=2` or `experiment=quick` applied.

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
    prepared = [part for override in overrides for part in _prepare(override)]
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


def _plain(config: RunConfig) -> RunConfig:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        values[field.name] = list(value) if isinstance(value, list) else value
    return RunConfig(**values)
