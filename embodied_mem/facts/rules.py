"""`FactRules`: what a world says about its relations, as data: which facts end others, which link places."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts.triplet import Triplet, normal_name

Slot: TypeAlias = tuple[str, ...]
"""What can hold one fact at a time, such as the place of the cup; or a fact that no other one ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRules:
    """What is known of the relations of a world.

    Attributes:
        exclusive: Groups of relations. A subject has one object at a time over all relations of a group: a
            cup that is `on` a table is no longer `in` a drawer.
        states: Relation -> groups of objects that exclude one another: a door that `is` open is not closed.
        same: Relation -> the one that is stored for it: `is in` -> `in`.
        inverse: Relation -> the one that is stored with subject and object swapped: `holds` -> `held by`.
        names: Name of a thing -> the one that is stored for it: `p` -> `player`.
        exits: Relations that link places. Such a fact is never outdated once the agent was in both places, as
            in AriGraph (arXiv 2407.04363, section 3).
        agent: Name of the agent; a place in which it was is visited.

    Raises:
        InvalidRecord: A relation is in two groups, or no text.
    """

    exclusive: tuple[tuple[str, ...], ...] = ()
    states: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    inverse: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    exits: tuple[str, ...] = ()
    agent: str = "player"
    _group_of: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        groups: dict[str, int] = {}
        for number, group in enumerate(self.exclusive):
            for relation in map(normal_name, group):
                if relation in groups:
                    raise InvalidRecord(f"relation {relation!r} is in two exclusive groups; expected one")
                groups[relation] = number
        object.__setattr__(self, "_group_of", groups)
        object.__setattr__(self, "exits", tuple(map(normal_name, self.exits)))

    def stored(self, triplet: Triplet) -> Triplet:
        """Return the form in which a fact is stored: names and relations replaced, inverses swapped."""
        subject, thing = (self.names.get(name, name) for name in (triplet.subject, triplet.object))
        relation = self.same.get(triplet.relation, triplet.relation)
        if relation in self.inverse:
            return Triplet(thing, self.inverse[relation], subject)
        return Triplet(subject, relation, thing)

    def slot(self, triplet: Triplet) -> Slot:
        """Return the slot of a stored fact; a fact ends the earlier one in the same slot."""
        group = self._group_of.get(triplet.relation)
        if group is not None:
            return (triplet.subject, str(group))
        for number, states in enumerate(self.states.get(triplet.relation, ())):
            if triplet.object in states:
                return (triplet.subject, triplet.relation, str(number))
        return (triplet.subject, triplet.relation, triplet.object, "")

    def slots_of_agent(self) -> tuple[Slot, ...]:
        """Return the slots of what the agent has one of at a time, such as its place."""
        return tuple((self.agent, str(number)) for number in range(len(self.exclusive)))


_DIRECTIONS = ("north", "south", "east", "west")

HOME_RULES = FactRules(
    exclusive=(("at", "in", "on", "under", "held by"),),
    states={"is": (("open", "closed", "locked"), ("on", "off"), ("clean", "dirty"))},
    same={
        "carried by": "held by",
        "is at": "at",
        "is in": "in",
        "is on": "on",
        "located in": "in",
        "inside": "in",
        "is held by": "held by",
    },
    inverse={
        "holds": "held by",
        "has": "held by",
        "carries": "held by",
        "contains": "in",
        "supports": "on",
        **{f"{direction} of": direction for direction in _DIRECTIONS},  # the hall is north of the kitchen
    },
    exits=(*_DIRECTIONS, "up", "down", "exit to", "leads to", "connects to"),
)
"""Rules for rooms, furniture and things, such as those of TextWorld and of a household."""
