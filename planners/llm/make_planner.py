"""`make_llm_planner`: a language planner from its configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.logged_tokens import LoggedTokens
from embodied_mem.planners.llm.models.token_counting import counter_of, make_counter
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.presets.preset import NO_PRESET, load_preset
from embodied_mem.planners.llm.recalls.make import make_recall_way


def make_llm_planner(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    budget: Mapping[str, Any] | None = None,
    preset: str = "",
    **options: Any,
) -> LLMPlanner:
    """Make a planner from its configuration; registered as `llm`.

    Args:
        llm: The model; see `assembled`, as the next three.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices.
        budget: What its calls may cost.
        preset: Name of a preset, whose settings hold where `options` gives no other.
        options: Keyword arguments of `LLMPlanner`; `tokens` as `make_counter` takes it, and `recall` as
            `make_recall_way` does.
    """
    settings = {**(load_preset(preset) if preset else NO_PRESET).planner, **options}
    model = assembled(llm, folder=folder, prices=prices, budget=budget)
    counted = settings.pop("tokens", None)
    counter = counter_of(model) if counted is None else make_counter(**counted)
    if folder is not None and counter is not None:
        counter = LoggedTokens(counter, folder)
    if isinstance(settings.get("recall"), Mapping):
        settings["recall"] = make_recall_way(**settings["recall"])
    return LLMPlanner(model, tokens=counter, preset=preset, **settings)
