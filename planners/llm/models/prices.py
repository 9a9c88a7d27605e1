"""`Prices`: what a model's tokens cost, from a table that users may extend."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.token_counting import counter_of
from embodied_mem.records.json_values import JsonObject

TABLE = "prices.toml"
PARTS = ("in", "out")
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of models.

    Attributes:
        by_model: Model -> USD per million tokens of prompts and of answers.
    """

    by_model: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def usd(self, model: str, *, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """What a call costs; None if the model has no price here, or its tokens were not counted."""
        prices = self.by_model.get(model)
        if prices is None:
            return None
        if prices == (0.0, 0.0):
            return 0.0
        if tokens_in is None or tokens_out is None:
            return None
        return (prices[0] * tokens_in + prices[1] * tokens_out) / MILLION


class PricedModel:
    """A model whose answers say what they cost, where that is known.

    Args:
        inner: The model.
        prices: The prices.
    """

    def __init__(self, inner: LanguageModel, prices: Prices) -> None:
        self.inner, self.form, self._prices = inner, inner.form, prices
        self.token_counter = counter_of(inner)

    def describe(self) -> JsonObject:
        """What the model says of itself."""
        return self.inner.describe()

    async def answer(self, request: Request) -> Answer:
        """Ask the model; see `LanguageModel`."""
        answer = await self.inner.answer(request)
        model = str(self.describe().get("model", ""))
        usd = self._prices.usd(model, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)
        return replace(answer, usd=usd)


def load_prices(path: str | Path | None = None) -> Prices:
    """Read the prices that come with the library, and before them those of a file.

    Args:
        path: A file of the form of `prices.toml`; None: only the library's.

    Raises:
        ExperimentError: The file cannot be read, or is no table of prices; the message says what is wrong.
    """
    ours = resources.files("embodied_mem.planners.llm.models").joinpath(TABLE).read_text("utf-8")
    own = "" if path is None else _text(Path(path))
    return Prices({**_parsed(ours, TABLE), **_parsed(own, str(path))})


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"prices {path} cannot be read: {error}") from None


def _parsed(text: str, name: str) -> dict[str, tuple[float, float]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"prices {name} is not TOML: {error}") from None
    return {model: _price(model, value, name) for model, value in table.items()}


def _price(model: str, value: Any, name: str) -> tuple[float, float]:
    is_table = isinstance(value, dict) and set(value) == set(PARTS)
    if not is_table or not all(map(_is_price, value.values())):
        raise ExperimentError(
            f"prices {name}: {model} is {value!r}; expected USD per million tokens, such as "
            "{in = 0.25, out = 2.0}"
        )
    return float(value["in"]), float(value["out"])


def _is_price(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and math.isfinite(number)
        and number >= 0
    )
