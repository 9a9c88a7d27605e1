"""`assembled`: a model from its configuration, with its prices, log, budget and limit around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embodied_mem.planners.llm.models.allowance import Allowance, BudgetedModel
from embodied_mem.planners.llm.models.call_log import LoggedModel
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.models.limited import LimitedModel
from embodied_mem.planners.llm.models.make_model import make_model
from embodied_mem.planners.llm.models.prices import PricedModel, load_prices


def assembled(
    llm: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    prices: str | None = None,
    budget: Mapping[str, Any] | None = None,
) -> LanguageModel:
    """Make a model and what surrounds it.

    The order matters: a question waits in line before it is charged, and only what was asked is logged.

    Args:
        llm: `name` and `options` as `make_model` takes them; `max_concurrent` among the options is how many
            questions may be in flight, see `LimitedModel`.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices, read before the library's own; see `prices.toml`.
        budget: Keyword arguments of `Allowance`; None: no limits.

    Raises:
        UnknownName: There is no such model.
        ExperimentError: An option, price or limit is refused.
    """
    said = dict(llm or {})
    options = dict(said.pop("options", None) or {})
    max_concurrent = options.pop("max_concurrent", None)
    model: LanguageModel = PricedModel(make_model(**said, options=options), load_prices(prices))
    if folder is not None:
        model = LoggedModel(model, folder)
    if budget is not None:
        model = BudgetedModel(model, Allowance(**budget))
    return model if max_concurrent is None else LimitedModel(model, max_concurrent)
