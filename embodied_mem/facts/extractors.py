"""How an observation becomes facts: the contract `Extractor`, and the form that needs no model."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts.rules import HOME_RULES, FactRules
from embodied_mem.facts.triplet import Triplet, parse_triplets
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import Observation

SEEN_NOW, STILL_TRUE, THINGS, HELD = "visible", "facts", "known", "held"  # keys of `Observation.facts`
NEAR = "seen in"
HERE = "this place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What an observation says.

    Attributes:
        triplets: Facts that hold.
        outdated: Known facts that hold no longer.
        cost: Named costs ("tokens", "usd", "seconds") of a model, each finite and >= 0.
    """

    triplets: tuple[Triplet, ...] = ()
    outdated: tuple[Triplet, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Extractor(Protocol):
    """Finds the facts of an observation."""

    def extract(
        self, observation: Observation, *, known: Sequence[Triplet]
    ) -> "Extracted | Awaitable[Extracted]":
        """Return what an observation says, or an awaitable of it.

        Args:
            observation: What is perceived.
            known: The facts that were learnt in this episode and hold as far as is known.
        """
        ...


class FactsOfObservation:
    """Facts that the world gives with its observation, without a model.

    Read are `visible` and `facts` of `Observation.facts`, each a list of facts: `[subject, relation, object]`
    or a text `subject; relation; object`. `visible` is what is seen now; `facts` is all that was seen in this
    episode and still holds, so a known fact that it leaves out is outdated. A world without them, such as
    MiniGrid, gives `known`, a list of things such as `red door 1 (locked)`, and `held`.

    Args:
        rules: In which form facts are stored.
    """

    def __init__(self, *, rules: FactRules = HOME_RULES) -> None:
        self._rules = rules

    def extract(self, observation: Observation, *, known: Sequence[Triplet] = ()) -> Extracted:
        """Return the facts; what has another form is left out."""
        said = observation.facts
        if SEEN_NOW not in said and STILL_TRUE not in said:
            return Extracted(triplets=self._stored(_things(said)))
        now = self._stored(_listed(said.get(SEEN_NOW)))
        if STILL_TRUE not in said:
            return Extracted(triplets=now)
        still = self._stored(_listed(said[STILL_TRUE]))
        true = {*now, *still}
        return Extracted(triplets=now or still, outdated=tuple(each for each in known if each not in true))

    def _stored(self, triplets: Iterable[Triplet]) -> tuple[Triplet, ...]:
        return tuple(dict.fromkeys(map(self._rules.stored, triplets)))


def _listed(value: JsonValue) -> Iterator[Triplet]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, str):
            yield from parse_triplets(each).triplets
        elif isinstance(each, list) and len(each) == 3:
            yield from _made(each)


def _made(parts: Iterable[JsonValue]) -> Iterator[Triplet]:
    try:
        yield Triplet(*(part if isinstance(part, str) else "" for part in parts))
    except InvalidRecord:
        return  # no name: nothing that could be found again


def _things(said: Mapping[str, JsonValue]) -> Iterator[Triplet]:
    things = said.get(THINGS)
    for each in things if isinstance(things, list) else ():
        name, _, state = str(each).removesuffix(")").partition(" (")
        yield from _made((name, "is", state) if state else (name, NEAR, HERE))
    held = said.get(HELD)
    if isinstance(held, str):
        yield from _made((held, "held by", "player"))
