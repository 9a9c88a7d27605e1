"""`make_model`: a language model from its configuration."""

from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.models.copying import CopyModel
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.models.recorded import RecordedModel
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel

MODELS: Mapping[str, Callable[..., LanguageModel]] = {
    "chat": ChatModel,
    "completion": CompletionModel,
    "copy": CopyModel,
    "recorded": RecordedModel,
    "scripted": ScriptedModel,
}


def make_model(name: str = "", options: Mapping[str, Any] | None = None) -> LanguageModel:
    """Make a language model.

    Args:
        name: `chat`, `completion`, `recorded`, `copy` (no model: the best experience's call), or `scripted`
            (a stand-in: answers from a list).
        options: Keyword arguments of its class.

    Raises:
        UnknownName: There is no such model.
        ExperimentError: It rejects the options, or they hold a key, which would be written to disk.
    """
    if name not in MODELS:
        raise unknown_name("kind of language model", name, MODELS)
    if "api_key" in (options or {}):
        raise ExperimentError(
            "api_key would be stored with the run; put the key into an environment variable, and the name of "
            "that into api_key_env"
        )
    try:
        return MODELS[name](**(options or {}))
    except TypeError as error:
        raise ExperimentError(f"the language model {name!r} cannot be made with {options}: {error}") from None
