"""`Allowance`: what calls of a model may cost together, asked before each call, also by several processes."""

import json
import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.errors import ExperimentError, OverBudget
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.locked_file import locked
from embodied_mem.planners.llm.models.token_counting import counter_of
from embodied_mem.records.json_values import JsonObject

CALLS, TOKENS, USD, SECONDS = "model_calls", "tokens", "usd", "seconds"
WIDTH = 200  # bytes of the file, always written whole and in place


class Allowance:
    """Limits of what calls cost together. Once one is reached, no further call begins.

    Calls are counted as they begin, so their limit is kept to the call. What a call costs is known when it
    ends, so the other limits are exceeded by at most the calls that were in flight.

    Args:
        tokens: Tokens of prompts and answers; None: no limit, as for the others.
        usd: Money; a call without a known price ends the allowance.
        model_calls: Calls, also those that got no answer.
        seconds: Seconds that the model took, all calls added up.
        path: File of what is spent, for processes that share the allowance; None: only this object.

    Raises:
        ExperimentError: A limit is negative or not a number.
    """

    def __init__(
        self,
        *,
        tokens: float | None = None,
        usd: float | None = None,
        model_calls: float | None = None,
        seconds: float | None = None,
        path: str | Path | None = None,
    ) -> None:
        given = {TOKENS: tokens, USD: usd, CALLS: model_calls, SECONDS: seconds}
        self._limits = {name: limit for name, limit in given.items() if limit is not None}
        for name, limit in self._limits.items():
            if isinstance(limit, bool) or not math.isfinite(limit) or limit < 0:
                raise ExperimentError(f"budget.{name} is {limit!r}; expected a number of at least 0, or null")
        self._path = None if path is None else Path(path)
        self._here: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def spent(self) -> Mapping[str, float]:
        """Name of a limit -> what ended calls cost, and the number of calls begun."""
        with self._counted() as spent:
            return dict(spent)

    def begin(self) -> None:
        """Count a call that is about to be made.

        Raises:
            OverBudget: A limit is reached; the call must not be made.
        """
        with self._counted() as spent:
            for name, limit in self._limits.items():
                if (so_far := spent.get(name, 0.0)) >= limit:
                    raise OverBudget(f"the budget is spent: {name} {so_far:,.6g} of {limit:,.6g}")
            spent[CALLS] = spent.get(CALLS, 0.0) + 1

    def end(self, answer: Answer) -> None:
        """Add what a call cost.

        Raises:
            OverBudget: A limit cannot be kept, because the server counted no tokens or the price is unknown.
        """
        cost = cost_of(answer)
        with self._counted() as spent:
            for name, value in cost.items():
                spent[name] = spent.get(name, 0.0) + value
        if missing := sorted(self._limits.keys() - cost.keys() - {CALLS}):
            why = "its price is not known" if missing == [USD] else "the server did not count its tokens"
            raise OverBudget(
                f"budget.{missing[0]} cannot be kept: a call was made and {why}; limit budget.model_calls, "
                "or name a table of prices in planner.options.prices"
            )

    def restart(self, costs: Iterable[Mapping[str, float]]) -> None:
        """Set what is spent to the sum of these costs of calls, such as those of a log."""
        with self._counted() as spent:
            spent.clear()
            for cost in costs:
                for name, value in {**cost, CALLS: 1.0}.items():
                    spent[name] = spent.get(name, 0.0) + value

    @contextmanager
    def _counted(self) -> Iterator[dict[str, float]]:
        """What is spent, to be changed in a block that nothing interrupts."""
        if self._path is None:
            with self._lock:
                yield self._here
            return
        with locked(self._path) as file:
            spent = _read(file.read(), self._path)
            yield spent
            file.seek(0)
            file.write(json.dumps(spent).encode().ljust(WIDTH))


class BudgetedModel:
    """A model that is asked only while something of an allowance is left.

    Args:
        inner: The model; its answers should say what they cost.
        allowance: The limits.
    """

    def __init__(self, inner: LanguageModel, allowance: Allowance) -> None:
        self.inner, self.form, self._allowance = inner, inner.form, allowance
        self.token_counter = counter_of(inner)

    def describe(self) -> JsonObject:
        """What the model says of itself."""
        return self.inner.describe()

    async def answer(self, request: Request) -> Answer:
        """Ask the model; see `LanguageModel`.

        Raises:
            OverBudget: Nothing is left; the model was not asked.
        """
        self._allowance.begin()
        answer = await self.inner.answer(request)
        self._allowance.end(answer)
        return answer


def cost_of(answer: Answer) -> dict[str, float]:
    """Name of a limit -> what a call cost, as far as it is known."""
    cost = {SECONDS: answer.seconds}
    if answer.tokens_in is not None and answer.tokens_out is not None:
        cost[TOKENS] = float(answer.tokens_in + answer.tokens_out)
    if answer.usd is not None:
        cost[USD] = answer.usd
    return cost


def _read(text: bytes, path: Path) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in json.loads(text or b"{}").items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ExperimentError(
            f"{path} does not say what is spent: {error}; delete it, and resume the run"
        ) from None
