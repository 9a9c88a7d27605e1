"""`Query`, and how it is built from free text and keywords."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypedDict, get_args

import numpy as np

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.argument_checks import check_number
from embodied_mem.records.experience import Task
from embodied_mem.records.filters import EVERYTHING, Where, check_where
from embodied_mem.records.json_values import check_text, clean_text
from embodied_mem.records.observation_keys import observation_keys
from embodied_mem.records.observation_keys import observation_vector as observation_vector
from embodied_mem.records.spaces import MAX_DIMENSION, FieldVector

MAX_K = 10_000
MAX_SEQUENCE = 2**63 - 1

Order: TypeAlias = Literal["best", "first", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query to memory; without text, task, state or vectors it returns the newest experiences.

    Attributes:
        text: Free text, matched against the task, state and outcome texts alike.
        task: Matched against the tasks of experiences.
        state: Matched against the states of experiences.
        vectors: Matched against vectors of the same field and space.
        where: Only experiences that pass this filter are candidates.
        k: Maximum number of results, 0 to 10,000.
        min_score: Minimum score of a result, so a recall can be empty; by default there is none.
        min_similarity: Minimum similarity of single parts, by their names in `Recalled.similarities`:
            {"state": 0.8} returns only experiences whose state matches by at least 0.8, however well the rest
            matches and whatever the weights. A text that the query leaves empty matches nothing.
        weights: Weights of single parts in place of the memory's own, by the same names: {"task": 0.5} halves
            what the task adds. A part that is not named keeps its weight.
        contrast: Up to this many of the k places go to the best matches of the opposite outcome
            (failures if the best match succeeded, and the reverse).
        as_of: Last sequence number (>= 0) that is visible; None: the whole log.
        as_of_s: Time of the snapshot in seconds since the Unix epoch: only entries written until then are
            visible, and ages are measured from it; None: the whole log.
        order: `best` returns the highest scores; `first` and `last` return the earliest and the latest by
            `happened_at_s` of all that reach `min_score`, in that order; those without a time are omitted.
        diversity: 0 (best matches) to 1 (most different from each other): the weight of similarity to results
            already chosen, subtracted from a candidate's rank (maximal marginal relevance).
        distinct: Whether to return only one of near duplicates, the first that passes the filter.
        include_archived: Whether archived experiences are candidates; always, if the filter names ids.
    """

    text: str = ""
    task: Task | None = None
    state: str = ""
    vectors: tuple[FieldVector, ...] = ()
    where: Where = EVERYTHING
    k: int = 5
    min_score: float = -math.inf
    min_similarity: Mapping[str, float] | None = field(default=None, hash=False)
    weights: Mapping[str, float] | None = field(default=None, hash=False)
    contrast: int = 0
    as_of: int | None = None
    as_of_s: float | None = None
    order: Order = "best"
    diversity: float = 0.0
    distinct: bool = False
    include_archived: bool = False

    def __post_init__(self) -> None:
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value is not default:  # a recall gives two or three of the sixteen
                object.__setattr__(self, name, _checked(name, value))
        if self.order != "best" and (self.contrast or self.diversity):
            raise InvalidQuery(f"order={self.order!r} is by time; contrast and diversity need order='best'")


_DEFAULTS = tuple((each.name, each.default) for each in fields(Query))


def _checked(name: str, value: Any) -> Any:
    """Return the validated value of a query field."""
    match name:
        case "text" | "state":
            check_text(value, field=f"query.{name}")
        case "task":
            return Task.of(value)
        case "vectors":
            return _vectors(value)
        case "where":
            check_where(value)
        case "k" | "contrast":
            return _integer(name, value, MAX_K)
        case "as_of":
            return _integer(name, value, MAX_SEQUENCE)
        case "min_similarity":
            return _numbers_by_part(name, value, example={"state": 0.8})
        case "weights":
            return _numbers_by_part(name, value, example={"task": 0.5})
        case "min_score" | "as_of_s" | "diversity":
            check_number(name, value)
            if name == "diversity" and not 0 <= value <= 1:
                raise InvalidQuery(f"diversity is {value}; expected a number from 0 to 1")
        case "order" if value not in get_args(Order):
            raise InvalidQuery(f"order is {value!r}; expected one of {', '.join(get_args(Order))}")
    return value


def _vectors(vectors: Any) -> tuple[FieldVector, ...]:
    given = tuple(vectors) if isinstance(vectors, tuple | Iterable) else (vectors,)
    if not all(isinstance(vector, FieldVector) for vector in given):
        raise InvalidQuery(
            f"vectors is {vectors!r}; expected FieldVectors. Pass an array as recall(observation=...)."
        )
    return given


def _numbers_by_part(name: str, value: Any, *, example: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value):
        raise InvalidQuery(f"{name} is {value!r}; expected numbers by part, such as {example}")
    for part, number in value.items():
        check_number(f"{name}[{part!r}]", number)
    return dict(value)


def _integer(name: str, value: Any, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= high:
        raise InvalidQuery(f"{name} is {value!r}; expected an integer from 0 to {high:,}")
    return int(value)


class QueryFields(TypedDict, total=False):
    """The keyword arguments of `recall`."""

    text: str
    task: Task | str | None
    state: str
    vectors: Sequence[FieldVector]
    observation: Any  # of any environment
    where: Where
    k: int
    min_score: float
    min_similarity: Mapping[str, float] | None
    weights: Mapping[str, float] | None
    contrast: int
    as_of: int | None
    as_of_s: float | None
    order: Order
    diversity: float
    distinct: bool
    include_archived: bool


def build_query(query: "Query | str | None", fields: "QueryFields") -> Query:
    """Return the query, or build one from free text and keywords.

    `observation` becomes the vectors by which recorded observations are found (see `observation_keys`); its
    texts become the state, unless one is given.

    Raises:
        InvalidQuery: Both a `Query` and keywords are given, a keyword is unknown, or nothing of the
            observation can be compared.
        InvalidRecord: The observation is an array that is not finite.
    """
    if isinstance(query, Query):
        if fields:
            raise InvalidQuery(f"both a Query and {', '.join(fields)} were given; set them in the Query")
        return query
    values: dict[str, Any] = dict(fields)
    unknown = values.keys() - QueryFields.__annotations__.keys()
    if unknown:
        known = ", ".join(QueryFields.__annotations__)
        raise InvalidQuery(f"recall has no keyword {', '.join(sorted(unknown))}. Known: {known}.")
    if query is not None:
        values["text"] = query
    if "observation" in values:
        _add_observation(values, values.pop("observation"))
    return Query(**values)


def _add_observation(values: dict[str, Any], observation: Any) -> None:
    """Add the vectors and texts of an observation to the fields of a query."""
    # A user may have recorded the vector of an array that a wrapper would have reduced to a digest.
    keys = observation_keys(observation, max_whole=MAX_DIMENSION)
    if not keys.vectors and not any(map(str.strip, keys.texts)):
        raise (
            keys.errors[0]
            if keys.errors
            else InvalidQuery(
                f"the observation {str(observation)[:80]!r} is empty; expected something to compare"
            )
        )
    values["vectors"] = (*values.get("vectors", ()), *keys.vectors)
    if keys.texts:
        values.setdefault("state", clean_text("\n".join(keys.texts)))
