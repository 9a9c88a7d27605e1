"""How an observation becomes facts: the contract `Extractor`, and the form that needs no model."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts.rules import HOME_RULES, FactRules
from embodied_mem.facts.triplet import Triplet, normal_name, parse_triplets
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import Observation
from embodied_mem.text.words import words

VISIBLE, FACTS, KNOWN, HELD = "visible", "facts", "known", "held"  # keys of `Observation.facts`
HERE = ("in", "this place")  # of a thing of which the world says no more
BY_AGENT = ("held by", "player")


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

    Where `visible` or `facts` of `Observation.facts` list facts, each `[subject, relation, object]` or a text
    `subject; relation; object`, they are read: `visible` is what is seen now, `facts` all that was seen in
    this episode and still holds, so a known fact that it leaves out is outdated. This is TextWorld's form.

    Another world lists things: `visible`, or else those of `known` that the text names, are now in this
    place, and `known` may say their state, as in `red door 1 (locked)`. What `known` leaves out is gone, and
    `held` is held by the player. This is MiniGrid's form.

    Args:
        rules: In which form facts are stored.
    """

    def __init__(self, *, rules: FactRules = HOME_RULES) -> None:
        self._rules = rules

    def extract(self, observation: Observation, *, known: Sequence[Triplet] = ()) -> Extracted:
        """Return the facts; what has another form is left out."""
        said = observation.facts
        if FACTS not in said and not any(_facts_in(said.get(VISIBLE))):
            return self._of_things(observation, known)
        now = self._stored(_facts_in(said.get(VISIBLE)))
        if FACTS not in said:
            return Extracted(triplets=now)
        still = self._stored(_facts_in(said[FACTS]))
        true = {*now, *still}
        return Extracted(triplets=now or still, outdated=tuple(each for each in known if each not in true))

    def _of_things(self, observation: Observation, known: Sequence[Triplet]) -> Extracted:
        said = observation.facts
        states = dict(map(_with_state, _texts_in(said.get(KNOWN))))
        held = said.get(HELD)
        in_view = _texts_in(said[VISIBLE]) if VISIBLE in said else _named(states, observation.text)
        found = [triplet for name in in_view for triplet in _facts_of(name, states.get(name, ""))]
        found += _made((held, *BY_AGENT)) if isinstance(held, str) else ()
        there = {normal_name(name) for name in (*states, *in_view, held) if isinstance(name, str)}
        gone = tuple(each for each in known if each.subject not in there) if KNOWN in said else ()
        return Extracted(triplets=self._stored(found), outdated=gone)

    def _stored(self, triplets: Iterable[Triplet]) -> tuple[Triplet, ...]:
        return tuple(dict.fromkeys(map(self._rules.stored, triplets)))


def _facts_in(value: JsonValue) -> Iterator[Triplet]:
    for each in value if isinstance(value, list | tuple) else ():
        if isinstance(each, str):
            yield from parse_triplets(each).triplets
        elif isinstance(each, list | tuple) and len(each) == 3:
            yield from _made(each)


def _made(parts: Iterable[JsonValue]) -> list[Triplet]:
    """The triplet; none if a part is no name, by which it could be found again."""
    try:
        return [Triplet(*(part if isinstance(part, str) else "" for part in parts))]
    except InvalidRecord:
        return []


def _texts_in(value: JsonValue) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []


def _with_state(thing: str) -> tuple[str, str]:
    """Name and state of `red door 1 (locked)`."""
    name, _, state = thing.partition(" (")
    return name, state.removesuffix(")")


def _named(names: Iterable[str], text: str) -> list[str]:
    padded = f" {' '.join(words(text))} "
    return [name for name in names if f" {' '.join(words(name))} " in padded]


def _facts_of(name: str, state: str) -> list[Triplet]:
    return _made((name, *HERE)) + (_made((name, "is", state)) if state else [])
